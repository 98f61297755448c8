/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "crypto/workarea.h"

#ifdef AUTHBRIDGE_WORK_AREA

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PARKED_MAX = 256, HUGE_PAGE = 2 << 20, PAGE = 64 << 10 /* the largest there is */ };

/* Lies behind the bytes it describes, in a page of its own. */
struct area {
	unsigned char *at;
	size_t len, lent; /* what fits, what was asked for */
};

static bool is_on;
static void *(*next_mmap)(void *at, size_t len, int prot, int flags, int fd, off_t offset);
static _Atomic(struct area *) parked[PARKED_MAX];
static _Thread_local bool inside;
static _Thread_local struct area *lent;

/* By way of a preloaded library, if there is one. */
static void *pass(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (next_mmap != NULL)
		return next_mmap(at, len, prot, flags, fd, offset);
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}

static void area_free(struct area *area)
{
	syscall(SYS_munmap, area->at, area->len + PAGE);
}

/* Not rounded up to huge pages: the tail must not cost more than it holds. */
static struct area *area_new(size_t len)
{
	if (len > SIZE_MAX / 2)
		return NULL;
	size_t fits = (len + PAGE - 1) / PAGE * PAGE;
	unsigned char *whole = pass(NULL, fits + PAGE + HUGE_PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (whole == MAP_FAILED)
		return NULL;
	size_t skip = -(uintptr_t)whole % HUGE_PAGE;
	syscall(SYS_munmap, whole, skip);
	syscall(SYS_munmap, whole + skip + fits + PAGE, HUGE_PAGE - skip);
	madvise(whole + skip, fits, MADV_HUGEPAGE);
	madvise(whole + skip, fits, MADV_DONTDUMP);
	struct area *area = (void *)(whole + skip + fits);
	*area = (struct area){ .at = whole + skip, .len = fits };
	return area;
}

static struct area *take(size_t len)
{
	struct area *area = NULL;
	for (size_t i = 0; i < PARKED_MAX && area == NULL; i++)
		if (parked[i] != NULL)
			area = atomic_exchange(&parked[i], NULL);
	if (area != NULL && area->len >= len)
		return area;
	if (area != NULL)
		area_free(area);
	return area_new(len);
}

static void park(struct area *area)
{
	for (size_t i = 0; i < PARKED_MAX; i++) {
		struct area *none = NULL;
		if (atomic_compare_exchange_strong(&parked[i], &none, area))
			return;
	}
	area_free(area);
}

size_t workarea_trim(size_t keep)
{
	size_t seen = 0, freed = 0;
	for (size_t i = 0; i < PARKED_MAX; i++) {
		if (parked[i] == NULL || ++seen <= keep)
			continue;
		struct area *area = atomic_exchange(&parked[i], NULL);
		if (area != NULL) {
			area_free(area);
			freed++;
		}
	}
	return freed;
}

void workarea_enter(void)
{
	inside = is_on;
}

void workarea_leave(void)
{
	inside = false;
}

void workarea_switch(bool on)
{
	*(void **)&next_mmap = dlsym(RTLD_NEXT, "mmap");
	is_on = on;
}

/* Weak, so that a test may have its own. */
__attribute__((weak)) void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	bool fits = inside && lent == NULL && at == NULL && fd == -1 && len > 0 &&
		    (flags & MAP_PRIVATE) != 0 && prot == (PROT_READ | PROT_WRITE);
	struct area *area = fits ? take(len) : NULL;
	if (area == NULL)
		return pass(at, len, prot, flags, fd, offset);
	/* What this hash does not overwrite, an earlier one wrote. */
	if (area->lent > len)
		explicit_bzero(area->at + len, area->lent - len);
	area->lent = len;
	lent = area;
	return area->at;
}

__attribute__((weak)) int munmap(void *at, size_t len)
{
	if (lent == NULL || at != lent->at)
		return (int)syscall(SYS_munmap, at, len);
	park(lent);
	lent = NULL;
	return 0;
}

#endif
