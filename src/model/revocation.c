/* SPDX-License-Identifier: MIT */
#include "model/revocation.h"

#include "base/siphash.h"

#include <stdlib.h>

enum { SESSIONS_FIRST = 1024, CUTOFFS_FIRST = 64, SLOTS_MAX = 1 << 24 };

/* What every slot begins with; hash 0 is an empty slot. */
struct slot {
	uint64_t hash;
	int64_t until;
};

/* Linear probing, deletion by shifting back: no tombstones, so a lookup ends
 * at the first empty slot however long the table has lived.
 *
 * Nearly all lookups find nothing, and in a large table each would miss the
 * cache. So behind the slots stand eight bits for each: one bit is set for each
 * hash, and a hash whose bit is clear is not there. */
struct table {
	char *slots;
	unsigned char *marks;
	size_t slot_size, capacity, count; /* capacity: a power of two */
};

struct cutoff {
	struct slot slot; /* until: INT64_MAX while disabled */
	int64_t not_before, not_before_until;
	bool disabled;
};

struct revocation_set {
	struct siphash_key key;
	struct table sessions, users;
	struct cutoff everybody;
};

static uint64_t hash_of(const struct revocation_set *set, struct span id)
{
	uint64_t hash = siphash(&set->key, id);

	return hash != 0 ? hash : 1;
}

/* --- tables --- */

static inline struct slot *slot_at(const struct table *table, size_t index)
{
	return (void *)(table->slots + index * table->slot_size);
}

static enum status table_open(struct table *table, size_t slot_size, size_t capacity)
{
	char *slots = calloc(capacity, slot_size + 1);

	if (slots == NULL)
		return STATUS_NO_MEMORY;
	*table = (struct table){ .slots = slots,
				 .marks = (unsigned char *)slots + capacity * slot_size,
				 .slot_size = slot_size,
				 .capacity = capacity };
	return STATUS_OK;
}

/* Other bits of the hash than those that choose its slot. */
static inline size_t mark_of(const struct table *table, uint64_t hash)
{
	return (size_t)(hash >> 32) & (table->capacity * 8 - 1);
}

static void table_mark(struct table *table, uint64_t hash)
{
	size_t mark = mark_of(table, hash);

	table->marks[mark / 8] |= (unsigned char)(1u << mark % 8);
}

static void table_mark_anew(struct table *table)
{
	memset(table->marks, 0, table->capacity);
	for (size_t i = 0; i < table->capacity; i++)
		if (slot_at(table, i)->hash != 0)
			table_mark(table, slot_at(table, i)->hash);
}

/* Index of the hash, or of the empty slot where it belongs. */
static inline size_t table_find(const struct table *table, uint64_t hash)
{
	size_t mask = table->capacity - 1, index = hash & mask;

	for (;; index = (index + 1) & mask) {
		const struct slot *slot = slot_at(table, index);

		if (slot->hash == hash || slot->hash == 0)
			return index;
	}
}

/* NULL when the hash is not there. */
static inline const struct slot *table_get(const struct table *table, uint64_t hash)
{
	size_t mark = mark_of(table, hash);

	if ((table->marks[mark / 8] >> mark % 8 & 1) == 0)
		return NULL;
	const struct slot *slot = slot_at(table, table_find(table, hash));
	return slot->hash != 0 ? slot : NULL;
}

static enum status table_resize(struct table *table, size_t capacity)
{
	struct table fresh;

	if (capacity > SLOTS_MAX)
		return STATUS_NO_MEMORY;
	TRY(table_open(&fresh, table->slot_size, capacity));
	for (size_t i = 0; i < table->capacity; i++) {
		const struct slot *slot = slot_at(table, i);

		if (slot->hash != 0)
			memcpy(slot_at(&fresh, table_find(&fresh, slot->hash)), slot,
			       table->slot_size);
	}
	fresh.count = table->count;
	table_mark_anew(&fresh);
	free(table->slots);
	*table = fresh;
	return STATUS_OK;
}

/* The slot of `hash`, made with `until` -1 when it is new. */
static enum status table_take(struct table *table, uint64_t hash, struct slot **out)
{
	struct slot *slot = slot_at(table, table_find(table, hash));

	if (slot->hash == 0) {
		if ((table->count + 1) * 4 > table->capacity * 3) {
			TRY(table_resize(table, table->capacity * 2));
			slot = slot_at(table, table_find(table, hash));
		}
		*slot = (struct slot){ hash, -1 };
		table_mark(table, hash);
		table->count++;
	}
	*out = slot;
	return STATUS_OK;
}

/* Empties the slot and moves back those behind it that would be lost. */
static void table_remove(struct table *table, size_t hole)
{
	size_t mask = table->capacity - 1, index = hole;

	for (;;) {
		index = (index + 1) & mask;
		uint64_t hash = slot_at(table, index)->hash;
		if (hash == 0)
			break;
		/* Its home lies cyclically in (hole, index]: it is found as it is. */
		if (((index - hash) & mask) < ((index - hole) & mask))
			continue;
		memcpy(slot_at(table, hole), slot_at(table, index), table->slot_size);
		hole = index;
	}
	memset(slot_at(table, hole), 0, table->slot_size);
	table->count--;
}

