/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY32 "0123456789abcdef0123456789abcdef"
#define OLD32 "fedcba9876543210fedcba9876543210"
#define REQUIRED "database_url = dbname=a\nsecret = " KEY32 "\nbase_url = http://localhost:3000\n"

static enum status fake_file(struct arena *mem, const char *path, struct span *text_out)
{
	(void)mem;
	if (strcmp(path, "/run/secrets/key") == 0)
		*text_out = SPAN(KEY32 "\n");
	else if (strcmp(path, "/run/secrets/crlf") == 0)
		*text_out = SPAN("dbname=f\r\n");
	else if (strcmp(path, "/run/secrets/empty") == 0)
		*text_out = SPAN("\n");
	else
		return STATUS_NOT_FOUND;
	return STATUS_OK;
}

struct parsed {
	struct arena *mem;
	struct buf mistakes;
	struct config *config;
	enum status status;
};

/* `environment` ends with NULL, or is it. */
static struct parsed parse(const char *text, const char *const *environment)
{
	struct parsed p = { .mem = arena_new(0) };
	char *copy[32] = { NULL };

	for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
		copy[i] = arena_text(p.mem, span_of(environment[i]));

	buf_init(&p.mistakes, p.mem, 100000);
	p.status = config_parse(span_of(text), "t.conf", copy, fake_file, &p.mistakes, &p.config);
	return p;
}

static void release(struct parsed *p)
{
	config_free(&p->config);
	arena_free(&p->mem);
}

/* The mistakes of `text`, which must have some. */
static void check_mistakes(const char *text, const char *const *environment, const char *expected)
{
	struct parsed p = parse(text, environment);

	assert_null(p.config);
	assert_int_equal(p.status, STATUS_INVALID);
	assert_string_equal(p.mistakes.at, expected);
	release(&p);
}

static void defaults_are_those_of_the_manual(void **state)
{
	struct parsed p = parse(REQUIRED, NULL);
	const struct config *c = p.config;

	(void)state;
	assert_int_equal(p.status, STATUS_OK);
	assert_int_equal(p.mistakes.len, 0);
	assert_string_equal(c->database_url.text, "dbname=a");
	assert_string_equal(c->database_url.where, "t.conf:1");
	assert_null(c->feed_database_url.text);
	assert_string_equal(c->base_url.text, "http://localhost:3000");
	assert_false(c->secure);
	assert_string_equal(c->base_path.text, "/api/auth");
	assert_int_equal(c->listen_mode, 0660);
	assert_int_equal(c->jwt_alg, CONFIG_HS256);
	assert_int_equal(c->jwt_ttl_s, 900);
	assert_int_equal(c->jwt_leeway_s, 0);
	assert_int_equal(c->jwt_key_max_age_s, 0);
	assert_string_equal(c->jwt_issuer.text, "http://localhost:3000");
	assert_string_equal(c->jwt_audience.text, "http://localhost:3000");
	assert_int_equal(c->session_ttl_s, 604800);
	assert_int_equal(c->session_update_age_s, 86400);
	assert_int_equal(c->session_fresh_age_s, 86400);
	assert_int_equal(c->password_min, 8);
	assert_int_equal(c->password_max, 128);
	assert_int_equal(c->password_hash, CONFIG_ARGON2ID);
	assert_int_equal(c->argon2_memory_kib, 19456);
	assert_int_equal(c->argon2_time, 2);
	assert_int_equal(c->hash_concurrency, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(c->hash_queue, 64);
	assert_null(c->password_blocklist.text);
	assert_true(c->rate_limit && c->prepared && c->audit);
	assert_false(c->delete_user || c->change_email || c->accept_sessionless ||
		     c->auto_migrate || c->log_json);
	assert_int_equal(c->revocation_max_age_ms, 5000);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->routes.count, 0);
	assert_int_equal(c->issuers.count, 0);
	assert_int_equal(c->trusted_origins.count, 0);
	assert_int_equal(c->variables.count, 1);
	assert_string_equal(c->variables.items[0].text, "User-Id=sub");
	assert_int_equal(c->secret_count, 1);
	assert_int_equal(c->secrets[0].version, 0);
	assert_true(span_is(secret_span(&c->secrets[0].secret), KEY32));
	release(&p);
}

