/* SPDX-License-Identifier: MIT */
/*
 * fixture: what the store's cases need besides store.h, on PostgreSQL
 * (fixture_pg.c) and on the fake (../fake/fixture.c).
 */
#ifndef DB_FIXTURE_H
#define DB_FIXTURE_H

#include "store/store.h"

/* An empty store; on PostgreSQL the test's database, migrated. NULL, after a
 * line that skips the whole program, where there is none. */
struct store *fixture_open(void);
void fixture_close(struct store **store);

void fixture_disable(struct span user_id, bool disabled);
/* not_before in whole seconds; user "" is everybody. */
void fixture_cut_off(struct span user_id, int64_t not_before);
void fixture_drop_credential(struct span user_id);

#endif
