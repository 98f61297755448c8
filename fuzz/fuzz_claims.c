/* SPDX-License-Identifier: MIT */
/* What the claims reader takes means the same to jansson; what is plain and well
 * typed to jansson is taken. */
#include "fuzz/fuzz.h"

#include "base/jdoc.h"
#include "model/claims.h"

#include <stdlib.h>

#define CUSTOM "uid"

static const char *const texts[] = { "sub", "iss", "sid", "email", CUSTOM };
static const char *const times[] = { "exp", "nbf", "iat" };

static void must(bool good)
{
	if (!good)
		abort();
}

static void same_text(const struct jdoc *doc, const char *name, struct span ours)
{
	struct span theirs = SPAN_ABSENT;

	if (jdoc_member(doc, name) != JDOC_ABSENT)
		must(jdoc_text(doc, name, &theirs));
	must(span_is_absent(ours) == span_is_absent(theirs) && span_equal(ours, theirs));
}

static void same_time(const struct jdoc *doc, const char *name, int64_t ours)
{
	int64_t theirs = -1;

	if (jdoc_member(doc, name) != JDOC_ABSENT)
		must(jdoc_int(doc, name, &theirs) && theirs >= 0);
	must(ours == theirs);
}

static void same_audience(const struct jdoc *doc, const struct claims *claims)
{
	const struct jdoc *list = jdoc_child(doc, "aud");
	struct span text;

	if (jdoc_member(doc, "aud") != JDOC_ARRAY) {
		same_text(doc, "aud",
			  claims->audience_count > 0 ? claims->audience[0] : SPAN_ABSENT);
		must(claims->audience_count <= 1);
		return;
	}
	must(jdoc_count(list) == claims->audience_count);
	for (size_t i = 0; i < claims->audience_count; i++)
		must(jdoc_own_text(jdoc_at(list, i), &text) &&
		     span_equal(text, claims->audience[i]));
}

static void same_meaning(struct span payload, const struct claims *claims)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;

	must(jdoc_parse(payload, &doc) == STATUS_OK && jdoc_type(doc) == JDOC_OBJECT);
	same_text(doc, "sub", claims->subject);
	same_text(doc, "iss", claims->issuer);
	same_text(doc, "sid", claims->session);
	same_text(doc, "email", claims->email);
	same_text(doc, CUSTOM, claims->custom);
	same_time(doc, "exp", claims->expires);
	same_time(doc, "nbf", claims->not_before);
	same_time(doc, "iat", claims->issued);
	same_audience(doc, claims);
}

/* Nothing in it that we refuse and JSON allows. */
static bool is_plain(struct span payload)
{
	size_t groups = 0;

	for (size_t i = 0; i < payload.len; i++) {
		if (payload.at[i] == '\\' || payload.at[i] == 0x7f)
			return false;
		groups += payload.at[i] == '{' || payload.at[i] == '[';
	}
	return payload.len > 0 && payload.at[0] == '{' && payload.at[payload.len - 1] == '}' &&
	       groups <= 16;
}

static bool is_well_typed(const struct jdoc *doc, struct span payload)
{
	enum jdoc_type aud = jdoc_member(doc, "aud");
	int64_t value;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (jdoc_member(doc, texts[i]) != JDOC_ABSENT &&
		    jdoc_member(doc, texts[i]) != JDOC_STRING)
			return false;
	for (size_t i = 0; i < COUNT_OF(times); i++)
		if (jdoc_member(doc, times[i]) != JDOC_ABSENT &&
		    (!jdoc_int(doc, times[i], &value) || value < 0 || value > 999999999999999))
			return false;
	/* jansson also takes -0, 1.0 and 1e3 for whole numbers. */
	for (size_t i = 0; i < payload.len; i++)
		if (strchr("-.eE", payload.at[i]) != NULL)
			return false;
	return aud == JDOC_ABSENT || aud == JDOC_STRING;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct claims_rules rules = { SPAN("i"), SPAN("a"), 5 };
	CLEANUP(jdoc_free) struct jdoc *strict = NULL;
	struct span payload = span_make((const char *)data, size);
	struct claims claims;
	static bool started;

	if (!started)
		jdoc_start();
	started = true;
	enum status ours = claims_parse(payload, SPAN(CUSTOM), &claims);
	if (ours == STATUS_OK) {
		same_meaning(payload, &claims);
		enum claims_fault fault = claims_judge(&claims, &rules, 1000);
		must(fault != CLAIMS_HOLD || (claims.expires > 995 && claims.subject.len > 0));
	} else if (is_plain(payload) && jdoc_parse_strict(payload, &strict) == STATUS_OK) {
		must(jdoc_type(strict) != JDOC_OBJECT || !is_well_typed(strict, payload));
	}
	return 0;
}
