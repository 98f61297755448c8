/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "store/throttle_store.h"
#include "store/key_store.h"
#include "rows.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *only;

static void unlock(int *held)
{
	if (*held)
		pthread_mutex_unlock(&lock);
}

#define LOCKED                                                      \
	CLEANUP(unlock) int held_ = pthread_mutex_lock(&lock) == 0; \
	(void)held_
/* Begins an operation: the lock is held to its end. */
#define ENTER(s) \
	LOCKED;  \
	TRY(enter(s))

static enum status enter(struct store *s)
{
	s->calls++;
	if (s->fail_count == 0)
		return STATUS_OK;
	if (s->fail_after > 0) {
		s->fail_after--;
		return STATUS_OK;
	}
	s->fail_count--;
	return s->fail_status;
}

static struct span keep(struct store *s, struct span text)
{
	return arena_copy(s->mem, text);
}

/* --- opening --- */

enum status store_check_url(const char *url)
{
	return url[0] != '\0' ? STATUS_OK : STATUS_INVALID;
}

enum status store_open(const struct store_options *options, struct store **out)
{
	(void)options;
	only = calloc(1, sizeof(*only));
	if (only == NULL)
		return STATUS_NO_MEMORY;
	only->mem = arena_new(0);
	*out = only;
	return STATUS_OK;
}

void store_stop(struct store *store)
{
	(void)store;
}

void store_close(struct store **store)
{
	if (*store == NULL)
		return;
	arena_free(&(*store)->mem);
	free(*store);
	*store = only = NULL;
}

enum status store_check_schema(struct store *store, struct arena *mem, char **why_out)
{
	ENTER(store);
	if (store->why == NULL)
		return STATUS_OK;
	*why_out = arena_format(mem, "%s", store->why);
	return STATUS_INVALID;
}

enum status store_ping(struct store *store)
{
	ENTER(store);
	return STATUS_OK;
}

void store_read_stats(struct store *store, struct store_stats *out)
{
	(void)store;
	*out = (struct store_stats){ .open = 1 };
}

/* --- looking up --- */

static struct account *find_account(struct store *s, struct span user_id)
{
	for (size_t i = 0; i < s->accounts; i++)
		if (span_equal(s->account[i].user_id, user_id))
			return &s->account[i];
	return NULL;
}

static bool is_disabled(struct store *s, struct span user_id)
{
	for (size_t i = 0; i < s->disabled; i++)
		if (span_equal(s->disabled_id[i], user_id))
			return true;
	return false;
}

static void copy_credential(struct store *s, struct arena *mem, struct span user_id,
			    struct credential *out)
{
	const struct account *account = find_account(s, user_id);
	*out = (struct credential){ .disabled = is_disabled(s, user_id) };
	if (account != NULL) {
		out->account_id = arena_copy(mem, account->id);
		out->hash = arena_copy(mem, account->hash);
	}
}

enum status store_user_by_email(struct store *store, struct arena *mem, struct span email,
				struct user *user_out, struct credential *credential_out)
{
	ENTER(store);
	if (!is_storable(email))
		return STATUS_INVALID;
	const struct user *user = find_email(store, email);
	if (user == NULL)
		return STATUS_NOT_FOUND;
	copy_user(mem, user, user_out);
	copy_credential(store, mem, user->id, credential_out);
	return STATUS_OK;
}

enum status store_credential(struct store *store, struct arena *mem, struct span user_id,
			     struct credential *credential_out)
{
	ENTER(store);
	if (find_account(store, user_id) == NULL)
		return STATUS_NOT_FOUND;
	copy_credential(store, mem, user_id, credential_out);
	return STATUS_OK;
}

enum status store_accounts(struct store *store, struct arena *mem, struct span user_id,
			   struct account_row **rows_out, size_t *count_out)
{
	ENTER(store);
	struct account_row *row = arena_alloc(mem, sizeof(*row));
	const struct account *account = find_account(store, user_id);
	*rows_out = row;
	*count_out = account != NULL;
	if (account != NULL)
		*row = (struct account_row){
			.id = arena_copy(mem, account->id),
			.account_id = arena_copy(mem, account->user_id),
			.provider_id = SPAN("credential"),
			.created_ms = account->created_ms,
			.updated_ms = account->updated_ms,
		};
	return STATUS_OK;
}

/* --- accounts --- */

static bool session_is_storable(const struct session *session)
{
	return is_storable(session->ip_address) && is_storable(session->user_agent);
}

static void add_session(struct store *s, const struct session *session)
{
	struct session *row = &s->session[s->sessions++ % ROWS_MAX];
	copy_session(s->mem, session, row);
}

