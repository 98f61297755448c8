/* SPDX-License-Identifier: MIT */
#include "service/gate.h"

#include "base/clock.h"
#include "base/encode.h"
#include "model/path.h"
#include "service/issuer_fetch.h"
#include "service/keys.h"
#include "service/service.h"
#include "store/key_store.h"

#include <stdlib.h>

/* Own keys without kid: as many secrets as may be in rotation. */
#define CANDIDATES 16

static const char *const outcome_words[GATE_OUTCOMES] = {
	[GATE_FORBIDDEN] = "forbidden",         [GATE_NOT_CANONICAL] = "not_canonical",
	[GATE_NO_TOKEN] = "no_token",           [GATE_INVALID_TOKEN] = "invalid_token",
	[GATE_CANNOT_DECIDE] = "cannot_decide", [GATE_ALLOWED] = "allowed",
};

const char *gate_outcome_word(enum gate_outcome outcome)
{
	return outcome_words[outcome];
}

struct gate_local *gate_local_new(void)
{
	struct gate_local *local = calloc(1, sizeof(*local));
	if (local == NULL)
		abort();
	local->scratch = jws_scratch_new();
	return local;
}

void gate_local_free(struct gate_local **local)
{
	if (*local == NULL)
		return;
	keyring_release(&(*local)->keys);
	jws_scratch_free(&(*local)->scratch);
	free(*local);
	*local = NULL;
}

static const struct {
	enum gate_outcome outcome;
	const char *word;
} reasons[GATE_CLAIMS] = {
	[GATE_DENIED] = { GATE_FORBIDDEN, "denied" },
	[GATE_OTHER_USER] = { GATE_FORBIDDEN, "other_user" },
	[GATE_SECOND_SPELLING] = { GATE_NOT_CANONICAL, "not_canonical" },
	[GATE_NO_AUTHORIZATION] = { GATE_NO_TOKEN, "no_token" },
	[GATE_OTHER_SCHEME] = { GATE_NO_TOKEN, "other_scheme" },
	[GATE_SEVERAL_AUTHORIZATIONS] = { GATE_INVALID_TOKEN, "several_authorizations" },
	[GATE_MALFORMED] = { GATE_INVALID_TOKEN, "malformed" },
	[GATE_SIGNATURE] = { GATE_INVALID_TOKEN, "signature" },
	[GATE_NO_SESSION] = { GATE_INVALID_TOKEN, "no_session" },
	[GATE_REVOKED] = { GATE_INVALID_TOKEN, "revoked" },
	[GATE_CLAIM_CANNOT_BE_SENT] = { GATE_INVALID_TOKEN, "claim_cannot_be_sent" },
	[GATE_KEYS_UNKNOWN] = { GATE_CANNOT_DECIDE, "keys_unknown" },
	[GATE_REVOCATIONS_UNKNOWN] = { GATE_CANNOT_DECIDE, "revocations_unknown" },
	[GATE_GOOD] = { GATE_ALLOWED, "allowed" },
};

enum gate_outcome gate_outcome_of(enum gate_reason reason)
{
	return reason < GATE_CLAIMS ? reasons[reason].outcome : GATE_INVALID_TOKEN;
}

const char *gate_reason_word(enum gate_reason reason)
{
	if (reason < GATE_CLAIMS)
		return reasons[reason].word;
	return reason == GATE_CLAIMS + CLAIMS_HOLD
		       ? NULL
		       : claims_fault_word((enum claims_fault)(reason - GATE_CLAIMS));
}

static void decide(struct gate_answer *answer, enum gate_reason reason)
{
	answer->outcome = gate_outcome_of(reason);
	answer->reason = reason;
}

/* The token of `Bearer TOKEN`. Another scheme is no bearer token at all; a
 * list ("Bearer a, Bearer b" is how servers join two headers) is refused. */
