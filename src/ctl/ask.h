/* SPDX-License-Identifier: MIT */
/* ask: a password, from a terminal without echo, from standard input or from a
 * file; never from the command line, which every local user can read. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "base/arena.h"
#include "base/span.h"

/* `file` NULL: asks twice on the terminal when standard input is one, else its
 * first line. False: `*why_out` says why. */
bool ask_password(struct arena *mem, const char *file, struct span *password_out,
		  const char **why_out);

#endif