enum status store_sign_up(struct store *store, const struct user *user, struct span account_id,
			  struct span hash, const struct session *session)
{
	ENTER(store);
	if (!is_storable(user->name) || !is_storable(user->email) || !is_storable(user->image) ||
	    !is_storable(hash) || !session_is_storable(session))
		return STATUS_INVALID;
	if (find_email(store, user->email) != NULL || find_user(store, user->id) != NULL)
		return STATUS_CONFLICT;
	copy_user(store->mem, user, &store->user[store->users++ % ROWS_MAX]);
	store->account[store->accounts++ % ROWS_MAX] = (struct account){
		.id = keep(store, account_id),
		.user_id = keep(store, user->id),
		.hash = keep(store, hash),
		.created_ms = user->created_ms,
		.updated_ms = user->updated_ms,
	};
	add_session(store, session);
	return STATUS_OK;
}

static struct account *held(struct store *s, struct span user_id, struct span account_id,
			    struct span verified)
{
	struct account *account = find_account(s, user_id);
	return account != NULL && span_equal(account->id, account_id) &&
			       !span_is_absent(account->hash) && span_equal(account->hash, verified)
		       ? account
		       : NULL;
}

enum status store_sign_in(struct store *store, const struct session *session,
			  struct span account_id, struct span verified, struct span renewed)
{
	ENTER(store);
	if (!session_is_storable(session))
		return STATUS_INVALID;
	struct account *account = held(store, session->user_id, account_id, verified);
	if (account == NULL || is_disabled(store, session->user_id))
		return STATUS_CONFLICT;
	if (!span_is_absent(renewed))
		account->hash = keep(store, renewed);
	add_session(store, session);
	return STATUS_OK;
}

static void drop_session(struct store *s, size_t i)
{
	fake_feed_heard(s->session[i].id);
	s->ended_id[s->ended++ % ROWS_MAX] = s->session[i].id;
	s->session[i] = s->session[--s->sessions];
}

static void drop_sessions(struct store *s, struct span user_id, struct span except)
{
	for (size_t i = s->sessions; i-- > 0;)
		if (span_equal(s->session[i].user_id, user_id) &&
		    (span_is_absent(except) || !span_equal(s->session[i].token, except)))
			drop_session(s, i);
}

enum status store_change_password(struct store *store, struct span user_id, struct span account_id,
				  struct span verified, struct span renewed,
				  const struct session *session, int64_t now_ms)
{
	ENTER(store);
	struct account *account = held(store, user_id, account_id, verified);
	if (account == NULL)
		return STATUS_CONFLICT;
	account->hash = keep(store, renewed);
	account->updated_ms = now_ms;
	if (session != NULL) {
		drop_sessions(store, user_id, SPAN_ABSENT);
		add_session(store, session);
	}
	return STATUS_OK;
}

enum status store_update_user(struct store *store, struct arena *mem, struct span user_id,
			      const struct user_change *change, int64_t now_ms,
			      struct user *user_out)
{
	ENTER(store);
	if (!is_storable(change->name) || !is_storable(change->image))
		return STATUS_INVALID;
	struct user *user = find_user(store, user_id);
	if (user == NULL)
		return STATUS_NOT_FOUND;
	if (change->name_set)
		user->name = keep(store, change->name);
	if (change->image_set)
		user->image = keep(store, change->image);
	user->updated_ms = now_ms;
	copy_user(mem, user, user_out);
	return STATUS_OK;
}

static void drop_account(struct store *s, struct span user_id)
{
	struct account *account = find_account(s, user_id);
	if (account != NULL)
		*account = s->account[--s->accounts];
}

enum status store_delete_user(struct store *store, struct span user_id)
{
	ENTER(store);
	struct user *user = find_user(store, user_id);
	if (user == NULL)
		return STATUS_NOT_FOUND;
	store->cut_off[store->cut_offs++ % ROWS_MAX] = (struct cut_off){ user->id, INT64_MAX };
	fake_feed_cut_off(user->id, INT64_MAX);
	drop_account(store, user_id);
	drop_sessions(store, user_id, SPAN_ABSENT);
	*user = store->user[--store->users];
	return STATUS_OK;
}

/* --- sessions --- */

static struct session *find_session(struct store *s, struct span token)
{
	for (size_t i = 0; i < s->sessions; i++)
		if (span_equal(s->session[i].token, token))
			return &s->session[i];
	return NULL;
}

