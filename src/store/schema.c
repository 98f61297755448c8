/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/run.h"

#define SCRIPT_MS 600000

/* Each asks for what is wrong: no row, and all is well; else the first row
 * names it. Catalogs alone, since a role without rights must get an answer. */
struct check {
	struct pg_statement ask;
	const char *before, *after; /* around the name */
};

#define BY_MIGRATE ": run `authbridgectl migrate`"
#define BY_GRANT ": run `authbridgectl migrate --service-role ROLE` as the tables' owner"

static const struct check checks[] = {
	{ { "check_server", "SELECT current_setting('server_version')"
			    " WHERE current_setting('server_version_num')::int < 150000" },
	  "PostgreSQL ",
	  " is too old: 15 or newer is needed" },
	{ { "check_tables", "SELECT t FROM unnest(ARRAY['public.user', 'public.session',"
			    " 'public.account', 'public.verification', 'public.jwks',"
			    " 'authbridge.migration']) AS t WHERE NOT EXISTS (SELECT FROM"
			    " pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
			    " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"
			    " AND n.nspname || '.' || c.relname = t)" },
	  "the database has no table ",
	  BY_MIGRATE },
	{ { "check_usage", "SELECT current_user::text WHERE NOT"
			   " has_schema_privilege('authbridge', 'USAGE') OR NOT"
			   " has_schema_privilege('public', 'USAGE') OR NOT coalesce((SELECT"
			   " has_table_privilege(c.oid, 'SELECT') FROM pg_catalog.pg_class c"
			   " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE"
			   " n.nspname = 'authbridge' AND c.relname = 'migration'), false)" },
	  "the role ",
	  " lacks rights on the schema authbridge" BY_GRANT },
	{ { "check_older", "SELECT coalesce(max(level), 0)::text FROM authbridge.migration"
			   " HAVING coalesce(max(level), 0) < " SCHEMA_LEVEL_TEXT },
	  "the database is at migration ",
	  ", this build needs " SCHEMA_LEVEL_TEXT BY_MIGRATE },
	{ { "check_newer", "SELECT max(level)::text FROM authbridge.migration"
			   " HAVING max(level) > " SCHEMA_LEVEL_TEXT },
	  "the database is at migration ",
	  ", this build knows " SCHEMA_LEVEL_TEXT ": install a newer authbridge" },
	{ { "check_columns",
	    "SELECT format('%s.\"%s\"', t, c) FROM (VALUES"
	    " ('user', 'id', 't'), ('user', 'name', 't'), ('user', 'email', 't'),"
	    " ('user', 'emailVerified', 'b'), ('user', 'image', 't'),"
	    " ('user', 'createdAt', 'd'), ('user', 'updatedAt', 'd'),"
	    " ('session', 'id', 't'), ('session', 'expiresAt', 'd'),"
	    " ('session', 'token', 't'), ('session', 'createdAt', 'd'),"
	    " ('session', 'updatedAt', 'd'), ('session', 'ipAddress', 't'),"
	    " ('session', 'userAgent', 't'), ('session', 'userId', 't'),"
	    " ('account', 'id', 't'), ('account', 'accountId', 't'),"
	    " ('account', 'providerId', 't'), ('account', 'userId', 't'),"
	    " ('account', 'scope', 't'), ('account', 'password', 't'),"
	    " ('account', 'createdAt', 'd'), ('account', 'updatedAt', 'd'),"
	    " ('jwks', 'id', 't'), ('jwks', 'publicKey', 't'), ('jwks', 'privateKey', 't'),"
	    " ('jwks', 'alg', 't'), ('jwks', 'crv', 't'), ('jwks', 'createdAt', 'd'),"
	    " ('jwks', 'expiresAt', 'd')) AS want (t, c, k) WHERE NOT EXISTS (SELECT FROM"
	    " pg_catalog.pg_attribute a JOIN pg_catalog.pg_class r ON r.oid = a.attrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
	    " WHERE n.nspname = 'public' AND r.relname = t AND a.attname = c"
	    " AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid::int ="
	    " ANY (CASE k WHEN 't' THEN ARRAY[25, 1043] WHEN 'b' THEN ARRAY[16]"
	    " ELSE ARRAY[1184, 1114] END))" },
	  "the column ",
	  " is missing or of another type (ids must be text)" BY_MIGRATE },
	{ { "check_unique",
	    "SELECT format('%s.\"%s\"', t, c) FROM (VALUES ('user', 'id'),"
	    " ('user', 'email'), ('session', 'id'), ('session', 'token'),"
	    " ('account', 'id'), ('jwks', 'id')) AS want (t, c) WHERE NOT EXISTS (SELECT"
	    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class r ON r.oid = i.indrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
	    " JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid"
	    " WHERE n.nspname = 'public' AND r.relname = t AND a.attname = c"
	    " AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1"
	    " AND i.indkey[0] = a.attnum AND i.indpred IS NULL)" },
	  "the column ",
	  " has no unique index: add the constraint that Better Auth's migration makes" },
	{ { "check_cascade",
	    "SELECT format('%s.\"userId\"', t) FROM unnest(ARRAY['session', 'account'])"
	    " AS t WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
	    " JOIN pg_catalog.pg_class r ON r.oid = k.conrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
	    " JOIN pg_catalog.pg_class f ON f.oid = k.confrelid"
	    " WHERE n.nspname = 'public' AND r.relname = t AND k.contype = 'f'"
	    " AND f.relname = 'user' AND k.confdeltype = 'c')" },
	  "the column ",
	  " does not reference \"user\" (id) with ON DELETE CASCADE: add the constraint that"
	  " Better Auth's migration makes" },
	{ { "check_triggers",
	    "SELECT g FROM unnest(ARRAY['session.authbridge_session_deleted',"
	    " 'session.authbridge_session_truncated', 'session.authbridge_session_changed',"
	    " 'session.authbridge_session_made', 'user.authbridge_user_deleted',"
	    " 'user.authbridge_user_truncated', 'user.authbridge_user_renamed',"
	    " 'jwks.authbridge_keys_changed']) AS g WHERE NOT EXISTS (SELECT FROM"
	    " pg_catalog.pg_trigger x JOIN pg_catalog.pg_class r ON r.oid = x.tgrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
	    " WHERE n.nspname = 'public' AND r.relname || '.' || x.tgname = g"
	    " AND x.tgenabled = 'A')" },
	  "the trigger ",
	  " is missing or not enabled always, sessions could end unseen" BY_MIGRATE },
	/* Connections that set themselves up have UTC; behind a pooler the role
	 * decides, and columns without a zone would mean other hours to the
	 * triggers. */
	{ { "check_zone",
	    "SELECT current_setting('TimeZone') WHERE current_setting('TimeZone')"
	    " !~* '^(etc/)?(utc|uct|gmt|zulu|universal|greenwich)$' AND EXISTS (SELECT FROM"
	    " pg_catalog.pg_attribute a JOIN pg_catalog.pg_class r ON r.oid = a.attrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
	    " WHERE n.nspname = 'public' AND r.relname IN ('user', 'session', 'account',"
	    " 'jwks') AND a.attnum > 0 AND a.atttypid::int = 1114)" },
	  "the connections are in the time zone ",
	  " and there are columns of type timestamp without one: ALTER ROLE NAME SET timezone"
	  " = 'UTC'" },
	{ { "check_rights",
	    "SELECT format('%s on %s', p, t) FROM (VALUES"
	    " ('SELECT', 'public.\"user\"'), ('INSERT', 'public.\"user\"'),"
	    " ('UPDATE', 'public.\"user\"'), ('SELECT', 'public.session'),"
	    " ('INSERT', 'public.session'), ('UPDATE', 'public.session'),"
	    " ('SELECT', 'public.account'), ('INSERT', 'public.account'),"
	    " ('UPDATE', 'public.account'), ('SELECT', 'public.jwks'),"
	    " ('SELECT', 'authbridge.revocation'), ('SELECT', 'authbridge.shortened'),"
	    " ('SELECT', 'authbridge.cutoff'), ('SELECT', 'authbridge.disabled_user'),"
	    " ('SELECT', 'authbridge.generation'), ('INSERT', 'authbridge.throttle'),"
	    " ('UPDATE', 'authbridge.throttle'), ('INSERT', 'authbridge.audit'))"
	    " AS want (p, t)"
	    " WHERE NOT has_any_column_privilege(t, p) UNION ALL"
	    " SELECT format('DELETE on %s', t) FROM unnest(ARRAY['public.\"user\"',"
	    " 'public.session', 'authbridge.throttle']) AS t"
	    " WHERE NOT has_table_privilege(t, 'DELETE') UNION ALL"
	    " SELECT format('EXECUTE on %s', f) FROM unnest(ARRAY['authbridge.tidy(integer)',"
	    " 'authbridge.tidy_audit(integer)', 'authbridge.lock_keys()']) AS f"
	    " WHERE NOT has_function_privilege(f, 'EXECUTE')" },
	  "the service's role lacks the right to ",
	  BY_GRANT },
};

