/* SPDX-License-Identifier: MIT */
#include "model/claims.h"

#include "base/jscan.h"

enum kind { TEXT, SECONDS, AUDIENCE };

struct member {
	char name[6];
	enum kind kind;
	size_t offset; /* in struct claims */
};

static const struct member members[] = {
	{ "sub", TEXT, offsetof(struct claims, subject) },
	{ "iss", TEXT, offsetof(struct claims, issuer) },
	{ "sid", TEXT, offsetof(struct claims, session) },
	{ "aud", AUDIENCE, 0 },
	{ "exp", SECONDS, offsetof(struct claims, expires) },
	{ "nbf", SECONDS, offsetof(struct claims, not_before) },
	{ "iat", SECONDS, offsetof(struct claims, issued) },
	{ "email", TEXT, offsetof(struct claims, email) },
};

enum { EMAIL = COUNT_OF(members) - 1, UNKNOWN = COUNT_OF(members) };

/* Index in `members`, or UNKNOWN. All but one have three letters: with the
 * length known here, no comparison is a call, and every member of a payload
 * comes by. */
static size_t member_named(struct span name)
{
	if (name.len == 3) {
		for (size_t i = 0; i < EMAIL; i++)
			if (span_equal(span_make(members[i].name, 3), span_make(name.at, 3)))
				return i;
	} else if (span_equal(name, SPAN("email"))) {
		return EMAIL;
	}
	return UNKNOWN;
}

static void read_audience(struct jscan *s, struct claims *claims)
{
	if (!jscan_open_array(s)) {
		claims->audience[claims->audience_count++] = jscan_text(s);
		return;
	}
	while (jscan_element(s)) {
		if (claims->audience_count == CLAIMS_AUDIENCES) {
			jscan_fail(s);
			return;
		}
		claims->audience[claims->audience_count++] = jscan_text(s);
	}
}

static void *member_at(struct claims *claims, const struct member *member)
{
	return (char *)claims + member->offset;
}

static void read_member(struct jscan *s, const struct member *member, struct claims *claims)
{
	void *at = member_at(claims, member);

	switch (member->kind) {
	case TEXT:
		*(struct span *)at = jscan_text(s);
		break;
	case SECONDS:
		*(int64_t *)at = jscan_seconds(s);
		break;
	case AUDIENCE:
		read_audience(s, claims);
		break;
	}
}

/* A `subject=` that names a claim read anyhow gets that claim's text. */
static void alias_custom(struct claims *claims, struct span subject_claim)
{
	size_t index = member_named(subject_claim);

	if (index != UNKNOWN && members[index].kind == TEXT)
		claims->custom = *(const struct span *)member_at(claims, &members[index]);
}

enum status claims_parse(struct span payload, struct span subject_claim, struct claims *claims_out)
{
	struct claims claims = { .expires = -1, .not_before = -1, .issued = -1 };
	unsigned seen = 0; /* a bit per member; the last for the custom one */
	struct span name;
	struct jscan s;

	jscan_open(&s, payload);
	while (jscan_member(&s, &name)) {
		size_t index = member_named(name);
		bool known = index != UNKNOWN;

		if (!known && (name.len == 0 || !span_equal(name, subject_claim))) {
			jscan_skip(&s);
			continue;
		}
		if ((seen & 1u << index) != 0)
			jscan_fail(&s);
		seen |= 1u << index;
		if (known)
			read_member(&s, &members[index], &claims);
		else
			claims.custom = jscan_text(&s);
	}
	TRY(jscan_finish(&s));
	alias_custom(&claims, subject_claim);
	*claims_out = claims;
	return STATUS_OK;
}

static bool names_audience(const struct claims *claims, struct span audience)
{
	for (size_t i = 0; i < claims->audience_count; i++)
		if (span_equal(claims->audience[i], audience))
			return true;
	return false;
}

/* Rules without issuer or audience are our own mistake; they match nothing. */
enum claims_fault claims_judge(const struct claims *claims, const struct claims_rules *rules,
			       int64_t now)
{
	if (claims->expires < 0)
		return CLAIMS_NO_EXPIRY;
	if (now >= claims->expires + rules->leeway_s)
		return CLAIMS_EXPIRED;
	if (claims->not_before >= 0 && claims->not_before - rules->leeway_s > now)
		return CLAIMS_NOT_YET;
	if (claims->issued > now + CLAIMS_IAT_AHEAD_S)
		return CLAIMS_ISSUED_AHEAD;
	if (rules->issuer.len == 0 || !span_equal(claims->issuer, rules->issuer))
		return CLAIMS_WRONG_ISSUER;
	if (rules->audience.len == 0 || !names_audience(claims, rules->audience))
		return CLAIMS_WRONG_AUDIENCE;
	if (claims->subject.len == 0)
		return CLAIMS_NO_SUBJECT;
	return CLAIMS_HOLD;
}

const char *claims_fault_word(enum claims_fault fault)
{
	static const char *const words[] = {
		[CLAIMS_HOLD] = "ok",
		[CLAIMS_MALFORMED] = "malformed_claims",
		[CLAIMS_NO_EXPIRY] = "no_expiry",
		[CLAIMS_EXPIRED] = "expired",
		[CLAIMS_NOT_YET] = "not_yet_valid",
		[CLAIMS_ISSUED_AHEAD] = "issued_ahead",
		[CLAIMS_WRONG_ISSUER] = "wrong_issuer",
		[CLAIMS_WRONG_AUDIENCE] = "wrong_audience",
		[CLAIMS_NO_SUBJECT] = "no_subject",
	};

	return words[fault];
}
