-- SPDX-License-Identifier: MIT
--
-- What authbridge keeps besides Better Auth's tables: which sessions ended
-- before their tokens did, cut-offs, disabled users, the guessing throttle,
-- the audit trail. The tables decide; a notification on authbridge_feed only
-- wakes a reader, since any role can send one.
--
-- Rows that readers follow carry their transaction's id. A reader that asks
-- for everything from its last snapshot's xmin on misses nothing, in whatever
-- order transactions commit.
--
-- Idempotent, forward only, one transaction. Running it again mends triggers
-- that were dropped or disabled.

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(7021804531977604197);
-- Waiting for that lock leaves this session's idea of the catalog as it was;
-- reading a table brings it up to date with whoever held it.
SELECT count(*) FROM pg_catalog.pg_namespace;

CREATE SCHEMA IF NOT EXISTS authbridge;

CREATE TABLE IF NOT EXISTS authbridge.migration (
	level integer PRIMARY KEY,
	name text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Sessions that ended; forgotten once no token of theirs can be valid.
CREATE TABLE IF NOT EXISTS authbridge.revocation (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	session_id text NOT NULL,
	until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS revocation_xid_id_idx
	ON authbridge.revocation (xid, id);
CREATE INDEX IF NOT EXISTS revocation_session_id_idx
	ON authbridge.revocation (session_id);
CREATE INDEX IF NOT EXISTS revocation_until_idx
	ON authbridge.revocation (until);

-- Sessions whose end was moved nearer but not yet reached: their tokens may
-- say more than they have, so they count as revoked from "since" on.
CREATE TABLE IF NOT EXISTS authbridge.shortened (
	session_id text PRIMARY KEY,
	since timestamptz NOT NULL,
	until timestamptz NOT NULL,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX IF NOT EXISTS shortened_since_idx
	ON authbridge.shortened (since);
CREATE INDEX IF NOT EXISTS shortened_xid_idx
	ON authbridge.shortened (xid);

-- No token of this user ('': of anybody) issued before not_before.
CREATE TABLE IF NOT EXISTS authbridge.cutoff (
	user_id text PRIMARY KEY,
	not_before timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
	until timestamptz NOT NULL DEFAULT 'infinity',
	xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX IF NOT EXISTS cutoff_xid_idx ON authbridge.cutoff (xid);

CREATE TABLE IF NOT EXISTS authbridge.disabled_user (
	user_id text PRIMARY KEY,
	disabled boolean NOT NULL DEFAULT true,
	reason text,
	changed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
	xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX IF NOT EXISTS disabled_user_xid_idx
	ON authbridge.disabled_user (xid);

-- One row. keys counts changes of "jwks"; reload counts changes that take
-- something back, after which readers start afresh.
CREATE TABLE IF NOT EXISTS authbridge.generation (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	keys bigint NOT NULL DEFAULT 1,
	reload bigint NOT NULL DEFAULT 1
);
INSERT INTO authbridge.generation DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS authbridge.throttle (
	key text PRIMARY KEY,
	last_ms bigint NOT NULL,
	failures integer NOT NULL
);
CREATE INDEX IF NOT EXISTS throttle_last_ms_idx
	ON authbridge.throttle (last_ms);

CREATE TABLE IF NOT EXISTS authbridge.audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
	actor text NOT NULL DEFAULT SESSION_USER,
	event text NOT NULL,
	user_id text,
	detail text
);
CREATE INDEX IF NOT EXISTS audit_at_idx ON authbridge.audit (at);

-- The functions below run with their owner's rights on behalf of whoever
-- changes the table, so that no role can end a session unseen and none needs
-- rights on authbridge.revocation. A token lives no longer than its session;
-- the hour on top covers every leeway and clock.

CREATE OR REPLACE FUNCTION authbridge.session_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $fn$
BEGIN
	INSERT INTO authbridge.revocation (session_id, until)
	SELECT g.id, g."expiresAt" + interval '1 hour' FROM gone AS g
	WHERE g."expiresAt" + interval '1 hour' > clock_timestamp();
	IF FOUND THEN
		PERFORM pg_notify('authbridge_feed', '');
	END IF;
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.session_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $fn$
BEGIN
	INSERT INTO authbridge.revocation (session_id, until)
	SELECT s.id, s."expiresAt" + interval '1 hour' FROM public.session AS s
	WHERE s."expiresAt" + interval '1 hour' > clock_timestamp();
	PERFORM pg_notify('authbridge_feed', '');
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.session_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $fn$
DECLARE
	last timestamptz := OLD."expiresAt" + interval '1 hour';
BEGIN
	IF last <= clock_timestamp() THEN
		RETURN NULL;
	END IF;
	IF NEW.id <> OLD.id OR NEW."userId" <> OLD."userId"
	   OR NEW."expiresAt" <= clock_timestamp() THEN
		INSERT INTO authbridge.revocation (session_id, until)
		VALUES (OLD.id, last);
	ELSIF NEW."expiresAt" < OLD."expiresAt" THEN
		INSERT INTO authbridge.shortened AS s (session_id, since, until)
		VALUES (OLD.id, NEW."expiresAt", last)
		ON CONFLICT (session_id) DO UPDATE
		SET since = excluded.since, xid = pg_current_xact_id(),
		    until = greatest(s.until, excluded.until);
	ELSE
		DELETE FROM authbridge.shortened
		WHERE session_id = OLD.id AND since > clock_timestamp();
		RETURN NULL;
	END IF;
	PERFORM pg_notify('authbridge_feed', '');
	RETURN NULL;
END
$fn$;

-- The key share lock on the user orders this against disabling: either the
-- disabling sees the new session and ends it, or this sees the disabling.
CREATE OR REPLACE FUNCTION authbridge.session_made() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	PERFORM 1 FROM public."user" AS u WHERE u.id = NEW."userId"
	FOR KEY SHARE;
	IF EXISTS (SELECT FROM authbridge.disabled_user AS d
		   WHERE d.user_id = NEW."userId" AND d.disabled) THEN
		RAISE EXCEPTION 'the user is disabled'
		USING ERRCODE = 'check_violation',
		      CONSTRAINT = 'authbridge_user_disabled';
	END IF;
	RETURN NEW;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.user_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	INSERT INTO authbridge.cutoff (user_id, not_before, until)
	SELECT g.id, 'infinity', clock_timestamp() + interval '400 days'
	FROM gone AS g
	ON CONFLICT (user_id) DO UPDATE
	SET not_before = excluded.not_before,
	    until = greatest(cutoff.until, excluded.until);
	DELETE FROM authbridge.disabled_user AS d USING gone AS g
	WHERE d.user_id = g.id;
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.user_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	INSERT INTO authbridge.cutoff (user_id, not_before, until)
	SELECT u.id, 'infinity', clock_timestamp() + interval '400 days'
	FROM public."user" AS u
	ON CONFLICT (user_id) DO UPDATE
	SET not_before = excluded.not_before,
	    until = greatest(cutoff.until, excluded.until);
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.user_renamed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	INSERT INTO authbridge.cutoff (user_id, not_before, until)
	VALUES (OLD.id, 'infinity', clock_timestamp() + interval '400 days')
	ON CONFLICT (user_id) DO UPDATE
	SET not_before = excluded.not_before,
	    until = greatest(cutoff.until, excluded.until);
	RETURN NULL;
END
$fn$;

-- A cut-off only ever moves forward: the latest wins, in whatever order.
CREATE OR REPLACE FUNCTION authbridge.cutoff_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	IF TG_OP = 'UPDATE' AND OLD.user_id = NEW.user_id THEN
		NEW.not_before := greatest(OLD.not_before, NEW.not_before);
		NEW.until := greatest(OLD.until, NEW.until);
	END IF;
	NEW.xid := pg_current_xact_id();
	RETURN NEW;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.disabled_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	NEW.changed_at := clock_timestamp();
	NEW.xid := pg_current_xact_id();
	RETURN NEW;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.user_disabled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	PERFORM 1 FROM public."user" AS u WHERE u.id = NEW.user_id FOR UPDATE;
	DELETE FROM public.session AS s WHERE s."userId" = NEW.user_id;
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.wake() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	PERFORM pg_notify('authbridge_feed', '');
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.reload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	UPDATE authbridge.generation SET reload = reload + 1;
	PERFORM pg_notify('authbridge_feed', '');
	RETURN NULL;
END
$fn$;

CREATE OR REPLACE FUNCTION authbridge.keys_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	UPDATE authbridge.generation SET keys = keys + 1;
	PERFORM pg_notify('authbridge_feed', '');
	RETURN NULL;
END
$fn$;

-- Held until commit by whoever makes the first key.
CREATE OR REPLACE FUNCTION authbridge.lock_keys() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $fn$
BEGIN
	PERFORM 1 FROM authbridge.generation FOR NO KEY UPDATE;
END
$fn$;

-- Deletes at most `batch` rows of each kind that nothing needs any more; at
-- once nothing when another is at it.
CREATE OR REPLACE FUNCTION authbridge.tidy(batch integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $fn$
DECLARE
	total bigint := 0;
	done bigint;
BEGIN
	IF NOT pg_try_advisory_xact_lock(7021804531977604198) THEN
		RETURN 0;
	END IF;
	batch := least(greatest(batch, 0), 10000);
	DELETE FROM authbridge.revocation WHERE id IN (
		SELECT id FROM authbridge.revocation
		WHERE until < clock_timestamp() LIMIT batch);
	GET DIAGNOSTICS done = ROW_COUNT;
	total := total + done;
	DELETE FROM authbridge.shortened WHERE session_id IN (
		SELECT session_id FROM authbridge.shortened
		WHERE until < clock_timestamp() LIMIT batch);
	GET DIAGNOSTICS done = ROW_COUNT;
	total := total + done;
	DELETE FROM authbridge.cutoff WHERE user_id IN (
		SELECT user_id FROM authbridge.cutoff
		WHERE until < clock_timestamp() LIMIT batch);
	GET DIAGNOSTICS done = ROW_COUNT;
	total := total + done;
	DELETE FROM authbridge.throttle WHERE key IN (
		SELECT key FROM authbridge.throttle
		WHERE last_ms < extract(epoch FROM clock_timestamp()
			- interval '7 days') * 1000 LIMIT batch);
	GET DIAGNOSTICS done = ROW_COUNT;
	total := total + done;
	-- Reads the whole table for want of an index, so only at the end.
	IF total < batch THEN
		DELETE FROM public.session WHERE id IN (
			SELECT id FROM public.session
			WHERE "expiresAt" < clock_timestamp() - interval '1 day'
			LIMIT batch);
		GET DIAGNOSTICS done = ROW_COUNT;
		total := total + done;
	END IF;
	RETURN total;
END
$fn$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authbridge FROM PUBLIC;

-- Asked before they are made, answered below.
SELECT set_config('authbridge.unarmed', (
	EXISTS (SELECT FROM authbridge.migration WHERE level = 2)
	AND 7 > (SELECT count(*) FROM pg_catalog.pg_trigger
		WHERE tgenabled = 'A' AND tgname IN ('authbridge_session_deleted',
			'authbridge_session_truncated', 'authbridge_session_changed',
			'authbridge_session_made', 'authbridge_user_deleted',
			'authbridge_user_truncated', 'authbridge_user_renamed')
		AND tgrelid IN ('public.session'::regclass, 'public."user"'::regclass))
)::text, true);

CREATE OR REPLACE TRIGGER authbridge_session_deleted
	AFTER DELETE ON public.session
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.session_deleted();
CREATE OR REPLACE TRIGGER authbridge_session_truncated
	BEFORE TRUNCATE ON public.session
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.session_truncated();
CREATE OR REPLACE TRIGGER authbridge_session_changed
	AFTER UPDATE ON public.session
	FOR EACH ROW
	WHEN (OLD.id IS DISTINCT FROM NEW.id
	      OR OLD."userId" IS DISTINCT FROM NEW."userId"
	      OR OLD."expiresAt" IS DISTINCT FROM NEW."expiresAt")
	EXECUTE FUNCTION authbridge.session_changed();
CREATE OR REPLACE TRIGGER authbridge_session_made
	BEFORE INSERT ON public.session
	FOR EACH ROW EXECUTE FUNCTION authbridge.session_made();
ALTER TABLE public.session
	ENABLE ALWAYS TRIGGER authbridge_session_deleted,
	ENABLE ALWAYS TRIGGER authbridge_session_truncated,
	ENABLE ALWAYS TRIGGER authbridge_session_changed,
	ENABLE ALWAYS TRIGGER authbridge_session_made;

CREATE OR REPLACE TRIGGER authbridge_user_deleted
	AFTER DELETE ON public."user"
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.user_deleted();
CREATE OR REPLACE TRIGGER authbridge_user_truncated
	BEFORE TRUNCATE ON public."user"
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.user_truncated();
CREATE OR REPLACE TRIGGER authbridge_user_renamed
	AFTER UPDATE ON public."user"
	FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id)
	EXECUTE FUNCTION authbridge.user_renamed();
ALTER TABLE public."user"
	ENABLE ALWAYS TRIGGER authbridge_user_deleted,
	ENABLE ALWAYS TRIGGER authbridge_user_truncated,
	ENABLE ALWAYS TRIGGER authbridge_user_renamed;

CREATE OR REPLACE TRIGGER authbridge_keys_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.jwks
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.keys_changed();
ALTER TABLE public.jwks ENABLE ALWAYS TRIGGER authbridge_keys_changed;

CREATE OR REPLACE TRIGGER cutoff_stamp
	BEFORE INSERT OR UPDATE ON authbridge.cutoff
	FOR EACH ROW EXECUTE FUNCTION authbridge.cutoff_stamp();
CREATE OR REPLACE TRIGGER cutoff_wake
	AFTER INSERT OR UPDATE ON authbridge.cutoff
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.wake();
CREATE OR REPLACE TRIGGER cutoff_reload
	AFTER DELETE ON authbridge.cutoff
	FOR EACH ROW WHEN (OLD.until > CURRENT_TIMESTAMP)
	EXECUTE FUNCTION authbridge.reload();
CREATE OR REPLACE TRIGGER disabled_stamp
	BEFORE INSERT OR UPDATE ON authbridge.disabled_user
	FOR EACH ROW EXECUTE FUNCTION authbridge.disabled_stamp();
CREATE OR REPLACE TRIGGER disabled_user
	AFTER INSERT OR UPDATE ON authbridge.disabled_user
	FOR EACH ROW WHEN (NEW.disabled)
	EXECUTE FUNCTION authbridge.user_disabled();
CREATE OR REPLACE TRIGGER disabled_wake
	AFTER INSERT OR UPDATE ON authbridge.disabled_user
	FOR EACH STATEMENT EXECUTE FUNCTION authbridge.wake();
CREATE OR REPLACE TRIGGER disabled_lift
	AFTER UPDATE ON authbridge.disabled_user
	FOR EACH ROW WHEN (OLD.disabled AND NOT NEW.disabled)
	EXECUTE FUNCTION authbridge.reload();
CREATE OR REPLACE TRIGGER disabled_reload
	AFTER DELETE ON authbridge.disabled_user
	FOR EACH ROW WHEN (OLD.disabled)
	EXECUTE FUNCTION authbridge.reload();
ALTER TABLE authbridge.cutoff
	ENABLE ALWAYS TRIGGER cutoff_stamp,
	ENABLE ALWAYS TRIGGER cutoff_wake,
	ENABLE ALWAYS TRIGGER cutoff_reload;
ALTER TABLE authbridge.disabled_user
	ENABLE ALWAYS TRIGGER disabled_stamp,
	ENABLE ALWAYS TRIGGER disabled_user,
	ENABLE ALWAYS TRIGGER disabled_wake,
	ENABLE ALWAYS TRIGGER disabled_lift,
	ENABLE ALWAYS TRIGGER disabled_reload;

-- While the triggers were missing, sessions may have ended unseen: no token from
-- before this moment is believed. (Sessions stay, and get new tokens.)
INSERT INTO authbridge.cutoff (user_id, not_before)
SELECT '', clock_timestamp()
WHERE current_setting('authbridge.unarmed')::boolean
ON CONFLICT (user_id) DO UPDATE SET not_before = excluded.not_before;

INSERT INTO authbridge.migration (level, name)
VALUES (1, 'better_auth'), (2, 'authbridge')
ON CONFLICT DO NOTHING;

COMMIT;
