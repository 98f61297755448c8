/* SPDX-License-Identifier: MIT */
/*
 * listener: the sockets we accept on: opened from -l, or inherited (systemd's
 * LISTEN_FDS, or fd 0 as spawn-fcgi and lighttpd's bin-path pass it).
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "base/buf.h"
#include "base/status.h"

#include <sys/socket.h>
#include <sys/types.h>

#define LISTENERS_MAX 16

struct listener {
	int fd;
	bool local;        /* a unix socket */
	char *unlink_path; /* a socket file we made and remove at the end, or NULL */
	pid_t opener;      /* the process that removes it, no child of it */
};

struct listeners {
	struct listener at[LISTENERS_MAX];
	size_t count;
	bool inherited;
};

/* Opens `unix:/path`, `127.0.0.1:9010`, `[::1]:9010`. Removes a stale socket
 * file, never a file of another kind, never a socket somebody answers on; the
 * file appears with `mode` at once. An address that is not loopback needs
 * `peers_given`. STATUS_INVALID: not an address (usage); STATUS_UNAVAILABLE:
 * cannot be opened; `why` says what and the remedy. */
MUST_CHECK enum status listener_open(struct listeners *all, const char *address, unsigned mode,
				     bool peers_given, struct buf *why);

/* Sockets given by whoever started us. STATUS_NOT_FOUND: none. */
MUST_CHECK enum status listener_inherit(struct listeners *all, struct buf *why);

/* 127.0.0.0/8, ::1, and the former written as an IPv6 address. */
bool listener_is_loopback(const struct sockaddr *address);

/* Closes all, and removes the files we made. */
void listener_close(struct listeners *all);

#endif