static void every_key_is_read(void **state)
{
	struct parsed p = parse("# comment\n"
				"\t# another\r\n"
				"\n"
				"database_url=postgresql://h/db?x=1\n"
				"  secrets  =  2:" KEY32 ", 1:" OLD32 "\t\r\n"
				"secret = " OLD32 "0=,:#x\n"
				"base_url = https://example.org/\n"
				"base_path = /auth\n"
				"trusted_origins = https://a.example, https://*.b.example\n"
				"trusted_proxies = 10.0.0.0/8\n"
				"listen_mode = 0600\n"
				"listen_peers = 10.0.0.0/8, ::1\n"
				"jwt_alg = ES256\n"
				"jwt_ttl = 2h\n"
				"jwt_issuer = urn:me\n"
				"jwt_audience = urn:you\n"
				"jwt_leeway = 30s\n"
				"jwt_key_max_age = 90d\n"
				"session_ttl = 30d\n"
				"session_update_age = 0s\n"
				"session_fresh_age = 10m\n"
				"password_min = 15\n"
				"password_max = 64\n"
				"password_hash = scrypt\n"
				"argon2_memory = 47104\n"
				"argon2_time = 1\n"
				"hash_concurrency = 3\n"
				"hash_queue = 0\n"
				"rate_limit = off\n"
				"rate_limit_trusted = 192.0.2.0/24\n"
				"password_blocklist = /etc/worst\n"
				"delete_user = on\n"
				"change_email = on\n"
				"prepared = off\n"
				"feed_database_url = dbname=direct\n"
				"issuer = a url=x\n"
				"issuer = b url=y\n"
				"route = GET /x user\n"
				"route = * /y/** deny\n"
				"variables = User-Id=sub, Mail=email\n"
				"accept_sessionless = on\n"
				"revocation_max_age = 10s\n"
				"audit = off\n"
				"auto_migrate = on\n"
				"log_level = debug\n"
				"log_format = json",
				NULL);
	const struct config *c = p.config;

	(void)state;
	assert_string_equal(buf_span(&p.mistakes).at, "");
	assert_int_equal(p.status, STATUS_OK);
	assert_string_equal(c->database_url.text, "postgresql://h/db?x=1");
	assert_string_equal(c->feed_database_url.text, "dbname=direct");
	assert_int_equal(c->secret_count, 3);
	assert_int_equal(c->secrets[0].version, 2);
	assert_int_equal(c->secrets[1].version, 1);
	assert_int_equal(c->secrets[2].version, 0);
	assert_true(span_is(secret_span(&c->secrets[0].secret), KEY32));
	assert_true(span_is(secret_span(&c->secrets[1].secret), OLD32));
	assert_true(span_is(secret_span(&c->secrets[2].secret), OLD32 "0=,:#x"));
	assert_string_equal(c->base_url.text, "https://example.org");
	assert_true(c->secure);
	assert_string_equal(c->base_path.text, "/auth");
	assert_int_equal(c->trusted_origins.count, 2);
	assert_string_equal(c->trusted_origins.items[1].text, "https://*.b.example");
	assert_string_equal(c->trusted_origins.items[1].where, "t.conf:9");
	assert_int_equal(c->listen_mode, 0600);
	assert_int_equal(c->listen_peers.count, 2);
	assert_int_equal(c->jwt_alg, CONFIG_ES256);
	assert_int_equal(c->jwt_ttl_s, 7200);
	assert_string_equal(c->jwt_issuer.text, "urn:me");
	assert_string_equal(c->jwt_audience.text, "urn:you");
	assert_int_equal(c->jwt_leeway_s, 30);
	assert_int_equal(c->jwt_key_max_age_s, 90 * 86400);
	assert_int_equal(c->session_ttl_s, 2592000);
	assert_int_equal(c->session_update_age_s, 0);
	assert_int_equal(c->session_fresh_age_s, 600);
	assert_int_equal(c->password_min, 15);
	assert_int_equal(c->password_max, 64);
	assert_int_equal(c->password_hash, CONFIG_SCRYPT);
	assert_int_equal(c->argon2_memory_kib, 47104);
	assert_int_equal(c->argon2_time, 1);
	assert_int_equal(c->hash_concurrency, 3);
	assert_int_equal(c->hash_queue, 0);
	assert_false(c->rate_limit || c->prepared || c->audit);
	assert_true(c->delete_user && c->change_email && c->accept_sessionless && c->auto_migrate &&
		    c->log_json);
	assert_int_equal(c->rate_limit_trusted.count, 1);
	assert_string_equal(c->password_blocklist.text, "/etc/worst");
	assert_int_equal(c->issuers.count, 2);
	assert_string_equal(c->issuers.items[1].text, "b url=y");
	assert_int_equal(c->routes.count, 2);
	assert_string_equal(c->routes.items[0].text, "GET /x user");
	assert_string_equal(c->routes.items[1].where, "t.conf:39");
	assert_int_equal(c->variables.count, 2);
	assert_string_equal(c->variables.items[1].text, "Mail=email");
	assert_int_equal(c->revocation_max_age_ms, 10000);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	release(&p);
}

