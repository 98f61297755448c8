/* SPDX-License-Identifier: MIT */
/* proxy: stands between a test and its database, and fails on demand. */
#ifndef DB_PROXY_H
#define DB_PROXY_H

enum proxy_mode {
	PROXY_PASS,   /* as if it were not there */
	PROXY_REFUSE, /* the server is stopped: connections cut, new ones refused */
	PROXY_MUTE,   /* packets are dropped: connections stay, nothing moves */
};

/* Starts it in front of AUTHBRIDGE_TEST_DATABASE_URL; one at a time. */
void proxy_start(void);
void proxy_stop(void);
/* The URL that leads through it. */
const char *proxy_url(void);
/* Returns once the mode holds. */
void proxy_set(enum proxy_mode mode);
/* Cuts every connection; new ones pass. */
void proxy_cut(void);

#endif