static bool read_bearer(const struct gate_question *question, struct span *token_out,
			struct gate_answer *answer)
{
	struct span value = span_trim(question->authorization);
	if (span_is_absent(question->authorization) || value.len == 0) {
		decide(answer, GATE_NO_AUTHORIZATION);
		return false;
	}
	if (question->repeated || span_find(value, ',') < value.len) {
		decide(answer, GATE_SEVERAL_AUTHORIZATIONS);
		return false;
	}
	size_t space = span_find(value, ' ');
	if (!span_equal_nocase(span_first(value, space), SPAN("Bearer"))) {
		decide(answer, GATE_OTHER_SCHEME);
		return false;
	}
	*token_out = span_trim(span_from(value, space));
	return true;
}

/* Who signed: an issuer and its key. */
struct signer {
	size_t issuer;
	const struct jws_key *key; /* lives as long as the keyring is held */
};

static enum status verify_with(struct gate_local *local, size_t issuer, int64_t now_ms,
			       struct signer *by, struct span *payload_out)
{
	const struct jws_key *found[CANDIDATES];
	size_t count = keyring_find(local->keys, issuer, &local->parts, now_ms, found, CANDIDATES);
	enum status result = STATUS_DENIED;
	for (size_t i = 0; i < count && result == STATUS_DENIED; i++) {
		result = jws_verify(local->scratch, found[i], &local->parts, payload_out);
		*by = (struct signer){ issuer, found[i] };
	}
	return result;
}

static enum status verify(const struct service *service, struct gate_local *local, int64_t now_ms,
			  struct signer *by, struct span *payload_out)
{
	enum status result = STATUS_DENIED;
	for (size_t i = 0; i <= service->plan->issuer_count && result == STATUS_DENIED; i++)
		result = verify_with(local, i, now_ms, by, payload_out);
	return result;
}

/* Which issuer an unproven token says it is of: used to choose between "bad"
 * and "cannot tell yet", and to look for new keys, never to accept. */
static bool claimed_issuer(const struct service *service, const struct jws_parts *parts,
			   size_t *issuer_out)
{
	char payload[JWS_TOKEN_MAX];
	struct claims claims;
	size_t len;
	if (decode_base64url(parts->payload_text, payload, sizeof(payload), &len) != STATUS_OK ||
	    claims_parse(span_make(payload, len), SPAN_ABSENT, &claims) != STATUS_OK)
		return false;
	*issuer_out = KEYRING_OWN;
	if (span_is(claims.issuer, service->config->jwt_issuer.text))
		return true;
	for (size_t i = 0; i < service->plan->issuer_count; i++) {
		*issuer_out = i + 1;
		if (span_equal(claims.issuer, service->plan->issuers[i].url))
			return true;
	}
	return false;
}

/* No key of ours verified it. That proves nothing while the keys it may be
 * signed with were never loaded. HS256 keys are always there. */
static bool may_learn_key(struct service *service, const struct gate_local *local,
			  struct gate_answer *answer)
{
	const struct jws_parts *parts = &local->parts;
	size_t issuer;
	decide(answer, GATE_SIGNATURE);
	if (parts->alg == JWS_HS256 || !claimed_issuer(service, parts, &issuer))
		return false;
	bool learned = issuer == KEYRING_OWN && keys_look_for_unknown(service, local->keys);
	if (issuer != KEYRING_OWN)
		issuer_fetch_want(service->issuer_fetch, issuer);
	if (!keys_are_loaded(service, issuer))
		decide(answer, GATE_KEYS_UNKNOWN);
	return learned;
}

/* Asks for unknown keys before it says no. */
static bool verify_or_learn(struct service *service, struct gate_local *local, int64_t now_ms,
			    struct signer *by, struct span *payload_out, struct gate_answer *answer)
{
	if (verify(service, local, now_ms, by, payload_out) == STATUS_OK)
		return true;
	if (!may_learn_key(service, local, answer))
		return false;
	keys_refresh(service, &local->keys);
	return verify(service, local, now_ms, by, payload_out) == STATUS_OK;
}

