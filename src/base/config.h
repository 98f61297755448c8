/* SPDX-License-Identifier: MIT */
/*
 * config: the settings of the service. One option table turns text and
 * environment into a struct; loading the file is a thin wrapper around it.
 *
 * Every mistake is collected, each as one line that names file, line, key and
 * remedy ("authbridge.conf:12: jwt_ttl: "15 minutes" is not a duration (such
 * as 15m)"); for a value from the environment the variable's name stands for
 * file and line. Secrets never appear in a message.
 *
 * What a layer above must judge (route, issuer, trusted_origins, networks,
 * database_url) is kept as text with its place, so that the judge can name it.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

enum config_jwt_alg { CONFIG_HS256, CONFIG_EDDSA, CONFIG_ES256, CONFIG_RS256 };
enum config_password_hash { CONFIG_ARGON2ID, CONFIG_SCRYPT };

struct config_text {
	char *text;  /* NUL-terminated */
	char *where; /* "FILE:LINE" or the variable's name */
};

struct config_list {
	struct config_text *items;
	size_t count;
};

struct config_secret {
	unsigned version;     /* of `secrets`; 0 for the plain `secret` */
	struct secret secret; /* at least 32 bytes */
};

struct config {
	struct config_text database_url;
	struct config_text feed_database_url; /* direct connection of the feed;
						 text NULL: database_url */
	/* The first signs, all verify. From `secrets`, then `secret`. */
	struct config_secret *secrets;
	size_t secret_count;

	struct config_text base_url;  /* origin, no trailing slash */
	struct config_text base_path; /* "/api/auth" */
	bool secure;                  /* base_url is https */
	struct config_list trusted_origins, trusted_proxies, rate_limit_trusted;
	struct config_list listen_peers, routes, issuers, variables;
	unsigned listen_mode; /* 0660 */

	enum config_jwt_alg jwt_alg;
	int64_t jwt_ttl_s, jwt_leeway_s, jwt_key_max_age_s; /* max age 0: off */
	struct config_text jwt_issuer, jwt_audience;
	int64_t session_ttl_s, session_update_age_s, session_fresh_age_s;

	int64_t password_min, password_max; /* UTF-16 code units */
	enum config_password_hash password_hash;
	int64_t argon2_memory_kib, argon2_time;
	int64_t hash_concurrency, hash_queue;
	struct config_text password_blocklist; /* path; text NULL when unset */

	bool rate_limit, delete_user, change_email, prepared;
	bool accept_sessionless, auto_migrate, audit;
	int64_t revocation_max_age_ms;
	int log_level; /* enum log_level */
	bool log_json;
};

/* Reads `text` (the file's content, absent span when there is none) named
 * `file_name` and the environment `environ_list` ("NAME=value", NULL at the
 * end). `_FILE` forms are read through `read_file` (NULL: config_read_file).
 * On any mistake: STATUS_INVALID, every message in `mistakes`, one a line, and
 * *config_out untouched. Otherwise *config_out is new; free with config_free. */
typedef enum status config_reader(struct arena *mem, const char *path, struct span *text_out);
MUST_CHECK enum status config_parse(struct span text, const char *file_name,
				    char *const *environ_list, config_reader *read_file,
				    struct buf *mistakes, struct config **config_out);

/* As config_parse on the file at `path`. A missing file is an empty one unless
 * `must_exist`. */
MUST_CHECK enum status config_load(const char *path, bool must_exist, char *const *environ_list,
				   struct buf *mistakes, struct config **config_out);

/* Up to 1 MiB of a regular file. */
MUST_CHECK enum status config_read_file(struct arena *mem, const char *path, struct span *text_out);

/* Wipes the secrets, frees, clears. */
void config_free(struct config **config);

/* Adds "WHERE: KEY: MESSAGE\n", the one form of a mistake. */
void config_mistake(struct buf *mistakes, const char *where, const char *key, const char *format,
		    ...) PRINTF_LIKE(4, 5);

/* For lint, --help and the manual's test: the keys in order, NULL past the end. */
const char *config_key(size_t index);

#endif
