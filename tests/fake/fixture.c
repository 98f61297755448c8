/* SPDX-License-Identifier: MIT */
#include "../db/fixture.h"
#include "fake.h"

struct store *fixture_open(void)
{
	struct store_options options = { .url = "" };
	struct store *store = NULL;
	return store_open(&options, &store) == STATUS_OK ? store : NULL;
}

void fixture_close(struct store **store)
{
	store_close(store);
}

void fixture_disable(struct span user_id, bool disabled)
{
	fake_store_disable(user_id, disabled);
}

void fixture_cut_off(struct span user_id, int64_t not_before)
{
	fake_store_cut_off(user_id, not_before);
}

void fixture_drop_credential(struct span user_id)
{
	fake_store_drop_credential(user_id);
}
