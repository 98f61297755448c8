/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include "base/config_value.h"
#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(field) offsetof(struct config, field)
#define YEAR_S (366 * 86400LL)
/* Keys that verify at the same time, all listed at /jwks. */
enum { KEYS_AT_ONCE = 100 };
/* What crypto/password.h verifies at most: dearer hashes would open nothing. */
enum { ARGON2_MEMORY_MAX = 262144, ARGON2_TIME_MAX = 16 };

/* key, default, reader, field, min, max, words, flags, conventional variable.
 * A key is done when the sample, the manual and a test have it. */
static const struct config_option options[] = {
	{ "database_url", NULL, config_read_text, AT(database_url), 0, 0, NULL,
	  CONFIG_REQUIRED | CONFIG_SECRET, "DATABASE_URL" },
	{ "feed_database_url", NULL, config_read_text, AT(feed_database_url), 0, 0, NULL,
	  CONFIG_SECRET, NULL },
	{ "secret", NULL, config_read_secret, 0, 0, 0, NULL, CONFIG_SECRET, "BETTER_AUTH_SECRET" },
	{ "secrets", NULL, config_read_secrets, 0, 0, 0, NULL, CONFIG_SECRET,
	  "BETTER_AUTH_SECRETS" },
	{ "base_url", NULL, config_read_origin, AT(base_url), 0, 0, NULL, CONFIG_REQUIRED,
	  "BETTER_AUTH_URL" },
	{ "base_path", "/api/auth", config_read_path, AT(base_path), 0, 0, NULL, 0, NULL },
	{ "trusted_origins", NULL, config_read_list, AT(trusted_origins), 0, 0, NULL, 0,
	  "BETTER_AUTH_TRUSTED_ORIGINS" },
	{ "trusted_proxies", NULL, config_read_list, AT(trusted_proxies), 0, 0, NULL, 0, NULL },
	{ "listen_mode", "0660", config_read_mode, AT(listen_mode), 0, 0, NULL, 0, NULL },
	{ "listen_peers", NULL, config_read_list, AT(listen_peers), 0, 0, NULL, 0, NULL },
	{ "jwt_alg", "HS256", config_read_word, AT(jwt_alg), 0, 0, "HS256|EdDSA|ES256|RS256", 0,
	  NULL },
	{ "jwt_ttl", "15m", config_read_seconds, AT(jwt_ttl_s), 1, YEAR_S, NULL, 0, NULL },
	{ "jwt_issuer", NULL, config_read_text, AT(jwt_issuer), 0, 0, NULL, 0, NULL },
	{ "jwt_audience", NULL, config_read_text, AT(jwt_audience), 0, 0, NULL, 0, NULL },
	{ "jwt_leeway", "0s", config_read_seconds, AT(jwt_leeway_s), 0, 300, NULL, 0, NULL },
	{ "jwt_key_max_age", "off", config_read_seconds_or_off, AT(jwt_key_max_age_s), 2,
	  10 * YEAR_S, NULL, 0, NULL },
	{ "session_ttl", "7d", config_read_seconds, AT(session_ttl_s), 1, 10 * YEAR_S, NULL, 0,
	  NULL },
	{ "session_update_age", "1d", config_read_seconds, AT(session_update_age_s), 0, 10 * YEAR_S,
	  NULL, 0, NULL },
	{ "session_fresh_age", "1d", config_read_seconds, AT(session_fresh_age_s), 0, 10 * YEAR_S,
	  NULL, 0, NULL },
	{ "password_min", "8", config_read_int, AT(password_min), 1, 1024, NULL, 0, NULL },
	{ "password_max", "128", config_read_int, AT(password_max), 8, 1024, NULL, 0, NULL },
	{ "password_hash", "argon2id", config_read_word, AT(password_hash), 0, 0, "argon2id|scrypt",
	  0, NULL },
	{ "argon2_memory", "19456", config_read_int, AT(argon2_memory_kib), 7168, ARGON2_MEMORY_MAX,
	  NULL, 0, NULL },
	{ "argon2_time", "2", config_read_int, AT(argon2_time), 1, ARGON2_TIME_MAX, NULL, 0, NULL },
	{ "hash_concurrency", NULL, config_read_int, AT(hash_concurrency), 1, 1024, NULL, 0, NULL },
	{ "hash_queue", "64", config_read_int, AT(hash_queue), 0, 65536, NULL, 0, NULL },
	{ "rate_limit", "on", config_read_switch, AT(rate_limit), 0, 0, "off|on", 0, NULL },
	{ "rate_limit_trusted", NULL, config_read_list, AT(rate_limit_trusted), 0, 0, NULL, 0,
	  NULL },
	{ "password_blocklist", NULL, config_read_text, AT(password_blocklist), 0, 0, NULL, 0,
	  NULL },
	{ "delete_user", "off", config_read_switch, AT(delete_user), 0, 0, "off|on", 0, NULL },
	{ "change_email", "off", config_read_switch, AT(change_email), 0, 0, "off|on", 0, NULL },
	{ "prepared", "on", config_read_switch, AT(prepared), 0, 0, "off|on", 0, NULL },
	{ "issuer", NULL, config_read_item, AT(issuers), 0, 0, NULL, CONFIG_REPEATED, NULL },
	{ "route", NULL, config_read_item, AT(routes), 0, 0, NULL, CONFIG_REPEATED, NULL },
	{ "variables", "User-Id=sub", config_read_list, AT(variables), 0, 0, NULL, 0, NULL },
	{ "accept_sessionless", "off", config_read_switch, AT(accept_sessionless), 0, 0, "off|on",
	  0, NULL },
	{ "revocation_max_age", "5s", config_read_ms, AT(revocation_max_age_ms), 1000, 3600000,
	  NULL, 0, NULL },
	{ "audit", "on", config_read_switch, AT(audit), 0, 0, "off|on", 0, NULL },
	{ "auto_migrate", "off", config_read_switch, AT(auto_migrate), 0, 0, "off|on", 0, NULL },
	{ "log_level", "info", config_read_word, AT(log_level), 0, 0, "debug|info|warn|error", 0,
	  NULL },
	{ "log_format", "text", config_read_switch, AT(log_json), 0, 0, "text|json", 0, NULL },
};

