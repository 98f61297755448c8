/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/secret.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 8192, ALIGN = alignof(max_align_t) };

struct block {
	struct block *older;
	size_t room, used;
	alignas(max_align_t) char bytes[];
};

/* Bytes past `used` are zero at all times: blocks come from calloc, and what
 * was used is wiped. So an allocation only moves a mark. */
struct arena {
	struct block *newest; /* ends with the first block, which is kept */
	size_t first_bytes, used;
};

static struct block *block_new(size_t room)
{
	struct block *block = calloc(1, sizeof(*block) + room);

	if (block != NULL)
		block->room = room;
	return block;
}

static void block_free(struct block *block)
{
	secret_wipe(block->bytes, block->used);
	free(block);
}

struct arena *arena_new(size_t first_bytes)
{
	struct arena *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		abort();
	mem->first_bytes = first_bytes > 0 ? first_bytes : FIRST_BYTES;
	mem->newest = block_new(mem->first_bytes);
	if (mem->newest == NULL)
		abort();
	return mem;
}

void arena_reset(struct arena *mem)
{
	while (mem->newest->older != NULL) {
		struct block *block = mem->newest;

		mem->newest = block->older;
		block_free(block);
	}
	secret_wipe(mem->newest->bytes, mem->newest->used);
	mem->newest->used = 0;
	mem->used = 0;
}

void arena_free(struct arena **mem)
{
	if (*mem == NULL)
		return;
	arena_reset(*mem);
	free((*mem)->newest);
	free(*mem);
	*mem = NULL;
}

static void *take(struct arena *mem, struct block *block, size_t len)
{
	void *at = block->bytes + block->used;

	block->used += len;
	mem->used += len;
	return at;
}

enum status arena_try(struct arena *mem, size_t len, void **out)
{
	if (len > SIZE_MAX / 2)
		return STATUS_NO_MEMORY;
	size_t whole = (len + ALIGN - 1) / ALIGN * ALIGN;
	struct block *newest = mem->newest;
	if (newest->room - newest->used < whole) {
		size_t room = whole > mem->first_bytes ? whole : mem->first_bytes;
		struct block *block = block_new(room);

		if (block == NULL)
			return STATUS_NO_MEMORY;
		block->older = newest;
		mem->newest = newest = block;
	}
	*out = take(mem, newest, whole);
	return STATUS_OK;
}

void *arena_alloc(struct arena *mem, size_t len)
{
	void *at = NULL;

	if (arena_try(mem, len, &at) != STATUS_OK)
		abort();
	return at;
}

char *arena_text(struct arena *mem, struct span s)
{
	char *text = arena_alloc(mem, s.len + 1);

	if (s.len > 0)
		memcpy(text, s.at, s.len);
	return text;
}

struct span arena_copy(struct arena *mem, struct span s)
{
	return span_is_absent(s) ? s : span_make(arena_text(mem, s), s.len);
}

char *arena_format_list(struct arena *mem, const char *format, va_list args)
{
	va_list again;
	void *text = NULL;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0 || arena_try(mem, (size_t)len + 1, &text) != STATUS_OK)
		abort();
	vsnprintf(text, (size_t)len + 1, format, args);
	return text;
}

char *arena_format(struct arena *mem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_format_list(mem, format, args);
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *mem)
{
	return mem->used;
}