/* Each line after the required ones is refused with exactly this message. */
static void each_key_wrong_in_turn(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "base_path = api", "base_path: \"api\" is not a path (such as /api/auth)" },
		{ "base_path = /", "base_path: \"/\" is not a path (such as /api/auth)" },
		{ "base_path = /a/", "base_path: \"/a/\" is not a path (such as /api/auth)" },
		{ "base_path = /a//b", "base_path: \"/a//b\" is not a path (such as /api/auth)" },
		{ "base_path = /a/../b",
		  "base_path: \"/a/../b\" is not a path (such as /api/auth)" },
		{ "base_path = /a%20", "base_path: \"/a%20\" is not a path (such as /api/auth)" },
		{ "trusted_origins = a,,b", "trusted_origins: an entry between commas is empty" },
		{ "trusted_proxies = ,",
		  "trusted_proxies: an entry between commas is empty\n"
		  "t.conf:4: trusted_proxies: an entry between commas is empty" },
		{ "listen_mode = 660", "listen_mode: \"660\" is not a permission (such as 0660)" },
		{ "listen_mode = 0668",
		  "listen_mode: \"0668\" is not a permission (such as 0660)" },
		{ "listen_mode = 01777",
		  "listen_mode: \"01777\" is not a permission (such as 0660)" },
		{ "jwt_alg = none", "jwt_alg: \"none\" is none of HS256|EdDSA|ES256|RS256" },
		{ "jwt_alg = hs256", "jwt_alg: \"hs256\" is none of HS256|EdDSA|ES256|RS256" },
		{ "jwt_ttl = 15 minutes",
		  "jwt_ttl: \"15 minutes\" is not a duration (such as 15m)" },
		{ "jwt_ttl = 15", "jwt_ttl: \"15\" is not a duration (such as 15m)" },
		{ "jwt_ttl = m", "jwt_ttl: \"m\" is not a duration (such as 15m)" },
		{ "jwt_ttl = -1m", "jwt_ttl: \"-1m\" is not a duration (such as 15m)" },
		{ "jwt_ttl = 9999999999d",
		  "jwt_ttl: \"9999999999d\" is not a duration (such as 15m)" },
		{ "jwt_ttl = 0s", "jwt_ttl: \"0s\" is out of bounds (from 1s to 31622400s)" },
		{ "jwt_ttl = 999999999d",
		  "jwt_ttl: \"999999999d\" is out of bounds (from 1s to 31622400s)" },
		{ "jwt_issuer =", "jwt_issuer: has no value" },
		{ "jwt_audience = a\x01", "jwt_audience: holds a control character" },
		{ "jwt_key_max_age = on",
		  "jwt_key_max_age: \"on\" is not a duration (such as 15m)" },
		{ "jwt_key_max_age = 1s",
		  "jwt_key_max_age: \"1s\" is out of bounds (from 2s to 316224000s)" },
		{ "jwt_key_max_age = 8s",
		  "jwt_key_max_age: is under a 100th of jwt_ttl: too many keys at once" },
		{ "jwt_leeway = 6m", "jwt_leeway: \"6m\" is out of bounds (from 0s to 300s)" },
		{ "session_ttl = 0s",
		  "session_ttl: \"0s\" is out of bounds (from 1s to 316224000s)" },
		{ "session_update_age = x",
		  "session_update_age: \"x\" is not a duration (such as 15m)" },
		{ "session_fresh_age = 1w",
		  "session_fresh_age: \"1w\" is not a duration (such as 15m)" },
		{ "password_min = 0", "password_min: \"0\" is out of bounds (from 1 to 1024)" },
		{ "password_min = eight", "password_min: \"eight\" is not a whole number" },
		{ "password_max = 7", "password_max: \"7\" is out of bounds (from 8 to 1024)" },
		{ "password_min = 129", "password_max: is below password_min" },
		{ "password_hash = md5", "password_hash: \"md5\" is none of argon2id|scrypt" },
		{ "argon2_memory = 1024",
		  "argon2_memory: \"1024\" is out of bounds (from 7168 to 262144)" },
		{ "argon2_memory = 262145",
		  "argon2_memory: \"262145\" is out of bounds (from 7168 to 262144)" },
		{ "argon2_time = 17", "argon2_time: \"17\" is out of bounds (from 1 to 16)" },
		{ "argon2_memory = 8000",
		  "argon2_memory: 8000 KiB with argon2_time = 2 is too cheap (19456 with 2, "
		  "12288 with 3, 9216 with 4, 7168 with 5)" },
		{ "argon2_time = 0", "argon2_time: \"0\" is out of bounds (from 1 to 16)" },
		{ "hash_concurrency = 0",
		  "hash_concurrency: \"0\" is out of bounds (from 1 to 1024)" },
		{ "hash_queue = -1", "hash_queue: \"-1\" is not a whole number" },
		{ "rate_limit = yes", "rate_limit: \"yes\" is none of off|on" },
		{ "rate_limit_trusted = a, ",
		  "rate_limit_trusted: an entry between commas is empty" },
		{ "password_blocklist =", "password_blocklist: has no value" },
		{ "delete_user = 1", "delete_user: \"1\" is none of off|on" },
		{ "change_email = ON", "change_email: \"ON\" is none of off|on" },
		{ "prepared = off on", "prepared: \"off on\" is none of off|on" },
		{ "feed_database_url =", "feed_database_url: has no value" },
		{ "issuer =", "issuer: has no value" },
		{ "route =", "route: has no value" },
		{ "variables = ,", "variables: an entry between commas is empty\n"
				   "t.conf:4: variables: an entry between commas is empty" },
		{ "accept_sessionless = off|on",
		  "accept_sessionless: \"off|on\" is none of off|on" },
		{ "revocation_max_age = 0s",
		  "revocation_max_age: \"0s\" is out of bounds (from 1s to 3600s)" },
		{ "audit = yes", "audit: \"yes\" is none of off|on" },
		{ "auto_migrate = true", "auto_migrate: \"true\" is none of off|on" },
		{ "log_level = trace", "log_level: \"trace\" is none of debug|info|warn|error" },
		{ "log_format = xml", "log_format: \"xml\" is none of text|json" },
		{ "secrets = " KEY32, "secrets: write VERSION:SECRET,... (2:new,1:old)" },
		{ "secrets = a:" KEY32, "secrets: write VERSION:SECRET,... (2:new,1:old)" },
		{ "secrets = 0:" KEY32, "secrets: write VERSION:SECRET,... (2:new,1:old)" },
		{ "secrets = 1:short", "secrets: is 5 bytes long, 32 are needed (openssl rand "
				       "-base64 48 makes a good one)" },
		{ "secrets = 1:" KEY32 ",1:" OLD32, "secrets: version 1 comes twice" },
		{ "database_url = x", "database_url: was already set at t.conf:1" },
		{ "jwt_tll = 1m", "jwt_tll: is no key; jwt_ttl is meant?" },
		{ "JWT_TTL = 1m", "JWT_TTL: is no key" },
		{ "colour = red", "colour: is no key" },
		{ "jwt_ttl", "?: write KEY = VALUE" },
		{ "= x", "?: write KEY = VALUE" },
		{ "a\x1b[31m = x", "?: write KEY = VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[512], expected[512];

		snprintf(text, sizeof(text), REQUIRED "%s\n", cases[i].line);
		bool is_default =
			strcmp(cases[i].message, "password_max: is below password_min") == 0;
		snprintf(expected, sizeof(expected), "%s: %s\n",
			 is_default ? "built-in" : "t.conf:4", cases[i].message);
		check_mistakes(text, NULL, expected);
	}
}