/* Not wrong, but an administrator should know. */
static const struct check warnings[] = {
	{ { "warn_superuser", "SELECT current_user::text WHERE"
			      " (SELECT rolsuper FROM pg_catalog.pg_roles"
			      " WHERE rolname = current_user)" },
	  "the service runs as the database superuser ",
	  ": give it a role of its own, see sql/grants.sql" },
	{ { "warn_timeout",
	    "SELECT name FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'"
	    " AND setting = '0'" },
	  "the connections have no ",
	  ": with prepared = off give the service's role one, ALTER ROLE NAME SET" },
	{ { "warn_required",
	    "SELECT format('%s.\"%s\"', r.relname, a.attname)"
	    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class r ON r.oid = a.attrelid"
	    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace WHERE"
	    " n.nspname = 'public' AND r.relname IN ('user', 'session', 'account')"
	    " AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef"
	    " AND a.attidentity = '' AND a.attname NOT IN ('id', 'name', 'email',"
	    " 'emailVerified', 'createdAt', 'updatedAt', 'expiresAt', 'token', 'ipAddress',"
	    " 'userAgent', 'userId', 'accountId', 'providerId', 'issuer')" },
	  "the column ",
	  " is NOT NULL without default and nobody fills it: sign-up will fail" },
};

static enum status ask(struct store *store, struct arena *mem, const struct check *check,
		       char **found_out)
{
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(run_read(store, &check->ask, NULL, &rows));
	*found_out = NULL;
	if (pg_count(rows) > 0)
		*found_out = arena_format(mem, "%s%s%s", check->before,
					  arena_text(mem, pg_text(rows, 0, 0)), check->after);
	return STATUS_OK;
}