enum status store_session_by_token(struct store *store, struct arena *mem, struct span token,
				   struct session *session_out, struct user *user_out)
{
	ENTER(store);
	const struct session *session = find_session(store, token);
	if (!is_storable(token))
		return STATUS_INVALID;
	if (session == NULL)
		return STATUS_NOT_FOUND;
	copy_session(mem, session, session_out);
	copy_user(mem, find_user(store, session->user_id), user_out);
	return STATUS_OK;
}

enum status store_slide_session(struct store *store, struct span token, int64_t expires_ms,
				int64_t now_ms)
{
	ENTER(store);
	struct session *session = find_session(store, token);
	if (session == NULL || session->expires_ms < now_ms)
		return STATUS_NOT_FOUND;
	if (session->expires_ms < expires_ms)
		session->expires_ms = expires_ms;
	session->updated_ms = now_ms;
	return STATUS_OK;
}

enum status store_end_session(struct store *store, struct span token, struct span user_id)
{
	ENTER(store);
	const struct session *session = find_session(store, token);
	if (session != NULL && (span_is_absent(user_id) || span_equal(session->user_id, user_id)))
		drop_session(store, (size_t)(session - store->session));
	return STATUS_OK;
}

enum status store_end_sessions(struct store *store, struct span user_id, struct span except)
{
	ENTER(store);
	drop_sessions(store, user_id, except);
	return STATUS_OK;
}

enum status store_sessions(struct store *store, struct arena *mem, struct span user_id,
			   int64_t now_ms, struct session **rows_out, size_t *count_out)
{
	ENTER(store);
	struct session *rows = arena_alloc(mem, 100 * sizeof(*rows));
	size_t count = 0;
	for (size_t i = 0; i < store->sessions && count < 100; i++)
		if (span_equal(store->session[i].user_id, user_id) &&
		    store->session[i].expires_ms >= now_ms)
			copy_session(mem, &store->session[i], &rows[count++]);
	*rows_out = rows;
	*count_out = count;
	return STATUS_OK;
}

static bool session_lives(struct store *s, struct span id, struct span user_id, int64_t now)
{
	for (size_t i = 0; i < s->ended && i < ROWS_MAX; i++)
		if (span_equal(s->ended_id[i], id))
			return false;
	for (size_t i = 0; i < s->sessions; i++)
		if (span_equal(s->session[i].id, id))
			return span_equal(s->session[i].user_id, user_id) &&
			       s->session[i].expires_ms >= now * 1000;
	return false;
}

