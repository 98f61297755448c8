/* SPDX-License-Identifier: MIT */
#include "crypto/password.h"

#include "base/encode.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "crypto/workarea.h"

#include <sodium.h>
#include <utf8proc.h>

#include <errno.h>
#include <sys/mman.h>

enum {
	ARGON2_SALT = 16,
	ARGON2_TAG = 32,
	ARGON2_MEMORY_MIN = 8, /* KiB per lane */
	ARGON2_LANES_MAX = 16,
	ARGON2_SALT_MIN = 8, /* of a stored form; libsodium's own limits */
	ARGON2_TAG_MIN = 16,
	ARGON2_BYTES_MAX = 64,
	SCRYPT_SALT = 32, /* hex digits, taken as they are */
	SCRYPT_KEY = 64,
	SCRYPT_N = 16384,
	SCRYPT_R = 16,
	SCRYPT_P = 1,
};

struct bytes {
	unsigned char at[ARGON2_BYTES_MAX];
	size_t len;
};

/* A stored argon2id form. */
struct phc {
	unsigned long long memory_kib, time, lanes;
	struct bytes salt, tag;
};

size_t password_length(struct span password)
{
	size_t units = 0;

	while (password.len > 0) {
		bool valid;
		size_t len = utf8_next(password, &valid);

		units += valid && len == 4 ? 2 : 1;
		password = span_from(password, len);
	}
	return units;
}

/* --- stored forms --- */

/* A number without leading zeros up to `end`, at most `max`. */
static bool take_number(struct span *rest, const char *key, char end, unsigned long long max,
			unsigned long long *out)
{
	struct span name = span_of(key);

	if (!span_starts(*rest, name))
		return false;
	*rest = span_from(*rest, name.len);
	struct span digits = span_first(*rest, span_find(*rest, end));
	if (digits.len == rest->len || digits.len == 0 || digits.at[0] == '0' ||
	    !span_to_uint(digits, out))
		return false;
	*rest = span_from(*rest, digits.len + 1);
	return *out <= max;
}

/* Base64 without padding, as PHC strings hold it. */
static bool take_bytes(struct span text, size_t min, struct bytes *out)
{
	char padded[ENCODE_BASE64_ROOM(ARGON2_BYTES_MAX)];
	size_t padded_len = (text.len + 3) / 4 * 4;

	if (padded_len >= sizeof(padded) || span_find(text, '=') != text.len)
		return false;
	memset(padded, '=', padded_len);
	memcpy(padded, text.len > 0 ? text.at : "", text.len);
	return decode_base64(span_make(padded, padded_len), out->at, sizeof(out->at), &out->len) ==
		       STATUS_OK &&
	       out->len >= min;
}

static bool parse_phc(struct span stored, struct phc *out)
{
	struct span prefix = SPAN("$argon2id$v=19$"), salt;

	if (stored.len > PASSWORD_HASH_MAX || !span_starts(stored, prefix))
		return false;
	struct span rest = span_from(stored, prefix.len);
	if (!take_number(&rest, "m=", ',', PASSWORD_MEMORY_KIB_MAX, &out->memory_kib) ||
	    !take_number(&rest, "t=", ',', PASSWORD_TIME_MAX, &out->time) ||
	    !take_number(&rest, "p=", '$', ARGON2_LANES_MAX, &out->lanes) ||
	    out->memory_kib < ARGON2_MEMORY_MIN * out->lanes)
		return false;
	return span_next(&rest, '$', &salt) && take_bytes(salt, ARGON2_SALT_MIN, &out->salt) &&
	       take_bytes(rest, ARGON2_TAG_MIN, &out->tag);
}

static bool is_lower_hex(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < '0' || text.at[i] > '9') &&
		    (text.at[i] < 'a' || text.at[i] > 'f'))
			return false;
	return true;
}

static bool is_scrypt(struct span stored)
{
	return stored.len == SCRYPT_SALT + 1 + 2 * SCRYPT_KEY && stored.at[SCRYPT_SALT] == ':' &&
	       is_lower_hex(span_first(stored, SCRYPT_SALT)) &&
	       is_lower_hex(span_from(stored, SCRYPT_SALT + 1));
}

enum password_kind password_kind_of(struct span stored)
{
	struct phc phc;

	if (is_scrypt(stored))
		return PASSWORD_SCRYPT;
	return parse_phc(stored, &phc) ? PASSWORD_ARGON2ID : PASSWORD_UNKNOWN;
}

/* --- the password as it is hashed --- */

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

/* NFKC of what a JavaScript server would see. One character becomes 18 at most
 * (U+FDFA), so the size is asked for first. */
static enum status normalize(struct arena *mem, struct span password, struct span *out)
{
	const utf8proc_option_t nfkc = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;

