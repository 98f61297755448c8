/* SPDX-License-Identifier: MIT */
/* person: users and sessions to try the store with, each new one unlike all
 * before, and what they must read as. */
#ifndef DB_PERSON_H
#define DB_PERSON_H

#include "fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* 2100-01-01: ahead of any database's clock, so that sessions live. */
#define NOW INT64_C(4102444800000)
#define DAY INT64_C(86400000)

static struct store *store;
static struct arena *mem;
static unsigned serial;

struct person {
	struct user user;
	struct session session;
	struct span account_id, hash;
};

static inline struct span fresh(const char *kind)
{
	return span_of(arena_format(mem, "%s%028u", kind, ++serial));
}

static inline struct session session_of(const struct user *user)
{
	return (struct session){
		.id = fresh("sess"),
		.token = fresh("toke"),
		.user_id = user->id,
		.ip_address = SPAN("192.0.2.1"),
		.user_agent = SPAN("a browser"),
		.expires_ms = NOW + 7 * DAY + 7,
		.created_ms = NOW + 123,
		.updated_ms = NOW + 456,
	};
}

static inline struct person stranger(void)
{
	struct person p = {
		.user = {
			.id = fresh("user"),
			.name = SPAN("N\xc3\xa4me"),
			.created_ms = NOW + 789,
			.updated_ms = NOW + 999,
		},
		.account_id = fresh("acco"),
		.hash = SPAN("hash-1"),
	};
	p.user.email = span_of(arena_format(mem, "u%u@example.com", ++serial));
	p.session = session_of(&p.user);
	return p;
}

static inline enum status sign_up(const struct person *p)
{
	return store_sign_up(store, &p->user, p->account_id, p->hash, &p->session);
}

static inline struct person member(void)
{
	struct person p = stranger();
	assert_int_equal(sign_up(&p), STATUS_OK);
	return p;
}

static inline void assert_span(struct span got, struct span want)
{
	assert_int_equal(span_is_absent(got), span_is_absent(want));
	assert_int_equal(got.len, want.len);
	if (want.len > 0)
		assert_memory_equal(got.at, want.at, want.len);
}

static inline void assert_user(const struct user *got, const struct user *want)
{
	assert_span(got->id, want->id);
	assert_span(got->name, want->name);
	assert_span(got->email, want->email);
	assert_span(got->image, want->image);
	assert_int_equal(got->email_verified, want->email_verified);
	assert_int_equal(got->created_ms, want->created_ms);
	assert_int_equal(got->updated_ms, want->updated_ms);
}

static inline void assert_session(const struct session *got, const struct session *want)
{
	assert_span(got->id, want->id);
	assert_span(got->token, want->token);
	assert_span(got->user_id, want->user_id);
	assert_span(got->ip_address, want->ip_address);
	assert_span(got->user_agent, want->user_agent);
	assert_int_equal(got->expires_ms, want->expires_ms);
	assert_int_equal(got->created_ms, want->created_ms);
	assert_int_equal(got->updated_ms, want->updated_ms);
}

#endif