enum { OPTIONS = COUNT_OF(options), FILE_MAX = 1 << 20, NAME_MAX_BYTES = 64 };

/* What was written for one key, in order. */
struct given {
	struct given *next;
	struct span value;
	const char *where;
};

struct source {
	struct config_reading reading;
	config_reader *read_file;
	char *const *environment;
	struct given *given[OPTIONS];
};

/* The configuration and the memory its pointers lead to. */
struct owner {
	struct config config;
	struct arena *mem;
};

const char *config_key(size_t index)
{
	return index < OPTIONS ? options[index].key : NULL;
}

static bool is_clean(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (iscntrl((unsigned char)value.at[i]))
			return false;
	return true;
}

static void give(struct source *s, size_t index, struct span value, const char *where)
{
	struct arena *mem = s->reading.mem;
	struct given **end = &s->given[index];
	const char *key = options[index].key;

	if (value.len == 0) {
		config_refuse(&s->reading, where, key, "has no value");
	} else if (!is_clean(value)) {
		config_refuse(&s->reading, where, key, "holds a control character");
	} else if (*end != NULL && (options[index].flags & CONFIG_REPEATED) == 0) {
		config_refuse(&s->reading, where, key, "was already set at %s", (*end)->where);
	} else {
		while (*end != NULL)
			end = &(*end)->next;
		*end = arena_alloc(mem, sizeof(**end));
		**end = (struct given){ NULL, value, where };
	}
}

/* --- the file --- */

