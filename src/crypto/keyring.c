/* SPDX-License-Identifier: MIT */
#include "crypto/keyring.h"

#include "base/encode.h"
#include "base/jdoc.h"
#include "base/secret.h"
#include "crypto/jwk.h"

#include <sodium.h>

#include <stdatomic.h>
#include <stdlib.h>

enum {
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	SEALED_MAX = 16384,
	ISSUER_KEYS_MAX = 64,
	JWKS_MAX = 1 << 20,
};

#define GRACE_MS (INT64_C(30) * 86400000)

struct verifying {
	struct jws_key *key;
	int64_t until_ms;
};

struct signing {
	struct keyring_signer signer;
	struct jwk_secret *secret; /* what `signer` points to */
	int64_t from_ms, until_ms;
};

/* The keys of one issuer; shared by snapshots, immutable once in one. */
struct key_set {
	atomic_uint references;
	struct arena *mem; /* holds the set itself */
	struct verifying *keys;
	size_t count;
	struct signing *signing; /* newest first, to the first that has begun */
	size_t signing_count;
	struct secret hmac;
	struct span jwks;
};

struct keyring {
	atomic_uint references;
	uint64_t generation;
	size_t set_count;
	struct key_set *sets[]; /* by issuer; NULL: no keys of it yet */
};

/* --- sets --- */

static struct key_set *set_new(size_t room)
{
	struct arena *mem = arena_new(0);
	struct key_set *set = arena_alloc(mem, sizeof(*set));

	atomic_init(&set->references, 1);
	set->mem = mem;
	set->keys = arena_alloc(mem, room * sizeof(*set->keys));
	set->signing = arena_alloc(mem, room * sizeof(*set->signing));
	return set;
}

static void set_release(struct key_set **at)
{
	struct key_set *set = *at;

	*at = NULL;
	if (set == NULL || atomic_fetch_sub(&set->references, 1) > 1)
		return;
	for (size_t i = 0; i < set->count; i++)
		jws_key_free(&set->keys[i].key);
	for (size_t i = 0; i < set->signing_count; i++)
		jwk_secret_free(&set->signing[i].secret);
	secret_free(&set->hmac);
	struct arena *mem = set->mem;
	arena_free(&mem);
}

static const struct verifying *set_find(const struct key_set *set, enum jws_alg alg,
					struct span kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (jws_key_alg(set->keys[i].key) == alg &&
		    span_equal(jws_key_kid(set->keys[i].key), kid))
			return &set->keys[i];
	return NULL;
}

/* Takes the key; of two with one name the first stays. */
static bool set_take(struct key_set *set, struct jws_key *key, int64_t until_ms)
{
	if (set_find(set, jws_key_alg(key), jws_key_kid(key)) != NULL) {
		jws_key_free(&key);
		return false;
	}
	set->keys[set->count++] = (struct verifying){ key, until_ms };
	return true;
}

/* --- snapshots --- */

static struct keyring *keyring_alloc(size_t set_count, uint64_t generation)
{
	struct keyring *keys = calloc(1, sizeof(*keys) + set_count * sizeof(struct key_set *));

	if (keys == NULL)
		abort();
	atomic_init(&keys->references, 1);
	keys->generation = generation;
	keys->set_count = set_count;
	return keys;
}

struct keyring *keyring_hold(struct keyring *keys)
{
	atomic_fetch_add(&keys->references, 1);
	return keys;
}

void keyring_release(struct keyring **at)
{
	struct keyring *keys = *at;

	*at = NULL;
	if (keys == NULL || atomic_fetch_sub(&keys->references, 1) > 1)
		return;
	for (size_t i = 0; i < keys->set_count; i++)
		set_release(&keys->sets[i]);
	free(keys);
}

uint64_t keyring_generation(const struct keyring *keys)
{
	return keys->generation;
}

const struct keyring_signer *keyring_signer(const struct keyring *keys, int64_t now_ms)
{
	const struct key_set *own = keys->sets[KEYRING_OWN];
	const struct keyring_signer *next = NULL;

	for (size_t i = 0; i < own->signing_count; i++) {
		const struct signing *signing = &own->signing[i];

		if (signing->until_ms <= now_ms)
			continue;
		next = &signing->signer;
		if (signing->from_ms <= now_ms)
			break;
	}
	return next;
}

int64_t keyring_signs_until(const struct keyring *keys)
{
	const struct key_set *own = keys->sets[KEYRING_OWN];
	int64_t until_ms = INT64_MIN;

	for (size_t i = 0; i < own->signing_count; i++)
		if (own->signing[i].until_ms > until_ms)
			until_ms = own->signing[i].until_ms;
	return until_ms;
}