static void warn(struct store *store, struct arena *mem)
{
	for (size_t i = 0; i < COUNT_OF(warnings); i++) {
		char *found = NULL;
		if (ask(store, mem, &warnings[i], &found) == STATUS_OK && found != NULL)
			log_warn("database", LOG_TEXT("warning", found));
	}
}

enum status store_check_schema(struct store *store, struct arena *mem, char **why_out)
{
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		char *found = NULL;
		TRY(ask(store, mem, &checks[i], &found));
		if (found != NULL) {
			*why_out = found;
			return STATUS_INVALID;
		}
	}
	warn(store, mem);
	return STATUS_OK;
}

/* --- migrating --- */

static enum status recorded_level(struct pg *pg, int64_t *level_out)
{
	static const struct pg_statement exists = {
		"migration_exists",
		"SELECT to_regclass('authbridge.migration') IS NOT NULL",
	};
	static const struct pg_statement level = {
		"migration_level",
		"SELECT coalesce(max(level), 0) FROM authbridge.migration",
	};
	CLEANUP(pg_rows_free) struct pg_result *found = NULL;
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(pg, &exists, NULL, &found));
	*level_out = 0;
	if (!pg_bool(found, 0, 0))
		return STATUS_OK;
	TRY(pg_run(pg, &level, NULL, &rows));
	*level_out = pg_int(rows, 0, 0);
	return STATUS_OK;
}

static enum status explain(struct pg *pg, enum status status, struct arena *mem, const char *step,
			   const char *reason, char **why_out)
{
	*why_out = arena_format(mem, "%s: %s", step, reason);
	/* Not the owner, or no right to create: the administrator's to mend. */
	return strcmp(pg_state(pg), "42501") == 0 ? STATUS_DENIED : status;
}

