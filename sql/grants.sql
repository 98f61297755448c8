-- SPDX-License-Identifier: MIT
--
-- The rights of the service's own role: it owns nothing and can do what the
-- endpoints need, no more. It cannot write to the revocations (the triggers
-- do, whoever ends a session), nor lift a cut-off or a disabling, nor read or
-- change the audit trail, nor say that somebody else wrote its lines.
--
-- The role must exist. Its name is a setting, not a psql variable, so that
-- authbridgectl migrate --service-role NAME runs this very file:
--
--     psql -c "SET authbridge.service_role = 'authbridge'" -f sql/grants.sql
--
-- Idempotent; rights given before and no longer listed are taken away.

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(7021804531977604197);
-- Waiting for that lock leaves this session's idea of the catalog as it was;
-- reading a table brings it up to date with whoever held it.
SELECT count(*) FROM pg_catalog.pg_namespace;

DO $do$
DECLARE
	role text := current_setting('authbridge.service_role');
	line text;
BEGIN
	FOREACH line IN ARRAY ARRAY[
		'REVOKE ALL ON ALL TABLES IN SCHEMA authbridge FROM %I',
		'REVOKE ALL ON public."user", public.session, public.account, '
			|| 'public.verification, public.jwks FROM %I',
		'GRANT USAGE ON SCHEMA public, authbridge TO %I',
		'GRANT SELECT, INSERT, DELETE ON public."user", public.session '
			|| 'TO %I',
		'GRANT UPDATE (name, email, "emailVerified", image, "updatedAt") '
			|| 'ON public."user" TO %I',
		'GRANT UPDATE ("expiresAt", "updatedAt") ON public.session TO %I',
		'GRANT SELECT, INSERT ON public.account, public.jwks TO %I',
		'GRANT UPDATE (password, "updatedAt") ON public.account TO %I',
		'GRANT UPDATE ("expiresAt") ON public.jwks TO %I',
		'GRANT SELECT ON authbridge.migration, authbridge.revocation, '
			|| 'authbridge.shortened, authbridge.cutoff, '
			|| 'authbridge.disabled_user, authbridge.generation TO %I',
		'GRANT SELECT, INSERT, UPDATE, DELETE ON authbridge.throttle '
			|| 'TO %I',
		'GRANT INSERT (at, event, user_id, address, reason, times) '
			|| 'ON authbridge.audit TO %I',
		'GRANT EXECUTE ON FUNCTION authbridge.tidy(integer), '
			|| 'authbridge.tidy_audit(integer), authbridge.lock_keys() TO %I'
	] LOOP
		EXECUTE format(line, role);
	END LOOP;
END
$do$;

COMMIT;