static void base_url_is_an_origin(void **state)
{
	static const struct {
		const char *value;
		bool good;
	} cases[] = {
		{ "https://example.org", true },
		{ "https://example.org/", true },
		{ "http://127.0.0.1:3100", true },
		{ "http://[::1]:8080", true },
		{ "http://[::1]", true },
		{ "http://a-b.example:65535", true },
		{ "https://example.org:80", true },
		{ "example.org", false },
		{ "ftp://example.org", false },
		{ "https://", false },
		{ "https:///", false },
		{ "https://example.org//", false },
		{ "https://example.org/auth", false },
		{ "https://example.org?x", false },
		{ "https://example.org#x", false },
		{ "https://user@example.org", false },
		{ "https://Example.org", false },
		{ "HTTPS://example.org", false },
		{ "https://example.org:443", false },
		{ "http://example.org:80", false },
		{ "https://example.org:", false },
		{ "https://example.org:0", false },
		{ "https://example.org:08", false },
		{ "https://example.org:65536", false },
		{ "https://example.org:1x", false },
		{ "https://ex ample.org", false },
		{ "https://:8080", false },
		{ "http://[::1", false },
		{ "http://[]", false },
		{ "http://[::1]x", false },
		{ "http://[::1]8080", false },
		{ "http://[g::1]", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "database_url = x\nsecret = " KEY32 "\nbase_url = %s\n", cases[i].value);
		struct parsed p = parse(text, NULL);
		if ((p.status == STATUS_OK) != cases[i].good)
			fail_msg("case %zu: %s", i, cases[i].value);
		release(&p);
	}
}