struct span keyring_jwks(const struct keyring *keys)
{
	return keys->sets[KEYRING_OWN]->jwks;
}

size_t keyring_find(const struct keyring *keys, size_t issuer, const struct jws_parts *parts,
		    int64_t now_ms, const struct jws_key **found, size_t room)
{
	const struct key_set *set = issuer < keys->set_count ? keys->sets[issuer] : NULL;
	size_t count = 0;

	if (set == NULL || room == 0)
		return 0;
	if (!span_is_absent(parts->kid)) {
		const struct verifying *one = set_find(set, parts->alg, parts->kid);

		if (one != NULL && one->until_ms >= now_ms)
			found[count++] = one->key;
		return count;
	}
	for (size_t i = 0; i < set->count && issuer == KEYRING_OWN && count < room; i++)
		if (jws_key_alg(set->keys[i].key) == parts->alg && set->keys[i].until_ms >= now_ms)
			found[count++] = set->keys[i].key;
	return count;
}

/* --- private keys at rest --- */

static void sealing_key(struct span secret, unsigned char key[crypto_hash_sha256_BYTES])
{
	crypto_hash_sha256(key, (const unsigned char *)secret.at, secret.len);
}

/* `sealed` is nonce, ciphertext and tag. */
static enum status unseal(struct span sealed, struct span secret, struct arena *mem,
			  struct span *plain_out)
{
	const unsigned char *at = (const unsigned char *)sealed.at;
	unsigned char key[crypto_hash_sha256_BYTES];
	unsigned char *plain = arena_alloc(mem, sealed.len);
	unsigned long long len = 0;

	if (sealed.len < NONCE + TAG)
		return STATUS_INVALID;
	sealing_key(secret, key);
	int failed =
		crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &len, NULL, at + NONCE,
							   sealed.len - NONCE, NULL, 0, at, key);
	secret_wipe(key, sizeof(key));
	if (failed != 0)
		return STATUS_DENIED;
	*plain_out = span_make((const char *)plain, (size_t)len);
	return STATUS_OK;
}

/* Takes the `$ba$VERSION$` that names one secret off *text; false: malformed. */
static bool take_version(struct span *text, unsigned long long *version_out)
{
	struct span prefix = SPAN("$ba$"), version;

	*text = span_from(*text, prefix.len);
	return span_next(text, '$', &version) && span_to_uint(version, version_out);
}

static enum status unseal_text(struct span text, const struct keyring_source *source,
			       struct arena *mem, struct span *plain_out)
{
	bool versioned = span_starts(text, SPAN("$ba$"));
	unsigned long long version = 0;
	unsigned char *sealed = arena_alloc(mem, SEALED_MAX);
	size_t len;

	if (versioned && !take_version(&text, &version))
		return STATUS_INVALID;
	TRY(decode_hex(text, sealed, SEALED_MAX, &len));
	for (size_t i = 0; i < source->secret_count; i++) {
		if (versioned && source->secret_versions[i] != version)
			continue;
		if (unseal(span_make((const char *)sealed, len), source->secrets[i], mem,
			   plain_out) == STATUS_OK)
			return STATUS_OK;
	}
	return STATUS_DENIED;
}

/* The private JWK of a row: sealed in a JSON string, or as it is. */
static enum status open_private(const struct key_row *row, const struct keyring_source *source,
				struct arena *mem, struct jdoc **jwk_out)
{
	CLEANUP(jdoc_free) struct jdoc *stored = NULL;
	struct span text, plain;

	TRY(jdoc_parse_strict(row->private_key, &stored));
	if (!jdoc_own_text(stored, &text)) {
		*jwk_out = stored;
		stored = NULL;
		return STATUS_OK;
	}
	TRY(unseal_text(text, source, mem, &plain));
	return jdoc_parse_strict(plain, jwk_out);
}

static struct span seal(struct span plain, const struct keyring_source *source,
			const struct rng *rng, struct arena *mem)
{
	size_t len = NONCE + plain.len + TAG;
	unsigned char key[crypto_hash_sha256_BYTES];
	unsigned char *sealed = arena_alloc(mem, len);
	char *hex = arena_alloc(mem, ENCODE_HEX_ROOM(len));

	rng_fill(rng, sealed, NONCE);
	sealing_key(source->secrets[0], key);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL,
						   (const unsigned char *)plain.at, plain.len, NULL,
						   0, NULL, sealed, key);
	secret_wipe(key, sizeof(key));
	encode_hex(sealed, len, hex);
	if (source->secret_versions[0] == 0)
		return span_of(arena_format(mem, "\"%s\"", hex));
	return span_of(arena_format(mem, "\"$ba$%u$%s\"", source->secret_versions[0], hex));
}

/* --- our own set --- */