static size_t index_of(struct span key)
{
	size_t index = 0;

	while (index < OPTIONS && !span_is(key, options[index].key))
		index++;
	return index;
}

/* Levenshtein's distance, for a hint to whom mistyped. */
static unsigned distance(struct span a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t len = strlen(b);

	if (a.len > NAME_MAX_BYTES || len > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (size_t j = 0; j <= len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= len; j++) {
			unsigned change = diagonal + (a.at[i - 1] != b[j - 1]);
			unsigned least = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = change < least + 1 ? change : least + 1;
		}
	}
	return row[len];
}

/* The key that was probably meant, or NULL. */
static const char *similar_key(struct span key)
{
	const char *similar = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < OPTIONS; i++) {
		unsigned far = distance(key, options[i].key);

		if (far < least) {
			least = far;
			similar = options[i].key;
		}
	}
	return similar;
}

static void refuse_key(struct source *s, struct span key, const char *where)
{
	const char *similar = similar_key(key);
	char *name = arena_text(s->reading.mem, span_first(key, NAME_MAX_BYTES));

	if (!is_clean(key) || key.len == 0)
		config_refuse(&s->reading, where, "?", "write KEY = VALUE");
	else if (similar != NULL)
		config_refuse(&s->reading, where, name, "is no key; %s is meant?", similar);
	else
		config_refuse(&s->reading, where, name, "is no key");
}

static void read_line(struct source *s, struct span line, const char *where)
{
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	line = span_trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return;
	size_t equals = span_find(line, '=');
	struct span key = span_trim(span_first(line, equals));
	size_t index = index_of(key);
	if (equals == line.len)
		config_refuse(&s->reading, where, "?", "write KEY = VALUE");
	else if (index == OPTIONS)
		refuse_key(s, key, where);
	else
		give(s, index, span_trim(span_from(line, equals + 1)), where);
}

static void read_lines(struct source *s, struct span text, const char *file_name)
{
	struct span line;

	for (unsigned number = 1; span_next(&text, '\n', &line); number++)
		read_line(s, line, arena_format(s->reading.mem, "%s:%u", file_name, number));
}

/* --- the environment --- */

/* An empty variable counts as unset: that is how container tools pass on one
 * that is not there. */
static struct span variable(const struct source *s, struct span name)
{
	for (char *const *at = s->environment; at != NULL && *at != NULL; at++) {
		struct span entry = span_of(*at);

		if (span_starts(entry, name) && entry.len > name.len + 1 &&
		    entry.at[name.len] == '=')
			return span_from(entry, name.len + 1);
	}
	return SPAN_ABSENT;
}

static void replace(struct source *s, size_t index, struct span value, const char *where)
{
	struct span part;

	s->given[index] = NULL;
	if ((options[index].flags & CONFIG_REPEATED) == 0) {
		give(s, index, value, where);
		return;
	}
	while (span_next(&value, ';', &part))
		if (span_trim(part).len > 0)
			give(s, index, span_trim(part), where);
}

static void replace_from_file(struct source *s, size_t index, struct span path, const char *where)
{
	struct span text = SPAN_ABSENT;
	const char *name = arena_text(s->reading.mem, path);

	if (s->read_file(s->reading.scratch, name, &text) != STATUS_OK) {
		config_refuse(&s->reading, where, options[index].key, "cannot read %s", name);
		return;
	}
	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	replace(s, index, text, where);
}

/* True when the variable `name`, or its _FILE form, decided. */
static bool read_variable(struct source *s, size_t index, const char *name)
{
	bool secret = (options[index].flags & CONFIG_SECRET) != 0;
	const char *file_name = arena_format(s->reading.mem, "%s_FILE", name);
	struct span value = variable(s, span_of(name));
	struct span path = secret ? variable(s, span_of(file_name)) : SPAN_ABSENT;

	if (!span_is_absent(value) && !span_is_absent(path))
		config_refuse(&s->reading, name, options[index].key, "%s is set as well",
			      file_name);
	else if (!span_is_absent(value))
		replace(s, index, value, name);
	else if (!span_is_absent(path))
		replace_from_file(s, index, path, file_name);
	else
		return false;
	return true;
}

