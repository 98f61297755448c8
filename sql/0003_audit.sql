-- SPDX-License-Identifier: MIT
--
-- The audit trail: what administrators did, and what users did or were
-- refused. The service's role may add to it and nothing else; what is old goes
-- by a policy that only the owner changes.
--
-- Idempotent, forward only, one transaction.

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(7021804531977604197);
-- Waiting for that lock leaves this session's idea of the catalog as it was;
-- reading a table brings it up to date with whoever held it.
SELECT count(*) FROM pg_catalog.pg_namespace;

-- A row with a reason is a refusal; times says how often the same happened
-- within a moment, from "at" on.
ALTER TABLE authbridge.audit
	ADD COLUMN IF NOT EXISTS address text,
	ADD COLUMN IF NOT EXISTS reason text,
	ADD COLUMN IF NOT EXISTS times bigint NOT NULL DEFAULT 1;
CREATE INDEX IF NOT EXISTS audit_refused_at_idx
	ON authbridge.audit (at) WHERE reason IS NOT NULL;

-- One row. Strangers make refusals, so they are kept for a shorter time and
-- never push out what succeeded.
CREATE TABLE IF NOT EXISTS authbridge.audit_policy (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	keep interval NOT NULL DEFAULT '400 days'
		CHECK (keep >= interval '1 day'),
	keep_refused interval NOT NULL DEFAULT '30 days'
		CHECK (keep_refused >= interval '1 day')
);
INSERT INTO authbridge.audit_policy DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Deletes at most `batch` rows that are older than the policy says; at once
-- nothing when another is at it.
CREATE OR REPLACE FUNCTION authbridge.tidy_audit(batch integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $fn$
DECLARE
	policy authbridge.audit_policy;
	refused bigint;
	done bigint;
BEGIN
	IF NOT pg_try_advisory_xact_lock(7021804531977604199) THEN
		RETURN 0;
	END IF;
	batch := least(greatest(batch, 0), 10000);
	SELECT * INTO STRICT policy FROM authbridge.audit_policy;
	DELETE FROM authbridge.audit WHERE id IN (
		SELECT id FROM authbridge.audit WHERE reason IS NOT NULL
		AND at < clock_timestamp() - policy.keep_refused LIMIT batch);
	GET DIAGNOSTICS refused = ROW_COUNT;
	DELETE FROM authbridge.audit WHERE id IN (
		SELECT id FROM authbridge.audit
		WHERE at < clock_timestamp() - policy.keep
		LIMIT batch - refused);
	GET DIAGNOSTICS done = ROW_COUNT;
	RETURN refused + done;
END
$fn$;

REVOKE ALL ON FUNCTION authbridge.tidy_audit(integer) FROM PUBLIC;

INSERT INTO authbridge.migration (level, name)
VALUES (3, 'audit') ON CONFLICT DO NOTHING;

COMMIT;