enum status store_token_is_live(struct store *store, struct span session_id, struct span user_id,
				int64_t issued, int64_t now)
{
	ENTER(store);
	bool live = span_is_absent(session_id) || session_lives(store, session_id, user_id, now);
	for (size_t i = 0; i < store->cut_offs && i < ROWS_MAX; i++) {
		const struct cut_off *cut = &store->cut_off[i];
		if ((cut->user_id.len == 0 || span_equal(cut->user_id, user_id)) &&
		    (issued < 0 ? 0 : issued) < cut->not_before)
			live = false;
	}
	return live && !is_disabled(store, user_id) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- keys --- */

/* Newest first. */
enum status store_keys(struct store *store, struct arena *mem, struct key_row **rows_out,
		       size_t *count_out)
{
	ENTER(store);
	struct key_row *rows = arena_alloc(mem, (store->keys + 1) * sizeof(*rows));
	for (size_t i = 0; i < store->keys; i++) {
		size_t at = i;
		while (at > 0 && rows[at - 1].created_ms < store->key[i].created_ms)
			at--;
		memmove(&rows[at + 1], &rows[at], (i - at) * sizeof(*rows));
		copy_key(mem, &store->key[i], &rows[at]);
	}
	*rows_out = rows;
	*count_out = store->keys;
	return STATUS_OK;
}

enum status store_key_is_there(struct store *store, struct span kid)
{
	ENTER(store);
	for (size_t i = 0; i < store->keys; i++)
		if (span_equal(store->key[i].id, kid))
			return STATUS_OK;
	return STATUS_NOT_FOUND;
}

static struct span alg_of(const struct key_row *row)
{
	return span_is_absent(row->alg) ? SPAN("EdDSA") : row->alg;
}

static bool signs_beyond(const struct key_row *key, int64_t ms, int64_t max_age_ms)
{
	return (key->expires_ms < 0 || key->expires_ms > ms) &&
	       (max_age_ms == 0 || key->created_ms + max_age_ms > ms);
}

enum status store_insert_signer(struct store *store, const struct key_row *row, int64_t max_age_ms)
{
	ENTER(store);
	for (size_t i = 0; i < store->keys; i++)
		if (span_equal(alg_of(&store->key[i]), alg_of(row)) &&
		    signs_beyond(&store->key[i], row->created_ms, max_age_ms))
			return STATUS_CONFLICT;
	for (size_t i = 0; i < store->keys && max_age_ms != 0; i++)
		if (span_equal(alg_of(&store->key[i]), alg_of(row)) &&
		    signs_beyond(&store->key[i], row->created_ms, 0))
			store->key[i].expires_ms = row->created_ms;
	copy_key(store->mem, row, &store->key[store->keys++ % ROWS_MAX]);
	return STATUS_OK;
}

/* --- throttle --- */

static struct counter *find_counter(struct store *s, struct span key)
{
	for (size_t i = 0; i < s->counters; i++)
		if (span_equal(s->counter[i].key, key))
			return &s->counter[i];
	return NULL;
}

enum status store_throttle_read(struct store *store, struct span key,
				struct throttle_state *state_out)
{
	ENTER(store);
	const struct counter *counter = find_counter(store, key);
	*state_out = counter != NULL ? counter->state : (struct throttle_state){ 0 };
	return STATUS_OK;
}

enum status store_throttle_take(struct store *store, struct span key, int64_t now_ms,
				int64_t *wait_ms_out)
{
	ENTER(store);
	struct counter *counter = find_counter(store, key);
	struct throttle_state none = { 0 };
	int64_t wait_ms = throttle_wait_ms(counter != NULL ? &counter->state : &none, now_ms);
	*wait_ms_out = wait_ms;
	if (wait_ms > 0)
		return STATUS_OK;
	if (counter == NULL) {
		counter = &store->counter[store->counters++ % ROWS_MAX];
		*counter = (struct counter){ .key = keep(store, key) };
	}
	throttle_fail(&counter->state, now_ms);
	return STATUS_OK;
}

enum status store_throttle_forgive(struct store *store, struct span key)
{
	ENTER(store);
	struct counter *counter = find_counter(store, key);
	if (counter != NULL)
		*counter = store->counter[--store->counters];
	return STATUS_OK;
}

enum status store_tidy(struct store *store, int64_t now_ms)
{
	ENTER(store);
	for (size_t i = store->sessions; i-- > 0;)
		if (store->session[i].expires_ms < now_ms - 86400000)
			store->session[i] = store->session[--store->sessions];
	return STATUS_OK;
}

/* --- switches --- */

void fake_store_fail(enum status status, unsigned after, unsigned count)
{
	LOCKED;
	only->fail_status = status;
	only->fail_after = after;
	only->fail_count = count;
}

/* Written by a thread of its own: it takes no part in fake_store_fail. */
enum status store_audit(struct store *store, struct arena *mem, const struct audit_line *lines,
			size_t count)
{
	(void)mem;
	LOCKED;
	if (store->audit_away)
		return STATUS_UNAVAILABLE;
	for (size_t i = 0; i < count && store->audits < ROWS_MAX; i++)
		copy_audit(store->mem, &lines[i], &store->audit[store->audits++]);
	return STATUS_OK;
}

void fake_store_audit_away(bool away)
{
	LOCKED;
	only->audit_away = away;
}

size_t fake_store_audited(const struct audit_line **lines_out)
{
	LOCKED;
	*lines_out = only->audit;
	return only->audits;
}

unsigned fake_store_calls(void)
{
	LOCKED;
	return only->calls;
}

void fake_store_disable(struct span user_id, bool disabled)
{
	LOCKED;
	for (size_t i = only->disabled; i-- > 0;)
		if (span_equal(only->disabled_id[i], user_id))
			only->disabled_id[i] = only->disabled_id[--only->disabled];
	if (disabled) {
		only->disabled_id[only->disabled++] = keep(only, user_id);
		drop_sessions(only, user_id, SPAN_ABSENT);
	}
}

void fake_store_cut_off(struct span user_id, int64_t not_before)
{
	LOCKED;
	only->cut_off[only->cut_offs++ % ROWS_MAX] =
		(struct cut_off){ keep(only, user_id), not_before };
	fake_feed_cut_off(user_id, not_before);
}

void fake_store_add_key(const struct key_row *row)
{
	LOCKED;
	copy_key(only->mem, row, &only->key[only->keys++ % ROWS_MAX]);
}

void fake_store_schema(const char *why)
{
	LOCKED;
	only->why = why;
}

void fake_store_drop_credential(struct span user_id)
{
	LOCKED;
	drop_account(only, user_id);
}

size_t fake_store_users(void)
{
	LOCKED;
	return only->users;
}

size_t fake_store_live_sessions(void)
{
	LOCKED;
	return only->sessions;
}
