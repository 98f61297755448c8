/* SPDX-License-Identifier: MIT */
/*
 * door_inside: what the parts of the door share. door.c accepts and reads,
 * door_wait.c keeps those who wait, door_answer.c sends.
 */
#ifndef SERVER_DOOR_INSIDE_H
#define SERVER_DOOR_INSIDE_H

#include "server/door.h"
#include "server/slots.h"

#include <pthread.h>
#include <stdatomic.h>

/* Reads of one connection in one turn, so that a flood does not hold a thread. */
#define DOOR_READS_PER_TURN 8

struct door {
	struct door_options options;
	int epoll, end;
	_Atomic size_t connections;
	_Atomic bool stopping;
	_Atomic int64_t refused_peer_ms;     /* the last one */
	_Atomic bool stalled[LISTENERS_MAX]; /* to be watched anew by the next tick */
	pthread_mutex_t lock;                /* guards slots */
	struct slots slots;
};

/* --- door_wait.c --- */

void door_close_connection(struct door *door, int fd);
void door_drop_slot(struct door *door, struct slot *slot);

/* Under the lock. */
void door_close_slot(struct door *door, struct slot *slot);

/* Lets the slot wait for its peer: for one event, for one thread. Closes it if
 * that cannot be had. Under the lock. */
void door_arm(struct door *door, struct slot *slot, int operation);

/* The visit's slot, or one for it; NULL: none left, and closed. Under the lock. */
struct slot *door_slot(struct door *door, struct door_visit *visit, int *operation_out);

/* Lets a connection wait for bytes, with what came of its request; `in` NULL:
 * for its next one. */
void door_park(struct door *door, struct door_visit *visit, struct intake *in, enum slot_wait wait);

/* Closes the connection that has been silent the longest; false: none is. */
bool door_evict(struct door *door);

/* The slot of an event, which becomes this thread's. NULL: it is gone. */
struct slot *door_claim(struct door *door, uint64_t tag);

/* Under the lock. */
void door_close_overdue(struct door *door, enum slot_wait wait, int64_t now_ms);

/* --- door_answer.c: a slot that may be written, or read to its end --- */

void door_write_on(struct door *door, struct slot *slot);
void door_drain_on(struct door *door, struct slot *slot, char *room);

#endif