static void every_mistake_is_collected(void **state)
{
	(void)state;
	check_mistakes("", NULL,
		       "t.conf: database_url: is required (here or as DATABASE_URL)\n"
		       "t.conf: base_url: is required (here or as BETTER_AUTH_URL)\n"
		       "t.conf: secret: is required (here or as BETTER_AUTH_SECRET)\n");
	check_mistakes("nonsense\nsecret = short\njwt_ttl = 1\nlog_level = x\nlog_level = y\n",
		       NULL,
		       "t.conf:1: ?: write KEY = VALUE\n"
		       "t.conf:5: log_level: was already set at t.conf:4\n"
		       "t.conf: database_url: is required (here or as DATABASE_URL)\n"
		       "t.conf: base_url: is required (here or as BETTER_AUTH_URL)\n"
		       "t.conf:3: jwt_ttl: \"1\" is not a duration (such as 15m)\n"
		       "t.conf:4: log_level: \"x\" is none of debug|info|warn|error\n"
		       "t.conf:2: secret: is 5 bytes long, 32 are needed (openssl rand -base64 48 "
		       "makes a good one)\n");
}

/* B-FR-025: secrets come from the environment or files, and no message shows one. */
static void B_FR_025_secrets_are_never_shown(void **state)
{
	static const char *const texts[] = {
		"secret = hunter2hunter2\n",
		"secrets = 1:hunter2hunter2\n",
		"secrets = hunter2hunter2\n",
		"secrets = 1:hunter2hunter2hunter2hunter2hunter2hunter2,1:hunter2\n",
		"database_url = postgresql://u:hunter2@h/d\ndatabase_url = postgresql://u:hunter2@h/d\n",
		"secret = hunter2\x01\n",
		"secret hunter2\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct parsed p = parse(texts[i], NULL);

		assert_int_equal(p.status, STATUS_INVALID);
		assert_null(strstr(p.mistakes.at, "hunter"));
		release(&p);
	}
}