#define PREFIX "AUTHBRIDGE_"

static char *variable_name(struct arena *mem, const char *key)
{
	char *name = arena_format(mem, PREFIX "%s", key);

	for (char *at = name; *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
	return name;
}

/* Others may use the prefix, too (container tools make AUTHBRIDGE_PORT of a
 * service's name), so only what looks like a mistyped key is refused. */
static void refuse_mistyped(struct source *s, struct span entry)
{
	struct span name = span_first(entry, span_find(entry, '='));

	if (!span_starts(name, SPAN(PREFIX)))
		return;
	char *key = arena_text(s->reading.mem, span_from(name, sizeof(PREFIX) - 1));
	for (char *at = key; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	struct span stem = span_of(key);
	if (stem.len > 5 && span_is(span_from(stem, stem.len - 5), "_file"))
		stem.len -= 5;
	size_t index = index_of(stem);
	bool known = index < OPTIONS &&
		     (stem.len == strlen(key) || (options[index].flags & CONFIG_SECRET) != 0);
	const char *similar = similar_key(stem);
	if (!known && similar != NULL)
		config_refuse(&s->reading, arena_text(s->reading.mem, name), similar,
			      "is not set by a variable of this name");
}

static void read_environment(struct source *s)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (!read_variable(s, i, variable_name(s->reading.mem, options[i].key)) &&
		    options[i].environment != NULL)
			(void)read_variable(s, i, options[i].environment);
	for (char *const *at = s->environment; at != NULL && *at != NULL; at++)
		refuse_mistyped(s, span_of(*at));
}

/* --- from what was given to the fields --- */

static void read_options(struct source *s, const char *file_name)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct config_option *option = &options[i];

		for (struct given *g = s->given[i]; g != NULL; g = g->next)
			option->read(&s->reading, option, g->value, g->where);
		if (s->given[i] != NULL)
			continue;
		if (option->standard != NULL)
			option->read(&s->reading, option, span_of(option->standard), "built-in");
		else if ((option->flags & CONFIG_REQUIRED) != 0)
			config_refuse(&s->reading, file_name, option->key,
				      "is required (here or as %s)", option->environment);
	}
}

/* The parameter sets of OWASP's Password Storage Cheat Sheet, all with one
 * lane: less memory needs more passes. */
static bool is_enough(int64_t memory_kib, int64_t passes)
{
	static const int64_t least[][2] = {
		{ 47104, 1 }, { 19456, 2 }, { 12288, 3 }, { 9216, 4 }, { 7168, 5 }
	};
	for (size_t i = 0; i < COUNT_OF(least); i++)
		if (memory_kib >= least[i][0] && passes >= least[i][1])
			return true;
	return false;
}

static const char *where_of(const struct source *s, const char *key)
{
	const struct given *given = s->given[index_of(span_of(key))];

	return given != NULL ? given->where : "built-in";
}

