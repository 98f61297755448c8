/* SPDX-License-Identifier: MIT */
/*
 * issuer_fetch: a thread of its own fetches the key sets of foreign issuers
 * with libcurl: https, or http on loopback; at most 256 KiB, 5 seconds, two
 * redirects (https only). At start, then every ten minutes, sooner when a
 * token names an unknown key (at most once in 30 s for each issuer). When the
 * endpoint is away or lies, the last good set stays.
 */
#ifndef SERVICE_ISSUER_FETCH_H
#define SERVICE_ISSUER_FETCH_H

#include "base/status.h"

#include <stddef.h>

struct service;
struct issuer_fetch;

/* Nothing is started, and *out stays NULL, when no issuer is configured. */
MUST_CHECK enum status issuer_fetch_start(struct service *service, struct issuer_fetch **out);
void issuer_fetch_stop(struct issuer_fetch **fetch);

/* A token of foreign issuer `issuer` (1..) named a key that is not known. NULL
 * is fine. Thread-safe, never blocks on the network. */
void issuer_fetch_want(struct issuer_fetch *fetch, size_t issuer);

#endif
