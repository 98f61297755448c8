-- SPDX-License-Identifier: MIT
--
-- The tasks of examples/fastapi, behind row-level security: a transaction sees
-- and makes only rows of the user whose id it has put into app.user_id, and
-- none at all when it has put none there. A forgotten WHERE leaks nothing.
--
-- Run it as the role that shall own the table, never as the application's:
--
--     psql -v ON_ERROR_STOP=1 -f sql/example-rls.sql postgresql:///tasks
--
-- The application's role, tasks_app, is made when it is missing, which takes
-- the right to create roles. Idempotent; a second run mends what was changed.

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(hashtext('tasks'));

DO $do$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tasks_app') THEN
		CREATE ROLE tasks_app LOGIN;
	END IF;
EXCEPTION
	-- Roles belong to all databases of a server: another may have been
	-- quicker.
	WHEN duplicate_object OR unique_violation THEN NULL;
END
$do$;

-- Superusers and BYPASSRLS pass every policy; whoever is the table's owner can
-- take the policy away.
DO $do$
BEGIN
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tasks_app'
		   AND (rolsuper OR rolbypassrls))
	   OR pg_has_role('tasks_app', current_user, 'MEMBER') THEN
		RAISE EXCEPTION 'tasks_app could step past row-level security'
		USING HINT = 'It must be an ordinary role, and no member of '
			'the one that runs this.';
	END IF;
END
$do$;

CREATE SCHEMA IF NOT EXISTS tasks;
CREATE TABLE IF NOT EXISTS tasks.task (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner     text NOT NULL,
	title     text NOT NULL,
	completed boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS task_owner_idx ON tasks.task (owner, id);
ALTER TABLE tasks.task ENABLE ROW LEVEL SECURITY;
-- The owner is held to the policies, too.
ALTER TABLE tasks.task FORCE ROW LEVEL SECURITY;

-- Policies add up, so this must be the only one.
DO $do$
DECLARE
	found name;
BEGIN
	FOR found IN SELECT polname FROM pg_policy
		     WHERE polrelid = 'tasks.task'::regclass LOOP
		EXECUTE format('DROP POLICY %I ON tasks.task', found);
	END LOOP;
END
$do$;

-- A setting that was never made is NULL; one made in an earlier transaction of
-- the same connection is left behind as ''. Neither is anybody.
CREATE POLICY own ON tasks.task
	USING (owner = nullif(current_setting('app.user_id', true), ''))
	WITH CHECK (owner = nullif(current_setting('app.user_id', true), ''));

-- No TRUNCATE and no REFERENCES: policies do not hold those back.
REVOKE ALL ON SCHEMA tasks FROM PUBLIC, tasks_app;
REVOKE ALL ON tasks.task FROM PUBLIC, tasks_app;
GRANT USAGE ON SCHEMA tasks TO tasks_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks.task TO tasks_app;

COMMIT;