/* What moves into a hole is looked at again, so one walk sees every slot. */
static void table_expire(struct table *table, int64_t now, size_t first_capacity)
{
	size_t capacity = table->capacity, count = table->count;

	for (size_t i = 0; i < table->capacity; i++)
		while (slot_at(table, i)->hash != 0 && slot_at(table, i)->until < now)
			table_remove(table, i);
	if (table->count < count)
		table_mark_anew(table);
	while (capacity > first_capacity && table->count * 4 < capacity)
		capacity /= 2;
	/* Memory for a smaller table may be refused; the larger one serves. */
	if (capacity < table->capacity / 2 && table_resize(table, capacity) != STATUS_OK)
		return;
}

/* --- the set --- */

static void open_tables(struct revocation_set *set)
{
	if (table_open(&set->sessions, sizeof(struct slot), SESSIONS_FIRST) != STATUS_OK ||
	    table_open(&set->users, sizeof(struct cutoff), CUTOFFS_FIRST) != STATUS_OK)
		abort();
}

static struct revocation_set *set_new(void)
{
	struct revocation_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		abort();
	open_tables(set);
	return set;
}

struct revocation_set *revocation_new(const struct rng *rng)
{
	struct revocation_set *set = set_new();

	rng_fill(rng, &set->key, sizeof(set->key));
	return set;
}

struct revocation_set *revocation_new_like(const struct revocation_set *set)
{
	struct revocation_set *like = set_new();

	like->key = set->key;
	return like;
}

void revocation_swap_cut_offs(struct revocation_set *a, struct revocation_set *b)
{
	struct table users = a->users;
	struct cutoff everybody = a->everybody;

	a->users = b->users;
	a->everybody = b->everybody;
	b->users = users;
	b->everybody = everybody;
}

void revocation_free(struct revocation_set **set)
{
	if (*set == NULL)
		return;
	free((*set)->sessions.slots);
	free((*set)->users.slots);
	free(*set);
	*set = NULL;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

enum status revocation_add_session(struct revocation_set *set, struct span session_id,
				   int64_t until)
{
	struct slot *slot;

	TRY(table_take(&set->sessions, hash_of(set, session_id), &slot));
	slot->until = later(slot->until, until);
	return STATUS_OK;
}

static void cut(struct cutoff *cutoff, int64_t not_before, int64_t until)
{
	if (not_before == INT64_MAX) {
		cutoff->disabled = true;
		cutoff->slot.until = INT64_MAX;
		return;
	}
	cutoff->not_before = later(cutoff->not_before, not_before);
	cutoff->not_before_until = later(cutoff->not_before_until, until);
	cutoff->slot.until = later(cutoff->slot.until, until);
}

enum status revocation_cut_off(struct revocation_set *set, struct span user_id, int64_t not_before,
			       int64_t until)
{
	struct slot *slot;

	if (user_id.len == 0) {
		cut(&set->everybody, not_before, until);
		return STATUS_OK;
	}
	TRY(table_take(&set->users, hash_of(set, user_id), &slot));
	cut((struct cutoff *)slot, not_before, until);
	return STATUS_OK;
}

static void lift(struct cutoff *cutoff)
{
	cutoff->disabled = false;
	cutoff->slot.until = cutoff->not_before_until;
}

void revocation_lift_user(struct revocation_set *set, struct span user_id)
{
	if (user_id.len == 0) {
		lift(&set->everybody);
		return;
	}
	struct slot *slot = slot_at(&set->users, table_find(&set->users, hash_of(set, user_id)));
	if (slot->hash != 0)
		lift((struct cutoff *)slot);
}

void revocation_expire(struct revocation_set *set, int64_t now)
{
	table_expire(&set->sessions, now, SESSIONS_FIRST);
	table_expire(&set->users, now, CUTOFFS_FIRST);
	if (set->everybody.slot.until < now)
		set->everybody = (struct cutoff){ 0 };
}

static bool cutoff_covers(const struct cutoff *cutoff, int64_t issued)
{
	return cutoff->disabled || issued < cutoff->not_before;
}

bool revocation_covers(const struct revocation_set *set, struct span session_id,
		       struct span user_id, int64_t issued)
{
	issued = later(issued, 0);
	if (cutoff_covers(&set->everybody, issued))
		return true;
	if (!span_is_absent(session_id) && set->sessions.count > 0 &&
	    table_get(&set->sessions, hash_of(set, session_id)) != NULL)
		return true;
	if (set->users.count == 0)
		return false;
	const struct slot *slot = table_get(&set->users, hash_of(set, user_id));
	return slot != NULL && cutoff_covers((const struct cutoff *)slot, issued);
}

size_t revocation_count(const struct revocation_set *set)
{
	bool everybody = set->everybody.disabled || set->everybody.not_before > 0;

	return set->sessions.count + set->users.count + (everybody ? 1 : 0);
}

size_t revocation_bytes(const struct revocation_set *set)
{
	return sizeof(*set) + set->sessions.capacity * (set->sessions.slot_size + 1) +
	       set->users.capacity * (set->users.slot_size + 1);
}