static void B_FR_025_environment_wins(void **state)
{
	const char *const environment[] = {
		"HOME=/",
		"DATABASE_URL=dbname=conventional",
		"AUTHBRIDGE_DATABASE_URL=dbname=env",
		"BETTER_AUTH_SECRET=" OLD32,
		"BETTER_AUTH_SECRETS=7:" KEY32,
		"BETTER_AUTH_URL=https://env.example",
		"BETTER_AUTH_TRUSTED_ORIGINS=https://a.example,https://b.example",
		"AUTHBRIDGE_ROUTE=GET /x user; * /y deny ;",
		"AUTHBRIDGE_JWT_TTL=1m",
		"AUTHBRIDGE_LOG_LEVEL=",
		"AUTHBRIDGE_PORT=tcp://10.0.0.1:9010",
		"AUTHBRIDGE_SERVICE_HOST=10.0.0.1",
		NULL,
	};
	struct parsed p =
		parse(REQUIRED "route = * /z owner\njwt_ttl = 2m\nlog_level = warn\n", environment);
	const struct config *c = p.config;

	(void)state;
	assert_string_equal(buf_span(&p.mistakes).at, "");
	assert_string_equal(c->database_url.text, "dbname=env");
	assert_string_equal(c->database_url.where, "AUTHBRIDGE_DATABASE_URL");
	assert_string_equal(c->base_url.text, "https://env.example");
	assert_int_equal(c->secret_count, 2);
	assert_int_equal(c->secrets[0].version, 7);
	assert_true(span_is(secret_span(&c->secrets[1].secret), OLD32));
	assert_int_equal(c->trusted_origins.count, 2);
	assert_int_equal(c->routes.count, 2);
	assert_string_equal(c->routes.items[0].text, "GET /x user");
	assert_string_equal(c->routes.items[1].text, "* /y deny");
	assert_int_equal(c->jwt_ttl_s, 60);
	assert_int_equal(c->log_level, LOG_LEVEL_WARN);
	release(&p);
}

static void B_FR_025_secrets_come_from_files(void **state)
{
	const char *const environment[] = {
		"BETTER_AUTH_SECRET_FILE=/run/secrets/key",
		"AUTHBRIDGE_DATABASE_URL_FILE=/run/secrets/crlf",
		"BETTER_AUTH_URL=https://env.example",
		NULL,
	};
	struct parsed p = parse("", environment);

	(void)state;
	assert_string_equal(buf_span(&p.mistakes).at, "");
	assert_string_equal(p.config->database_url.text, "dbname=f");
	assert_true(span_is(secret_span(&p.config->secrets[0].secret), KEY32));
	release(&p);
}

