/* SPDX-License-Identifier: MIT */
/* Any text as a stored password: a form that we take is one that libsodium
 * takes, within the caps. Any text as a password: it verifies against itself. */
#include "fuzz/fuzz.h"

#include "crypto/password.h"

#include <sodium.h>

#include <stdlib.h>

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_stored(struct span stored, struct arena *mem)
{
	static const struct password_params usual = { PASSWORD_ARGON2ID, 19456, 2 };
	enum password_kind kind = password_kind_of(stored);

	if (kind == PASSWORD_UNKNOWN)
		must(password_verify(stored, SPAN("a"), mem) == STATUS_INVALID);
	if (kind != PASSWORD_ARGON2ID)
		must(password_needs_rehash(&usual, stored));
	if (kind == PASSWORD_ARGON2ID && stored.len < crypto_pwhash_STRBYTES)
		must(crypto_pwhash_argon2id_str_needs_rehash(arena_text(mem, stored), 2,
							     (size_t)19456 * 1024) >= 0);
	must(stored.len <= PASSWORD_HASH_MAX || kind == PASSWORD_UNKNOWN);
}

static void check_password(struct span password, struct arena *mem)
{
	static const struct password_params cheap = { PASSWORD_ARGON2ID, 8, 1 };
	struct span stored;

	must(password_length(password) <= password.len);
	must(password_hash(&cheap, password, &rng_system, mem, &stored) == STATUS_OK);
	must(password_kind_of(stored) == PASSWORD_ARGON2ID);
	must(!password_needs_rehash(&cheap, stored));
	must(password_verify(stored, password, mem) == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct arena *mem = arena_new(0);
	static bool started;

	if (!started)
		must(password_start() == STATUS_OK);
	started = true;
	check_stored(text, mem);
	check_password(text, mem);
	arena_free(&mem);
	return 0;
}