static enum status run_steps(struct pg *pg, const struct schema_migration *m, int64_t level,
			     struct arena *mem, char **why_out)
{
	for (size_t i = 0; i < SCHEMA_LEVEL; i++) {
		const struct schema_step *step = &schema_steps[i];
		char reason[PG_REASON_ROOM] = "";
		enum status status = pg_script(pg, step->sql, SCRIPT_MS, reason);
		if (status != STATUS_OK)
			return explain(pg, status, mem, step->name, reason, why_out);
		if (m->report != NULL)
			m->report(m->state, step->name, step->level > level);
	}
	return STATUS_OK;
}

static enum status grant(struct pg *pg, const struct schema_migration *m, struct arena *mem,
			 char **why_out)
{
	static const struct pg_statement name_role = {
		"name_role",
		"SELECT set_config('authbridge.service_role', $1, false)",
	};
	struct pg_args args = { 0 };
	pg_put_text(&args, span_of(m->service_role));
	TRY(pg_run(pg, &name_role, &args, NULL));
	char reason[PG_REASON_ROOM] = "";
	enum status status = pg_script(pg, schema_grants, SCRIPT_MS, reason);
	if (status != STATUS_OK)
		return explain(pg, status, mem, "grants", reason, why_out);
	if (m->report != NULL)
		m->report(m->state, "grants", true);
	return STATUS_OK;
}

static enum status reach(const char *url, int64_t connect_ms, struct arena *mem, struct pg **out,
			 char **why_out)
{
	struct pg_options options = {
		.url = url,
		.name = "authbridgectl",
		.prepared = false,
		.connect_ms = connect_ms,
		.call_ms = SCRIPT_MS,
		.stop_fd = -1,
	};
	char reason[PG_REASON_ROOM] = "the database_url is not understood";
	enum status status = pg_connect(&options, reason, out);
	if (status != STATUS_OK)
		*why_out = arena_format(mem, "%s", reason);
	return status;
}

enum status schema_migrate(const struct schema_migration *migration, struct arena *mem,
			   char **why_out)
{
	CLEANUP(pg_close) struct pg *pg = NULL;
	TRY(reach(migration->url, migration->connect_ms, mem, &pg, why_out));
	int64_t level = 0;
	enum status status = recorded_level(pg, &level);
	if (status != STATUS_OK)
		return explain(pg, status, mem, "authbridge.migration", "cannot be read", why_out);
	if (level > SCHEMA_LEVEL) {
		*why_out = arena_format(mem,
					"the database is at migration %lld, this build knows %d:"
					" install a newer authbridge",
					(long long)level, SCHEMA_LEVEL);
		return STATUS_INVALID;
	}
	TRY(run_steps(pg, migration, level, mem, why_out));
	return migration->service_role != NULL ? grant(pg, migration, mem, why_out) : STATUS_OK;
}

enum status schema_probe(const char *url, int64_t connect_ms, struct arena *mem,
			 struct schema_probe *out, char **why_out)
{
	static const struct pg_statement ask_server = {
		"probe",
		"SELECT current_setting('server_version'), current_user::text,"
		" current_database()::text, clock_timestamp(), pg_is_in_recovery(),"
		" pg_backend_pid()",
	};
	CLEANUP(pg_close) struct pg *pg = NULL;
	TRY(reach(url, connect_ms, mem, &pg, why_out));
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	*why_out = arena_format(mem, "%s", "the database does not answer");
	TRY(pg_run(pg, &ask_server, NULL, &rows));
	*out = (struct schema_probe){
		.server = arena_text(mem, pg_text(rows, 0, 0)),
		.role = arena_text(mem, pg_text(rows, 0, 1)),
		.database = arena_text(mem, pg_text(rows, 0, 2)),
		.ahead_ms = pg_ms(rows, 0, 3) - clock_wall_ms(),
		.standby = pg_bool(rows, 0, 4),
		.pooled = pg_int(rows, 0, 5) != pg_backend(pg),
	};
	return STATUS_OK;
}
