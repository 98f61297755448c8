/* SPDX-License-Identifier: MIT */
/*
 * workarea: the megabytes that a password hash fills. libsodium maps them anew
 * for each hash, and the kernel's zeroing of fresh small pages is a good third
 * of the time. So `mmap` and `munmap` are defined here: outside enter and leave
 * they are the plain system calls; between them the calling thread's anonymous
 * mapping is an area of huge pages, kept out of core dumps, which `munmap`
 * parks for the next hash of any thread of this process. Parked, it holds what
 * the hash wrote, from which its password could be guessed without the cost:
 * whoever hashes trims afterwards to what waiting hashes will overwrite at once.
 *
 * Without areas (--disable-work-area, sanitizers, another C library, or none to
 * be had) everything works as libsodium does it, only slower. Thread-safe and
 * without locks; a forked child may go on using all of it.
 */
#ifndef CRYPTO_WORKAREA_H
#define CRYPTO_WORKAREA_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef AUTHBRIDGE_WORK_AREA

/* Around libsodium's dear calls, and nothing else. */
void workarea_enter(void);
void workarea_leave(void);

/* Off until it is switched on: at the start, before threads. */
void workarea_switch(bool on);

/* Gives parked areas back to the kernel, which wipes them, until at most `keep`
 * are left; how many it were. */
size_t workarea_trim(size_t keep);

#else

static inline void workarea_enter(void)
{
}

static inline void workarea_leave(void)
{
}

static inline void workarea_switch(bool on)
{
	(void)on;
}

static inline size_t workarea_trim(size_t keep)
{
	(void)keep;
	return 0;
}

#endif

#endif
