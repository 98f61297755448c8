/* SPDX-License-Identifier: MIT */
/*
 * slots: the connections that wait for their peer, each in the queue of what
 * it waits for, oldest first. A table of fixed size; the door locks it.
 */
#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include "base/status.h"
#include "server/intake.h"

#include <stdint.h>

enum slot_wait {
	SLOT_FREE = 0,
	SLOT_ANSWERING, /* a thread or a lane has its request */
	SLOT_READING,   /* for the rest of a request */
	SLOT_KEPT,      /* for the next request */
	SLOT_WRITING,   /* for room to send the answer */
	SLOT_DRAINING,  /* for the end of what is no longer read */
	SLOT_WAITS
};

struct slot {
	struct slot *older, *newer; /* in the queue of `wait` */
	enum slot_wait wait;
	bool busy; /* a thread is at it; it keeps its place */
	bool local, over_limit;
	uint32_t generation; /* of the descriptor, so that a late event is known */
	int fd;
	int64_t since_ms;
	struct intake intake;
	/* While WRITING: what is not sent yet, and what comes after. */
	char *out;
	size_t out_len, out_at;
	bool keep, drain;
};

struct slots {
	struct slot *at;
	size_t count;
	struct slot *free; /* by `newer` */
	struct {
		struct slot *oldest, *newest;
	} queue[SLOT_WAITS];
};

MUST_CHECK enum status slots_open(struct slots *slots, size_t count);
void slots_close(struct slots *slots); /* the descriptors are the caller's */

/* For a new descriptor; NULL: all taken. */
struct slot *slots_take(struct slots *slots, int fd);

/* To the end of another queue. FREE wipes it and gives it back. */
void slots_put(struct slots *slots, struct slot *slot, enum slot_wait wait, int64_t now_ms);

/* Wipes and frees what was to be sent. */
void slots_sent(struct slot *slot);

/* The oldest that no thread is at. NULL: none. */
struct slot *slots_oldest(const struct slots *slots, enum slot_wait wait);

/* The next one of its queue that no thread is at. */
struct slot *slots_newer(const struct slot *slot);

/* The one that has been silent longest and owes us bytes. NULL: none. */
struct slot *slots_most_silent(const struct slots *slots);

/* What epoll gives back, and the slot if it is still the same one. */
uint64_t slots_tag(const struct slots *slots, const struct slot *slot);
struct slot *slots_find(const struct slots *slots, uint64_t tag);

#endif