struct hmac_kid {
	char text[3 + 16 + 1];
};

static struct hmac_kid hmac_kid_of(struct span secret)
{
	struct span label = SPAN("authbridge kid");
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	struct hmac_kid kid = { "hs-" };
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.at, secret.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)label.at, label.len);
	crypto_auth_hmacsha256_final(&state, mac);
	encode_hex(mac, 8, kid.text + 3);
	secret_wipe(&state, sizeof(state));
	return kid;
}

static enum status add_secrets(struct key_set *set, const struct keyring_source *source)
{
	for (size_t i = 0; i < source->secret_count; i++) {
		struct hmac_kid kid = hmac_kid_of(source->secrets[i]);
		struct jws_key *key;

		TRY(jws_key_hmac(span_of(kid.text), source->secrets[i], &key));
		(void)set_take(set, key, INT64_MAX); /* a secret listed twice is one key */
	}
	return STATUS_OK;
}

/* Older rows have no `alg`; the contract's default is EdDSA. */
static enum jws_alg alg_of_row(const struct key_row *row)
{
	return span_is_absent(row->alg) ? JWS_EDDSA : jws_alg_named(row->alg);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t signs_until(const struct key_row *row, const struct keyring_source *source)
{
	int64_t until_ms = row->expires_ms < 0 ? INT64_MAX : row->expires_ms;

	return source->key_max_age_ms == 0
		       ? until_ms
		       : earlier(until_ms, row->created_ms + source->key_max_age_ms);
}

static int64_t verifies_until(const struct key_row *row, const struct keyring_source *source)
{
	int64_t grace_ms = source->grace_ms == 0 ? GRACE_MS : source->grace_ms;

	return row->expires_ms < 0 ? INT64_MAX : row->expires_ms + grace_ms;
}

/* Older ones than the first that has begun will not sign. */
static bool may_sign(const struct key_row *row, const struct keyring_source *source,
		     const struct key_set *set)
{
	bool begun = set->signing_count > 0 &&
		     set->signing[set->signing_count - 1].from_ms <= source->now_ms;

	return !begun && alg_of_row(row) == source->signing_alg &&
	       signs_until(row, source) > source->now_ms;
}

static enum status read_signer(const struct key_row *row, const struct jdoc *public_jwk,
			       const struct keyring_source *source, struct key_set *set)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	CLEANUP(jdoc_free) struct jdoc *private_jwk = NULL;
	struct jwk_secret *secret = NULL;

	TRY(open_private(row, source, mem, &private_jwk));
	TRY(jwk_read_private(private_jwk, public_jwk, source->signing_alg, mem, &secret));
	set->signing[set->signing_count++] = (struct signing){
		.signer = { .alg = source->signing_alg,
			    .kid = arena_copy(set->mem, row->id),
			    .secret = secret },
		.secret = secret,
		.from_ms = row->created_ms,
		.until_ms = signs_until(row, source),
	};
	return STATUS_OK;
}

static enum status add_row(const struct key_row *row, const struct keyring_source *source,
			   struct key_set *set, struct jdoc_writer *jwks)
{
	CLEANUP(jdoc_free) struct jdoc *jwk = NULL;
	enum jws_alg alg = alg_of_row(row);
	struct jws_key *key;

	TRY(jdoc_parse_strict(row->public_key, &jwk));
	TRY(jwk_read_public(jwk, alg, row->id, &key));
	if (!set_take(set, key, verifies_until(row, source)))
		return STATUS_CONFLICT;
	jwk_put_public(jwks, jwk, alg, row->id);
	if (!may_sign(row, source, set))
		return STATUS_OK;
	return read_signer(row, jwk, source, set);
}

static enum status add_rows(struct key_set *set, const struct keyring_source *source,
			    size_t *skipped)
{
	struct jdoc_writer w;
	struct buf out;

	buf_init(&out, set->mem, JWKS_MAX);
	jdoc_write(&w, &out);
	jdoc_put_object(&w, NULL);
	jdoc_put_array(&w, "keys");
	for (size_t i = 0; i < source->row_count; i++)
		if (verifies_until(&source->rows[i], source) >= source->now_ms &&
		    add_row(&source->rows[i], source, set, &w) != STATUS_OK)
			++*skipped;
	jdoc_end_array(&w);
	jdoc_end_object(&w);
	return buf_finish(&out, &set->jwks);
}

static void sign_with_secret(struct key_set *set, struct span secret)
{
	secret_set(&set->hmac, secret);
	set->signing[set->signing_count++] = (struct signing){
		.signer = { .alg = JWS_HS256,
			    .kid = jws_key_kid(set->keys[0].key),
			    .hmac = secret_span(&set->hmac) },
		.from_ms = INT64_MIN,
		.until_ms = INT64_MAX,
	};
}

