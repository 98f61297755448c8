/* SPDX-License-Identifier: MIT */
/* key_row: a row of "jwks" as the contract stores it. */
#ifndef MODEL_KEY_ROW_H
#define MODEL_KEY_ROW_H

#include "base/span.h"

#include <stdint.h>

struct key_row {
	struct span id;          /* the kid */
	struct span public_key;  /* public JWK, JSON text */
	struct span private_key; /* as stored: a JSON string of hex, or the JWK itself */
	struct span alg, crv;    /* absent when NULL (older rows: EdDSA) */
	int64_t created_ms;
	int64_t expires_ms; /* -1: never */
};

#endif