static struct claims_rules rules_of(const struct service *service,
				    const struct foreign_issuer *foreign)
{
	const struct config *config = service->config;
	return (struct claims_rules){
		.issuer = foreign != NULL ? foreign->url : span_of(config->jwt_issuer.text),
		.audience =
			foreign != NULL ? foreign->audience : span_of(config->jwt_audience.text),
		.leeway_s = config->jwt_leeway_s,
	};
}

/* The subject as this service knows it: ours plain, a foreign one under its
 * issuer's name unless it names local users. */
static bool resolve_subject(struct gate_local *local, const struct foreign_issuer *foreign,
			    const struct claims *claims, struct span *subject_out)
{
	if (foreign == NULL) {
		*subject_out = claims->subject;
		return true;
	}
	struct span name = foreign->name;
	struct span subject = claims->subject;
	if (!span_is_absent(foreign->subject_claim) && !span_is(foreign->subject_claim, "sub"))
		subject = claims->custom;
	if (subject.len == 0)
		return false;
	if (foreign->local) {
		*subject_out = subject;
		return true;
	}
	if (name.len + 1 + subject.len > sizeof(local->subject))
		return false;
	memcpy(local->subject, name.at, name.len);
	local->subject[name.len] = ':';
	memcpy(local->subject + name.len + 1, subject.at, subject.len);
	*subject_out = span_make(local->subject, name.len + 1 + subject.len);
	return true;
}

/* Signature, claims and subject of the token. */
static bool read_token(struct service *service, struct gate_local *local, struct span token,
		       int64_t now_ms, struct gate_answer *answer)
{
	keys_refresh(service, &local->keys);
	struct signer by;
	struct span payload;
	if (jws_split(token, &local->parts) != STATUS_OK) {
		decide(answer, GATE_MALFORMED);
		return false;
	}
	if (!verify_or_learn(service, local, now_ms, &by, &payload, answer))
		return false;
	const struct foreign_issuer *foreign =
		by.issuer == KEYRING_OWN ? NULL : &service->plan->issuers[by.issuer - 1];
	struct span custom = foreign != NULL ? foreign->subject_claim : SPAN_ABSENT;
	if (claims_parse(payload, custom, &answer->claims) != STATUS_OK) {
		decide(answer, GATE_MALFORMED);
		return false;
	}
	struct claims_rules rules = rules_of(service, foreign);
	enum claims_fault fault = claims_judge(&answer->claims, &rules, now_ms / 1000);
	if (fault != CLAIMS_HOLD) {
		decide(answer, (enum gate_reason)(GATE_CLAIMS + fault));
		return false;
	}
	if (!resolve_subject(local, foreign, &answer->claims, &answer->subject)) {
		decide(answer, (enum gate_reason)(GATE_CLAIMS + CLAIMS_NO_SUBJECT));
		return false;
	}
	/* No logout could reach an own token that names no session. */
	if (foreign == NULL && answer->claims.session.len == 0 &&
	    !service->config->accept_sessionless) {
		decide(answer, GATE_NO_SESSION);
		return false;
	}
	if (foreign != NULL)
		answer->claims.session = SPAN_ABSENT;
	else if (jws_key_alg(by.key) != JWS_HS256)
		answer->kid = jws_key_kid(by.key);
	return true;
}

/* STATUS_NOT_FOUND: session, user or key is no longer good. */
static enum status ask_database(struct service *service, int64_t now,
				const struct gate_answer *answer)
{
	const struct claims *claims = &answer->claims;
	TRY(store_token_is_live(service->store, claims->session, answer->subject, claims->issued,
				now));
	return span_is_absent(answer->kid) ? STATUS_OK
					   : store_key_is_there(service->store, answer->kid);
}

