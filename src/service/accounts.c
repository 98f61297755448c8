/* SPDX-License-Identifier: MIT */
#include "service/accounts.h"

#include "crypto/password.h"
#include "model/email.h"
#include "service/cookies.h"
#include "service/hash_lane.h"
#include "service/service.h"
#include "store/throttle_store.h"

/* A hash that has not begun by then is not worth beginning. */
#define SLOT_WAIT_MS 10000

/* Leaves a slot of the hash lane at the end of its block. */
struct slot {
	struct hash_lane *lane;
	size_t index;
};

static void leave_slot(struct slot *slot)
{
	if (slot->lane != NULL)
		hash_lane_release(slot->lane, slot->index);
}

static enum status hash_new(struct service *service, struct arena *mem, struct span password,
			    struct span *stored_out)
{
	CLEANUP(leave_slot) struct slot slot = { 0 };
	TRY(hash_lane_acquire(service->shared.hashes, SLOT_WAIT_MS, &slot.index));
	slot.lane = service->shared.hashes;
	return password_hash(&service->password_params, password, service->rng, mem, stored_out);
}

static enum status verify(struct service *service, struct arena *mem, struct span stored,
			  struct span password)
{
	CLEANUP(leave_slot) struct slot slot = { 0 };
	TRY(hash_lane_acquire(service->shared.hashes, SLOT_WAIT_MS, &slot.index));
	slot.lane = service->shared.hashes;
	return password_verify(stored, password, mem);
}

static enum status decide(struct account_result *out, enum account_outcome outcome,
			  const char *reason)
{
	out->outcome = outcome;
	out->reason = reason;
	return STATUS_OK;
}

enum account_outcome accounts_judge_password(const struct service *service, struct span password)
{
	int64_t length = (int64_t)password_length(password);
	if (length < service->config->password_min)
		return ACCOUNT_PASSWORD_SHORT;
	if (length > service->config->password_max)
		return ACCOUNT_PASSWORD_LONG;
	if (service_is_blocked(service->plan, password))
		return ACCOUNT_PASSWORD_BLOCKED;
	return ACCOUNT_DONE;
}

enum status accounts_sign_up(struct service *service, struct arena *mem, const struct sign_up *in,
			     int64_t now_ms, struct account_result *out)
{
	*out = (struct account_result){ .reason = "refused" };
	enum account_outcome judged = accounts_judge_password(service, in->password);
	if (judged != ACCOUNT_DONE)
		return decide(out, judged, "password_rules");
	struct span hash;
	TRY(hash_new(service, mem, in->password, &hash));
	struct session_view view = {
		.user = {
			.id = service_new_id(service, mem),
			.name = in->name,
			.email = email_lower(mem, in->email),
			.image = in->image,
			.created_ms = now_ms,
			.updated_ms = now_ms,
		},
	};
	sessions_make(service, mem, view.user.id, in->remember, &in->client, now_ms, &view.session);
	enum status stored = store_sign_up(service->store, &view.user, service_new_id(service, mem),
					   hash, &view.session);
	if (stored == STATUS_CONFLICT)
		return decide(out, ACCOUNT_EXISTS, "email_taken");
	if (stored == STATUS_INVALID)
		return decide(out, ACCOUNT_UNSTORABLE, "unstorable_value");
	TRY(stored);
	out->view = view;
	return decide(out, ACCOUNT_DONE, "done");
}

/* The throttle's key says nothing about the address to who reads the table. */
struct span accounts_throttle_key(const struct service *service, struct arena *mem, char kind,
				  struct span of)
{
	struct span named = span_of(arena_format(mem, "%c:%.*s", kind, SPAN_FMT(of)));
	struct span keyed = cookies_seal(service, mem, named);
	return span_of(
		arena_format(mem, "%c:%.*s", kind, SPAN_FMT(span_from(keyed, named.len + 1))));
}

/* A browser that signed in before has an allowance of its own, so that
 * strangers who guess cannot lock the owner out. */