enum status keyring_new(const struct keyring_source *source, size_t *skipped_out,
			struct keyring **out)
{
	CLEANUP(set_release)
	struct key_set *set = set_new(source->secret_count + source->row_count);
	size_t skipped = 0;

	if (source->secret_count == 0)
		return STATUS_INVALID;
	TRY(add_secrets(set, source));
	if (source->signing_alg == JWS_HS256)
		sign_with_secret(set, source->secrets[0]);
	TRY(add_rows(set, source, &skipped));
	struct keyring *keys = keyring_alloc(1, source->generation);
	keys->sets[KEYRING_OWN] = set;
	set = NULL;
	*skipped_out = skipped;
	*out = keys;
	return STATUS_OK;
}

/* --- foreign sets --- */

static bool is_for_signatures(const struct jdoc *jwk)
{
	const struct jdoc *operations = jdoc_child(jwk, "key_ops");
	struct span text;

	if (jdoc_member(jwk, "use") != JDOC_ABSENT &&
	    (!jdoc_text(jwk, "use", &text) || !span_is(text, "sig")))
		return false;
	if (operations == NULL)
		return true;
	for (size_t i = 0; i < jdoc_count(operations); i++)
		if (jdoc_own_text(jdoc_at(operations, i), &text) && span_is(text, "verify"))
			return true;
	return false;
}

static enum status add_jwk(const struct jdoc *jwk, unsigned algs, struct key_set *set)
{
	struct jws_key *key;
	struct span kid, name;

	if (jdoc_type(jwk) != JDOC_OBJECT || !jdoc_text(jwk, "kid", &kid) || kid.len == 0 ||
	    !jdoc_text(jwk, "alg", &name) || !is_for_signatures(jwk))
		return STATUS_INVALID;
	enum jws_alg alg = jws_alg_named(name);
	if (alg == JWS_NONE || (algs & 1u << alg) == 0 || set->count == ISSUER_KEYS_MAX)
		return STATUS_INVALID;
	TRY(jwk_read_public(jwk, alg, kid, &key));
	return set_take(set, key, INT64_MAX) ? STATUS_OK : STATUS_CONFLICT;
}

static enum status read_set(struct span jwks_json, unsigned algs, size_t *skipped,
			    struct key_set *set)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;

	TRY(jdoc_parse_strict(jwks_json, &doc));
	const struct jdoc *list = jdoc_child(doc, "keys");
	if (jdoc_type(list) != JDOC_ARRAY)
		return STATUS_INVALID;
	for (size_t i = 0; i < jdoc_count(list); i++)
		if (add_jwk(jdoc_at(list, i), algs, set) != STATUS_OK)
			++*skipped;
	return STATUS_OK;
}

enum status keyring_with_issuer(const struct keyring *old, size_t issuer, struct span jwks_json,
				unsigned algs, size_t *skipped_out, struct keyring **out)
{
	CLEANUP(set_release) struct key_set *set = set_new(ISSUER_KEYS_MAX);
	size_t skipped = 0, count = issuer < old->set_count ? old->set_count : issuer + 1;

	if (issuer == KEYRING_OWN)
		return STATUS_INVALID;
	TRY(read_set(jwks_json, algs, &skipped, set));
	struct keyring *keys = keyring_alloc(count, old->generation);
	for (size_t i = 0; i < old->set_count; i++) {
		if (i == issuer || old->sets[i] == NULL)
			continue;
		atomic_fetch_add(&old->sets[i]->references, 1);
		keys->sets[i] = old->sets[i];
	}
	keys->sets[issuer] = set;
	set = NULL;
	*skipped_out = skipped;
	*out = keys;
	return STATUS_OK;
}

/* --- new keys --- */

enum status keyring_generate(enum jws_alg alg, const struct keyring_source *source,
			     const struct rng *rng, struct arena *mem, struct key_row *row_out)
{
	char *id = arena_alloc(mem, RNG_ID_LEN + 1);
	struct jwk_pair pair;

	if (source->secret_count == 0)
		return STATUS_INVALID;
	rng_id(rng, id);
	TRY(jwk_generate(alg, rng, mem, &pair));
	*row_out = (struct key_row){
		.id = span_make(id, RNG_ID_LEN),
		.public_key = pair.public_json,
		.private_key = seal(pair.private_json, source, rng, mem),
		.alg = span_of(jws_alg_word(alg)),
		.crv = pair.crv,
		.created_ms = source->now_ms,
		.expires_ms =
			source->key_max_age_ms == 0 ? -1 : source->now_ms + source->key_max_age_ms,
	};
	return STATUS_OK;
}