/* What only several keys together tell. */
static void read_together(struct source *s, const char *file_name)
{
	struct config_reading *r = &s->reading;
	struct config *c = r->config;

	if (!span_is_absent(r->plain_secret))
		config_add_secret(r, "secret", 0, r->plain_secret, r->plain_where);
	else if (s->given[index_of(SPAN("secrets"))] == NULL)
		config_refuse(r, file_name, "secret",
			      "is required (here or as BETTER_AUTH_SECRET)");
	if (c->jwt_issuer.text == NULL)
		c->jwt_issuer = c->base_url;
	if (c->jwt_audience.text == NULL)
		c->jwt_audience = c->base_url;
	if (c->hash_concurrency == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		c->hash_concurrency = cores > 0 ? cores : 1;
	}
	if (c->jwt_key_max_age_s > 0 && c->jwt_key_max_age_s < c->jwt_ttl_s / KEYS_AT_ONCE)
		config_refuse(r, where_of(s, "jwt_key_max_age"), "jwt_key_max_age",
			      "is under a %dth of jwt_ttl: too many keys at once", KEYS_AT_ONCE);
	if (c->password_max > 0 && c->password_min > c->password_max)
		config_refuse(r, where_of(s, "password_max"), "password_max",
			      "is below password_min");
	if (c->argon2_memory_kib > 0 && c->argon2_time > 0 &&
	    !is_enough(c->argon2_memory_kib, c->argon2_time))
		config_refuse(r, where_of(s, "argon2_memory"), "argon2_memory",
			      "%lld KiB with argon2_time = %lld is too cheap (19456 with 2, "
			      "12288 with 3, 9216 with 4, 7168 with 5)",
			      (long long)c->argon2_memory_kib, (long long)c->argon2_time);
}

enum status config_parse(struct span text, const char *file_name, char *const *environ_list,
			 config_reader *read_file, struct buf *mistakes, struct config **config_out)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	struct source s = {
		.read_file = read_file != NULL ? read_file : config_read_file,
		.environment = environ_list,
	};

	if (owner == NULL)
		abort();
	CLEANUP(arena_free) struct arena *scratch = arena_new(0);
	struct config *config = &owner->config;
	owner->mem = arena_new(0);
	s.reading = (struct config_reading){
		.config = config,
		.mem = owner->mem,
		.scratch = scratch,
		.mistakes = mistakes,
		.plain_secret = SPAN_ABSENT,
	};
	read_lines(&s, text, file_name);
	read_environment(&s);
	read_options(&s, file_name);
	read_together(&s, file_name);
	if (s.reading.failed) {
		config_free(&config);
		return STATUS_INVALID;
	}
	*config_out = config;
	return STATUS_OK;
}

enum status config_load(const char *path, bool must_exist, char *const *environ_list,
			struct buf *mistakes, struct config **config_out)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct span text = SPAN_ABSENT;

	errno = 0;
	enum status status = config_read_file(mem, path, &text);
	if (status == STATUS_OK || (status == STATUS_NOT_FOUND && !must_exist))
		return config_parse(text, path, environ_list, NULL, mistakes, config_out);
	config_mistake(mistakes, path, "file", "cannot be read (%s)",
		       status == STATUS_TOO_LARGE ? "larger than 1 MiB"
		       : errno != 0               ? log_errno_word(errno)
						  : "no regular file");
	return STATUS_INVALID;
}

static enum status read_all(int file, struct arena *mem, size_t size, struct span *text_out)
{
	void *at = NULL;
	size_t len = 0;

	TRY(arena_try(mem, size + 1, &at));
	while (len < size) {
		ssize_t got = read(file, (char *)at + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return STATUS_INVALID;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*text_out = span_make(at, len);
	return STATUS_OK;
}

enum status config_read_file(struct arena *mem, const char *path, struct span *text_out)
{
	struct stat about;
	enum status status = STATUS_INVALID;
	/* O_NONBLOCK: a fifo would wait for its writer */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (file < 0)
		return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_INVALID;
	if (fstat(file, &about) == 0 && S_ISREG(about.st_mode))
		status = about.st_size > FILE_MAX
				 ? STATUS_TOO_LARGE
				 : read_all(file, mem, (size_t)about.st_size, text_out);
	close(file);
	return status;
}

void config_free(struct config **config)
{
	struct owner *owner = (struct owner *)*config;

	if (owner == NULL)
		return;
	for (size_t i = 0; i < owner->config.secret_count; i++)
		secret_free(&owner->config.secrets[i].secret);
	arena_free(&owner->mem);
	secret_wipe(owner, sizeof(*owner));
	free(owner);
	*config = NULL;
}