static struct span guess_key(const struct service *service, struct arena *mem,
			     const struct sign_in *in, struct span email, struct span user_id,
			     int64_t now_ms)
{
	if (cookies_is_device_of(in->device, user_id, now_ms / 1000))
		return accounts_throttle_key(service, mem, 'd', in->device);
	return accounts_throttle_key(service, mem, 'a', email);
}

static enum status take_guess(struct service *service, struct span key, int64_t now_ms,
			      int64_t *wait_ms_out)
{
	*wait_ms_out = 0;
	if (!service->config->rate_limit)
		return STATUS_OK;
	return store_throttle_take(service->store, key, now_ms, wait_ms_out);
}

/* A better form of a password that was just proved right; absent when the
 * stored one is good. */
static enum status renew(struct service *service, struct arena *mem, struct span stored,
			 struct span password, struct span *renewed_out)
{
	*renewed_out = SPAN_ABSENT;
	if (!password_needs_rehash(&service->password_params, stored))
		return STATUS_OK;
	return hash_new(service, mem, password, renewed_out);
}

/* A user without a password is no failure: an empty credential. */
static enum status find_credential(struct service *service, struct arena *mem, struct span user_id,
				   struct credential *out)
{
	*out = (struct credential){ 0 };
	enum status found = store_credential(service->store, mem, user_id, out);
	return found == STATUS_NOT_FOUND ? STATUS_OK : found;
}

/* The hash was replaced meanwhile: by another sign-in with the same password,
 * which is no reason to refuse, or by a new password, which is. */
static enum status sign_in_again(struct service *service, struct arena *mem, struct span password,
				 const struct session *session)
{
	struct credential now;
	TRY(find_credential(service, mem, session->user_id, &now));
	if (now.hash.len == 0 || now.disabled)
		return STATUS_CONFLICT;
	enum status proved = verify(service, mem, now.hash, password);
	if (proved == STATUS_DENIED || proved == STATUS_INVALID)
		return STATUS_CONFLICT;
	TRY(proved);
	return store_sign_in(service->store, session, now.account_id, now.hash, SPAN_ABSENT);
}

static enum status finish_sign_in(struct service *service, struct arena *mem,
				  const struct sign_in *in, const struct credential *credential,
				  struct span key, int64_t now_ms, struct account_result *out)
{
	struct span renewed;
	TRY(renew(service, mem, credential->hash, in->password, &renewed));
	sessions_make(service, mem, out->view.user.id, in->remember, &in->client, now_ms,
		      &out->view.session);
	enum status stored = store_sign_in(service->store, &out->view.session,
					   credential->account_id, credential->hash, renewed);
	if (stored == STATUS_CONFLICT)
		stored = sign_in_again(service, mem, in->password, &out->view.session);
	if (stored == STATUS_CONFLICT || stored == STATUS_NOT_FOUND || stored == STATUS_DENIED)
		return decide(out, ACCOUNT_REFUSED, "password_just_changed");
	TRY(stored);
	if (service->config->rate_limit)
		TRY(store_throttle_forgive(service->store, key));
	return decide(out, ACCOUNT_DONE, "done");
}