	if (is_ascii(password)) {
		*out = password.len > 0 ? password : SPAN("");
		return STATUS_OK;
	}
	struct span text = utf8_repair(mem, password);
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text.at;
	utf8proc_ssize_t len = (utf8proc_ssize_t)text.len;
	utf8proc_ssize_t count = utf8proc_decompose(at, len, NULL, 0, nfkc);
	if (count < 0)
		return STATUS_INTERNAL;
	/* One more: reencode writes UTF-8 and a NUL over the same memory. */
	void *room;
	TRY(arena_try(mem, ((size_t)count + 1) * sizeof(utf8proc_int32_t), &room));
	if (utf8proc_decompose(at, len, room, count, nfkc) != count)
		return STATUS_INTERNAL;
	utf8proc_ssize_t bytes = utf8proc_reencode(room, count, nfkc);
	if (bytes < 0)
		return STATUS_INTERNAL;
	*out = span_make(room, (size_t)bytes);
	return STATUS_OK;
}

/* --- the three dear calls; the only ones that take a work area --- */

/* libsodium says -1 for everything; errno tells a refused mapping. */
static enum status status_of_errno(void)
{
	return errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_INTERNAL;
}

static enum status run_argon2id(unsigned long long memory_kib, unsigned long long time,
				struct span password, const unsigned char salt[ARGON2_SALT],
				unsigned char *tag, size_t tag_len)
{
	errno = 0;
	workarea_enter();
	int failed = crypto_pwhash_argon2id(tag, tag_len, password.at, password.len, salt, time,
					    (size_t)memory_kib * 1024,
					    crypto_pwhash_argon2id_ALG_ARGON2ID13);
	workarea_leave();
	return failed == 0 ? STATUS_OK : status_of_errno();
}

static bool area_is_to_be_had(size_t len)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, len);
	return true;
}

/* For what crypto_pwhash_argon2id cannot do: several lanes, other salts. This
 * call reports a refused work area as a mismatch, so a mismatch is believed
 * only when the area could have been had. */
static enum status run_argon2id_string(const char *stored, struct span password,
				       unsigned long long memory_kib)
{
	workarea_enter();
	int failed = crypto_pwhash_argon2id_str_verify(stored, password.at, password.len);
	workarea_leave();
	if (failed == 0)
		return STATUS_OK;
	return area_is_to_be_had((size_t)memory_kib * 1024) ? STATUS_DENIED : STATUS_NO_MEMORY;
}

static enum status run_scrypt(uint64_t n, struct span password, struct span salt,
			      unsigned char key[SCRYPT_KEY])
{
	errno = 0;
	workarea_enter();
	int failed =
		crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)password.at, password.len,
						      (const uint8_t *)salt.at, salt.len, n,
						      SCRYPT_R, SCRYPT_P, key, SCRYPT_KEY);
	workarea_leave();
	return failed == 0 ? STATUS_OK : status_of_errno();
}

/* The same hashes in libsodium's own memory and twice in ours, fresh and used.
 * A difference means a libsodium that asks more of its memory than ours does. */
static enum status choose_work_area(void)
{
	enum { ROUNDS = 3, MEMORY_KIB = 256, N = 16, BYTES = ARGON2_TAG + SCRYPT_KEY };
	const unsigned char salt[ARGON2_SALT] = { 0 };
	unsigned char made[ROUNDS][BYTES];

	workarea_switch(false);
	for (size_t i = 0; i < ROUNDS; i++) {
		TRY(run_argon2id(MEMORY_KIB, 2, SPAN("start"), salt, made[i], ARGON2_TAG));
		TRY(run_scrypt(N, SPAN("start"), SPAN("salt"), made[i] + ARGON2_TAG));
		workarea_switch(true);
	}
	workarea_trim(0);
	workarea_switch(sodium_memcmp(made[0], made[1], BYTES) == 0 &&
			sodium_memcmp(made[0], made[2], BYTES) == 0);
	return STATUS_OK;
}

enum status password_start(void)
{
	return sodium_init() >= 0 ? choose_work_area() : STATUS_INTERNAL;
}

/* --- hashing --- */

/* PHC wants no padding. */
static struct span phc_bytes(struct arena *mem, const unsigned char *bytes, size_t len)
{
	char *text = arena_alloc(mem, ENCODE_BASE64_ROOM(len));
	struct span encoded = span_make(text, encode_base64(bytes, len, text));

	return span_first(encoded, span_find(encoded, '='));
}

static struct span format_phc(const struct password_params *params, struct arena *mem,
			      const unsigned char *salt, const unsigned char *tag)
{
	struct span salt_text = phc_bytes(mem, salt, ARGON2_SALT);
	struct span tag_text = phc_bytes(mem, tag, ARGON2_TAG);

	return span_of(arena_format(mem, "$argon2id$v=19$m=%lld,t=%lld,p=1$%.*s$%.*s",
				    (long long)params->memory_kib, (long long)params->time,
				    SPAN_FMT(salt_text), SPAN_FMT(tag_text)));
}

static enum status hash_argon2id(const struct password_params *params, struct span password,
				 const struct rng *rng, struct arena *mem, struct span *stored_out)
{
	unsigned char salt[ARGON2_SALT];
	unsigned char *tag = arena_alloc(mem, ARGON2_TAG);

	rng_fill(rng, salt, sizeof(salt));
	TRY(run_argon2id((uint64_t)params->memory_kib, (uint64_t)params->time, password, salt, tag,
			 ARGON2_TAG));
	*stored_out = format_phc(params, mem, salt, tag);
	return STATUS_OK;
}

