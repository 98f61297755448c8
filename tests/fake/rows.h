/* SPDX-License-Identifier: MIT */
/* rows: the fake store's tables. */
#ifndef FAKE_ROWS_H
#define FAKE_ROWS_H

#include "base/utf8.h"
#include "store/audit_store.h"

enum { ROWS_MAX = 4096 };

struct account {
	struct span id, user_id, hash;
	int64_t created_ms, updated_ms;
};

struct cut_off {
	struct span user_id;
	int64_t not_before;
};

struct counter {
	struct span key;
	struct throttle_state state;
};

/* Rows are kept dense: a deleted one is overwritten by the last. */
struct store {
	struct arena *mem; /* of all rows, until the store closes */
	size_t users, accounts, sessions, cut_offs, keys, counters, disabled, ended;
	struct user user[ROWS_MAX];
	struct account account[ROWS_MAX];
	struct session session[ROWS_MAX];
	struct span ended_id[ROWS_MAX];
	struct cut_off cut_off[ROWS_MAX];
	struct key_row key[ROWS_MAX];
	struct counter counter[ROWS_MAX];
	struct span disabled_id[ROWS_MAX];
	unsigned calls, fail_after, fail_count;
	enum status fail_status;
	const char *why;
	size_t audits;
	struct audit_line audit[ROWS_MAX];
	bool audit_away;
};

/* As PostgreSQL: no NUL, and UTF-8. */
static inline bool is_storable(struct span text)
{
	return text.len == 0 || (memchr(text.at, '\0', text.len) == NULL && utf8_is_valid(text));
}

static inline struct user *find_user(struct store *s, struct span id)
{
	for (size_t i = 0; i < s->users; i++)
		if (span_equal(s->user[i].id, id))
			return &s->user[i];
	return NULL;
}

static inline struct user *find_email(struct store *s, struct span email)
{
	for (size_t i = 0; i < s->users; i++)
		if (span_equal(s->user[i].email, email))
			return &s->user[i];
	return NULL;
}

static inline void copy_user(struct arena *mem, const struct user *from, struct user *to)
{
	*to = *from;
	to->id = arena_copy(mem, from->id);
	to->name = arena_copy(mem, from->name);
	to->email = arena_copy(mem, from->email);
	to->image = arena_copy(mem, from->image);
}

static inline void copy_session(struct arena *mem, const struct session *from, struct session *to)
{
	*to = *from;
	to->id = arena_copy(mem, from->id);
	to->token = arena_copy(mem, from->token);
	to->user_id = arena_copy(mem, from->user_id);
	to->ip_address =
		span_is_absent(from->ip_address) ? SPAN("") : arena_copy(mem, from->ip_address);
	to->user_agent =
		span_is_absent(from->user_agent) ? SPAN("") : arena_copy(mem, from->user_agent);
}

static inline void copy_audit(struct arena *mem, const struct audit_line *from,
			      struct audit_line *to)
{
	*to = *from;
	to->user_id = arena_copy(mem, from->user_id);
	to->address = arena_copy(mem, from->address);
}

static inline void copy_key(struct arena *mem, const struct key_row *from, struct key_row *to)
{
	*to = *from;
	to->id = arena_copy(mem, from->id);
	to->public_key = arena_copy(mem, from->public_key);
	to->private_key = arena_copy(mem, from->private_key);
	to->alg = arena_copy(mem, from->alg);
	to->crv = arena_copy(mem, from->crv);
}

#endif
