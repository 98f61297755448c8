/* SPDX-License-Identifier: MIT */
/*
 * origin: which origins and redirect targets are trusted (doc/contract.md,
 * "Origin, CSRF, redirect fields"). Pure; a pattern list is immutable once
 * made and shared by threads.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

struct origin_list; /* lives in its arena */

/* `base_url` first, then comma-separated patterns as in the contract: an exact
 * origin; `*` and `?` wildcards on the origin or, without scheme, on the host;
 * custom schemes. STATUS_INVALID: `why` says what is wrong with which. */
MUST_CHECK enum status origin_list_add(struct origin_list **list, struct arena *mem,
				       struct span pattern, struct buf *why);

/* The origin (scheme://host[:port], lower case, default port dropped) of a
 * URL, as WHATWG URL gives it. False when it has none. */
bool origin_of_url(struct arena *mem, struct span url, struct span *origin_out);

/* Of an Origin or Referer value: its origin is trusted. */
bool origin_is_trusted(const struct origin_list *list, struct arena *mem, struct span url);

/* Of a redirect field: a trusted URL or a safe relative one. */
bool origin_is_safe_redirect(const struct origin_list *list, struct arena *mem, struct span url);

#endif