/* Every refusal costs the same: one look-up, one throttle row, one hash. */
enum status accounts_sign_in(struct service *service, struct arena *mem, const struct sign_in *in,
			     int64_t now_ms, struct account_result *out)
{
	*out = (struct account_result){ .reason = "refused" };
	if ((int64_t)password_length(in->password) > service->config->password_max)
		return decide(out, ACCOUNT_PASSWORD_LONG, "password_rules");
	struct span email = email_lower(mem, in->email);
	struct credential credential = { 0 };
	enum status found =
		store_user_by_email(service->store, mem, email, &out->view.user, &credential);
	if (found != STATUS_OK && found != STATUS_NOT_FOUND)
		return found;
	struct span key = guess_key(service, mem, in, email, out->view.user.id, now_ms);
	TRY(take_guess(service, key, now_ms, &out->wait_ms));
	if (out->wait_ms > 0)
		return decide(out, ACCOUNT_WAIT, "guessed_too_often");
	bool usable = found == STATUS_OK && credential.hash.len > 0;
	enum status proved =
		verify(service, mem, usable ? credential.hash : service->decoy, in->password);
	if (proved == STATUS_DENIED || proved == STATUS_INVALID || !usable)
		return decide(out, ACCOUNT_REFUSED,
			      found != STATUS_OK ? "unknown_user"
			      : !usable          ? "no_credential"
						 : "wrong_password");
	TRY(proved);
	if (credential.disabled)
		return decide(out, ACCOUNT_REFUSED, "disabled");
	return finish_sign_in(service, mem, in, &credential, key, now_ms, out);
}

enum status accounts_verify_password(struct service *service, struct arena *mem,
				     const struct session_view *view, struct span password,
				     int64_t now_ms, struct account_result *out)
{
	*out = (struct account_result){ .reason = "refused", .view = *view };
	if ((int64_t)password_length(password) > service->config->password_max)
		return decide(out, ACCOUNT_PASSWORD_LONG, "password_rules");
	struct credential credential;
	TRY(find_credential(service, mem, view->user.id, &credential));
	struct span key = accounts_throttle_key(service, mem, 'p', view->user.id);
	TRY(take_guess(service, key, now_ms, &out->wait_ms));
	if (out->wait_ms > 0)
		return decide(out, ACCOUNT_WAIT, "guessed_too_often");
	bool usable = credential.hash.len > 0;
	enum status proved =
		verify(service, mem, usable ? credential.hash : service->decoy, password);
	if (proved == STATUS_DENIED || proved == STATUS_INVALID || !usable)
		return decide(out, ACCOUNT_REFUSED, usable ? "wrong_password" : "no_credential");
	TRY(proved);
	if (service->config->rate_limit)
		TRY(store_throttle_forgive(service->store, key));
	return decide(out, ACCOUNT_DONE, "done");
}

static enum status swap_password(struct service *service, struct arena *mem,
				 const struct password_change *in,
				 const struct credential *credential, int64_t now_ms,
				 struct account_result *out)
{
	struct span renewed;
	struct session fresh;
	TRY(hash_new(service, mem, in->renewed, &renewed));
	sessions_make(service, mem, in->view->user.id, true, &in->client, now_ms, &fresh);
	enum status stored =
		store_change_password(service->store, in->view->user.id, credential->account_id,
				      credential->hash, renewed, in->revoke_others ? &fresh : NULL,
				      now_ms);
	if (stored == STATUS_CONFLICT)
		return decide(out, ACCOUNT_REFUSED, "password_just_changed");
	TRY(stored);
	if (in->revoke_others)
		out->view.session = fresh;
	return decide(out, ACCOUNT_DONE, "done");
}

enum status accounts_change_password(struct service *service, struct arena *mem,
				     const struct password_change *in, int64_t now_ms,
				     struct account_result *out)
{
	*out = (struct account_result){ .reason = "refused", .view = *in->view };
	enum account_outcome judged = accounts_judge_password(service, in->renewed);
	if (judged != ACCOUNT_DONE)
		return decide(out, judged, "password_rules");
	if ((int64_t)password_length(in->current) > service->config->password_max)
		return decide(out, ACCOUNT_PASSWORD_LONG, "password_rules");
	struct credential credential;
	TRY(find_credential(service, mem, in->view->user.id, &credential));
	if (credential.hash.len == 0)
		return decide(out, ACCOUNT_NO_CREDENTIAL, "no_credential");
	TRY(accounts_verify_password(service, mem, in->view, in->current, now_ms, out));
	if (out->outcome != ACCOUNT_DONE)
		return STATUS_OK;
	return swap_password(service, mem, in, &credential, now_ms, out);
}
