/* SPDX-License-Identifier: MIT */
#include "server/slots.h"

#include "base/secret.h"

#include <stdlib.h>

enum status slots_open(struct slots *slots, size_t count)
{
	*slots = (struct slots){ .count = count };
	slots->at = calloc(count, sizeof(*slots->at));
	if (slots->at == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = count; i > 0; i--) {
		slots->at[i - 1].newer = slots->free;
		slots->free = &slots->at[i - 1];
	}
	return STATUS_OK;
}

void slots_sent(struct slot *slot)
{
	if (slot->out != NULL)
		secret_wipe(slot->out, slot->out_len);
	free(slot->out);
	slot->out = NULL;
	slot->out_len = slot->out_at = 0;
}

static void forget(struct slot *slot)
{
	intake_free(&slot->intake);
	slots_sent(slot);
	*slot = (struct slot){ .generation = slot->generation + 1 };
}

void slots_close(struct slots *slots)
{
	for (size_t i = 0; i < slots->count; i++)
		forget(&slots->at[i]);
	free(slots->at);
	*slots = (struct slots){ 0 };
}

struct slot *slots_take(struct slots *slots, int fd)
{
	struct slot *slot = slots->free;
	if (slot == NULL)
		return NULL;
	slots->free = slot->newer;
	slot->newer = NULL;
	slot->fd = fd;
	slot->wait = SLOT_ANSWERING;
	return slot;
}

static void unlink_slot(struct slots *slots, struct slot *slot)
{
	if (slot->wait == SLOT_FREE || slot->wait == SLOT_ANSWERING)
		return;
	*(slot->older != NULL ? &slot->older->newer : &slots->queue[slot->wait].oldest) =
		slot->newer;
	*(slot->newer != NULL ? &slot->newer->older : &slots->queue[slot->wait].newest) =
		slot->older;
	slot->older = slot->newer = NULL;
}

void slots_put(struct slots *slots, struct slot *slot, enum slot_wait wait, int64_t now_ms)
{
	unlink_slot(slots, slot);
	if (wait == SLOT_FREE) {
		forget(slot);
		slot->newer = slots->free;
		slots->free = slot;
		return;
	}
	slot->wait = wait;
	slot->since_ms = now_ms;
	if (wait == SLOT_ANSWERING)
		return;
	slot->older = slots->queue[wait].newest;
	*(slot->older != NULL ? &slot->older->newer : &slots->queue[wait].oldest) = slot;
	slots->queue[wait].newest = slot;
}

static struct slot *first_idle(struct slot *slot)
{
	while (slot != NULL && slot->busy)
		slot = slot->newer;
	return slot;
}

struct slot *slots_oldest(const struct slots *slots, enum slot_wait wait)
{
	return first_idle(slots->queue[wait].oldest);
}

struct slot *slots_newer(const struct slot *slot)
{
	return first_idle(slot->newer);
}

struct slot *slots_most_silent(const struct slots *slots)
{
	static const enum slot_wait waits[] = { SLOT_READING, SLOT_KEPT, SLOT_DRAINING };
	struct slot *oldest = NULL;
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		struct slot *slot = slots_oldest(slots, waits[i]);
		if (slot != NULL && (oldest == NULL || slot->since_ms < oldest->since_ms))
			oldest = slot;
	}
	return oldest;
}

uint64_t slots_tag(const struct slots *slots, const struct slot *slot)
{
	return (uint64_t)slot->generation << 32 | (uint64_t)(slot - slots->at);
}

struct slot *slots_find(const struct slots *slots, uint64_t tag)
{
	size_t index = (size_t)(tag & UINT32_MAX);
	if (index >= slots->count)
		return NULL;
	struct slot *slot = &slots->at[index];
	return slot->generation == (uint32_t)(tag >> 32) && slot->wait > SLOT_ANSWERING ? slot
											: NULL;
}
