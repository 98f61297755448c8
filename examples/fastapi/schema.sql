-- SPDX-License-Identifier: MIT
-- The tasks of the example, in a schema of their own. `owner` is the id that
-- the gate forwards; the example needs no right on the service's tables.
SELECT pg_advisory_xact_lock(hashtext('tasks'));
CREATE SCHEMA IF NOT EXISTS tasks;
CREATE TABLE IF NOT EXISTS tasks.task (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner     text NOT NULL,
	title     text NOT NULL,
	completed boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS task_owner_idx ON tasks.task (owner, id);
