/* SPDX-License-Identifier: MIT */
/* email: the address syntax of the wire contract (better-auth 1.7, "Email
 * syntax" in doc/contract.md), ASCII only. Pure. */
#ifndef MODEL_EMAIL_H
#define MODEL_EMAIL_H

#include "base/arena.h"
#include "base/span.h"

bool email_is_valid(struct span address);

/* ASCII lower case, as addresses are stored and looked up. */
struct span email_lower(struct arena *mem, struct span address);

#endif