static struct span format_scrypt(struct arena *mem, struct span salt, const unsigned char *key)
{
	char *text = arena_alloc(mem, ENCODE_HEX_ROOM(SCRYPT_KEY));

	encode_hex(key, SCRYPT_KEY, text);
	return span_of(arena_format(mem, "%.*s:%s", SPAN_FMT(salt), text));
}

static struct span scrypt_salt(const struct rng *rng, struct arena *mem)
{
	unsigned char bytes[SCRYPT_SALT / 2];
	char *text = arena_alloc(mem, ENCODE_HEX_ROOM(sizeof(bytes)));

	rng_fill(rng, bytes, sizeof(bytes));
	return span_make(text, encode_hex(bytes, sizeof(bytes), text));
}

static enum status hash_scrypt(struct span password, const struct rng *rng, struct arena *mem,
			       struct span *stored_out)
{
	struct span salt = scrypt_salt(rng, mem);
	unsigned char *key = arena_alloc(mem, SCRYPT_KEY);

	TRY(run_scrypt(SCRYPT_N, password, salt, key));
	*stored_out = format_scrypt(mem, salt, key);
	return STATUS_OK;
}

static bool params_are_sound(const struct password_params *params)
{
	if (params->kind == PASSWORD_SCRYPT)
		return true;
	return params->kind == PASSWORD_ARGON2ID && params->time >= 1 &&
	       params->time <= PASSWORD_TIME_MAX && params->memory_kib >= ARGON2_MEMORY_MIN &&
	       params->memory_kib <= PASSWORD_MEMORY_KIB_MAX;
}

enum status password_hash(const struct password_params *params, struct span password,
			  const struct rng *rng, struct arena *mem, struct span *stored_out)
{
	struct span text;

	if (!params_are_sound(params))
		return STATUS_INVALID;
	TRY(normalize(mem, password, &text));
	if (params->kind == PASSWORD_SCRYPT)
		return hash_scrypt(text, rng, mem, stored_out);
	return hash_argon2id(params, text, rng, mem, stored_out);
}

/* --- verifying --- */

static struct span span_of_bytes(const struct bytes *bytes)
{
	return span_make((const char *)bytes->at, bytes->len);
}

static enum status verify_argon2id(struct span stored, struct span password, struct arena *mem)
{
	struct phc phc;
	struct bytes tag;

	if (!parse_phc(stored, &phc))
		return STATUS_INVALID;
	if (phc.lanes != 1 || phc.salt.len != ARGON2_SALT)
		return run_argon2id_string(arena_text(mem, stored), password, phc.memory_kib);
	tag.len = phc.tag.len;
	TRY(run_argon2id(phc.memory_kib, phc.time, password, phc.salt.at, tag.at, tag.len));
	bool same = secret_equal(span_of_bytes(&tag), span_of_bytes(&phc.tag));
	secret_wipe(&tag, sizeof(tag));
	return same ? STATUS_OK : STATUS_DENIED;
}

static enum status verify_scrypt(struct span stored, struct span password, struct arena *mem)
{
	unsigned char *key = arena_alloc(mem, SCRYPT_KEY);
	struct span salt = span_first(stored, SCRYPT_SALT);

	TRY(run_scrypt(SCRYPT_N, password, salt, key));
	return secret_equal(format_scrypt(mem, salt, key), stored) ? STATUS_OK : STATUS_DENIED;
}

enum status password_verify(struct span stored, struct span password, struct arena *mem)
{
	struct span text;

	if (password_kind_of(stored) == PASSWORD_UNKNOWN)
		return STATUS_INVALID;
	TRY(normalize(mem, password, &text));
	return is_scrypt(stored) ? verify_scrypt(stored, text, mem)
				 : verify_argon2id(stored, text, mem);
}

bool password_needs_rehash(const struct password_params *params, struct span stored)
{
	struct phc phc;

	if (params->kind == PASSWORD_SCRYPT)
		return !is_scrypt(stored);
	return !parse_phc(stored, &phc) || phc.memory_kib != (uint64_t)params->memory_kib ||
	       phc.time != (uint64_t)params->time || phc.lanes != 1 ||
	       phc.salt.len != ARGON2_SALT || phc.tag.len != ARGON2_TAG;
}

/* A random tag: what it costs to find that nothing matches it is what any
 * verification costs. */
enum status password_decoy_make(const struct password_params *params, const struct rng *rng,
				struct arena *mem, struct span *stored_out)
{
	unsigned char salt[ARGON2_SALT], key[SCRYPT_KEY];

	if (!params_are_sound(params))
		return STATUS_INVALID;
	rng_fill(rng, key, sizeof(key));
	if (params->kind == PASSWORD_SCRYPT) {
		*stored_out = format_scrypt(mem, scrypt_salt(rng, mem), key);
		return STATUS_OK;
	}
	rng_fill(rng, salt, sizeof(salt));
	*stored_out = format_phc(params, mem, salt, key);
	return STATUS_OK;
}