static void mistakes_in_the_environment_are_named(void **state)
{
	static const struct {
		const char *variable, *another, *message;
	} cases[] = {
		{ "AUTHBRIDGE_SECRET_FILE=/nowhere", NULL,
		  "AUTHBRIDGE_SECRET_FILE: secret: cannot read /nowhere\n" },
		{ "AUTHBRIDGE_SECRET_FILE=/run/secrets/empty", NULL,
		  "AUTHBRIDGE_SECRET_FILE: secret: has no value\n"
		  "t.conf: secret: is required (here or as BETTER_AUTH_SECRET)\n" },
		{ "AUTHBRIDGE_SECRET=" KEY32, "AUTHBRIDGE_SECRET_FILE=/run/secrets/key",
		  "AUTHBRIDGE_SECRET: secret: AUTHBRIDGE_SECRET_FILE is set as well\n" },
		{ "AUTHBRIDGE_JWT_TTL=1", NULL,
		  "AUTHBRIDGE_JWT_TTL: jwt_ttl: \"1\" is not a duration (such as 15m)\n" },
		{ "AUTHBRIDGE_SECERT=" KEY32, NULL,
		  "AUTHBRIDGE_SECERT: secret: is not set by a variable of this name\n" },
		{ "AUTHBRIDGE_JWT_TLL=1m", NULL,
		  "AUTHBRIDGE_JWT_TLL: jwt_ttl: is not set by a variable of this name\n" },
		{ "AUTHBRIDGE_JWT_TTL_FILE=/x", NULL,
		  "AUTHBRIDGE_JWT_TTL_FILE: jwt_ttl: is not set by a variable of this name\n" },
		{ "AUTHBRIDGE_ROUTE=GET /\x01 user", NULL,
		  "AUTHBRIDGE_ROUTE: route: holds a control character\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *const environment[] = { cases[i].variable, cases[i].another, NULL };

		check_mistakes(REQUIRED, environment, cases[i].message);
	}
}

static void files_are_loaded(void **state)
{
	char folder[] = "/tmp/test_config.XXXXXX", path[64];
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct config *config = NULL;
	struct buf mistakes;
	struct span text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/authbridge.conf", folder);
	buf_init(&mistakes, mem, 10000);
	assert_int_equal(config_load(path, true, NULL, &mistakes, &config), STATUS_INVALID);
	assert_non_null(strstr(mistakes.at, "/authbridge.conf: file: cannot be read (ENOENT)\n"));
	buf_init(&mistakes, mem, 10000);
	assert_int_equal(config_load(path, false, NULL, &mistakes, &config), STATUS_INVALID);
	assert_non_null(strstr(mistakes.at, "base_url: is required"));

	FILE *file = fopen(path, "w");
	fputs(REQUIRED, file);
	fclose(file);
	assert_int_equal(config_load(path, true, NULL, &mistakes, &config), STATUS_OK);
	assert_string_equal(config->base_url.text, "http://localhost:3000");
	config_free(&config);
	assert_null(config);
	assert_int_equal(config_read_file(mem, path, &text), STATUS_OK);
	assert_true(span_is(text, REQUIRED));
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	assert_int_equal(config_read_file(mem, path, &text), STATUS_TOO_LARGE);
	unlink(path);
	assert_int_equal(config_read_file(mem, folder, &text), STATUS_INVALID);
	assert_int_equal(config_read_file(mem, path, &text), STATUS_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_read_file(mem, path, &text), STATUS_INVALID);
	unlink(path);
	rmdir(folder);
}

static void keys_are_listed(void **state)
{
	size_t count = 0;

	(void)state;
	assert_string_equal(config_key(0), "database_url");
	while (config_key(count) != NULL)
		count++;
	assert_int_equal(count, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(each_key_wrong_in_turn),
		cmocka_unit_test(base_url_is_an_origin),
		cmocka_unit_test(every_mistake_is_collected),
		cmocka_unit_test(B_FR_025_secrets_are_never_shown),
		cmocka_unit_test(B_FR_025_environment_wins),
		cmocka_unit_test(B_FR_025_secrets_come_from_files),
		cmocka_unit_test(mistakes_in_the_environment_are_named),
		cmocka_unit_test(files_are_loaded),
		cmocka_unit_test(keys_are_listed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
