/* SPDX-License-Identifier: MIT */
/* admin_accounts: users and passwords that an administrator makes; part of
 * admin.h's promise and rules. */
#ifndef STORE_ADMIN_ACCOUNTS_H
#define STORE_ADMIN_ACCOUNTS_H

#include "store/store.h"

enum new_user_fate {
	NEW_USER_MADE,
	NEW_USER_THERE,  /* the address has a user: this one, as far as can be told */
	NEW_USER_CLASHES /* the id is another's, or the address is, or twice in a batch */
};

struct new_user {
	struct user user;
	struct span account_id, hash; /* hash absent: no credential account */
	bool id_is_given;             /* by whom it comes from; else made for this */
	enum new_user_fate fate;      /* the answer */
};

#define ADMIN_USERS_MAX 1000

/* Makes up to ADMIN_USERS_MAX users in one statement: all that do not clash, or
 * on failure none. */
MUST_CHECK enum status admin_import_users(struct store *store, struct arena *mem,
					  struct new_user *users, size_t count);

/* The same for one. */
MUST_CHECK enum status admin_create_user(struct store *store, struct arena *mem,
					 struct new_user *user);

/* Sets the stored password of a user's credential account, made as
 * `account_id` if there is none; ends the sessions unless `keep_sessions`.
 * STATUS_NOT_FOUND: no such user (id or address). */
MUST_CHECK enum status admin_set_password(struct store *store, struct span user,
					  struct span account_id, struct span hash,
					  bool keep_sessions);

#endif