static struct feed_answer ask_memory(const struct service *service, int64_t mono_ms,
				     const struct gate_answer *answer)
{
	const struct claims *claims = &answer->claims;
	return feed_ask(service->feed, claims->session, answer->subject, claims->issued, mono_ms);
}

static bool is_known_revoked(struct feed_answer known, struct gate_answer *answer)
{
	bool revoked = known.state != FEED_BLIND && known.revoked;
	if (revoked)
		decide(answer, GATE_REVOKED);
	return revoked;
}

/* Memory answers while the feed is current; else the database; else memory
 * again until it is too old; else nobody knows. */
static bool is_in_force(struct service *service, int64_t now, int64_t mono_ms,
			struct gate_answer *answer)
{
	struct feed_answer known = ask_memory(service, mono_ms, answer);
	if (is_known_revoked(known, answer))
		return false;
	if (known.state == FEED_CURRENT)
		return true;
	enum status live = ask_database(service, now, answer);
	if (live == STATUS_OK)
		return true;
	if (live == STATUS_NOT_FOUND) {
		decide(answer, GATE_REVOKED);
		return false;
	}
	/* The database took its time to fail, in which memory has aged. */
	known = ask_memory(service, clock_mono_ms(), answer);
	if (is_known_revoked(known, answer))
		return false;
	if (known.state == FEED_BLIND)
		decide(answer, GATE_REVOCATIONS_UNKNOWN);
	return known.state != FEED_BLIND;
}

static bool is_visible(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < 0x21 || value.at[i] > 0x7e)
			return false;
	return value.len > 0;
}

static struct span claim_value(const struct gate_answer *answer, enum service_claim claim)
{
	switch (claim) {
	case CLAIM_SUBJECT:
		return answer->subject;
	case CLAIM_EMAIL:
		return answer->claims.email;
	case CLAIM_SESSION:
		return answer->claims.session;
	case CLAIM_ISSUER:
		return answer->claims.issuer;
	}
	return SPAN_ABSENT;
}

static bool can_send_variables(const struct service *service, struct gate_answer *answer)
{
	for (size_t i = 0; i < service->plan->variable_count; i++) {
		if (!is_visible(claim_value(answer, service->plan->variables[i].claim))) {
			decide(answer, GATE_CLAIM_CANNOT_BE_SENT);
			return false;
		}
	}
	return true;
}

static bool is_canonical(const struct gate_question *question)
{
	return path_is_canonical(question->path) &&
	       (span_is_absent(question->second_path) ||
		span_equal(question->second_path, question->path));
}

void gate_judge(struct service *service, struct gate_local *local,
		const struct gate_question *question, int64_t now_ms, int64_t mono_ms,
		struct gate_answer *answer)
{
	*answer = (struct gate_answer){ 0 };
	if (!is_canonical(question)) {
		decide(answer, GATE_SECOND_SPELLING);
		return;
	}
	struct span token;
	if (!read_bearer(question, &token, answer) ||
	    !read_token(service, local, token, now_ms, answer))
		return;
	struct span user_id = SPAN_ABSENT;
	enum policy_rule rule =
		policy_match(service->plan->policy, question->method, question->path, &user_id);
	if (!is_in_force(service, now_ms / 1000, mono_ms, answer) ||
	    !can_send_variables(service, answer))
		return;
	if (policy_judge(rule, user_id, answer->subject) == VERDICT_ALLOW)
		decide(answer, GATE_GOOD);
	else
		decide(answer, rule == POLICY_OWNER ? GATE_OTHER_USER : GATE_DENIED);
}

bool gate_variable(const struct service *service, size_t index, const struct gate_answer *answer,
		   struct span *name_out, struct span *value_out)
{
	if (answer->outcome != GATE_ALLOWED || index >= service->plan->variable_count)
		return false;
	*name_out = service->plan->variables[index].name;
	*value_out = claim_value(answer, service->plan->variables[index].claim);
	return is_visible(*value_out);
}
