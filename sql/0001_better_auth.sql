-- SPDX-License-Identifier: MIT
--
-- The five tables of Better Auth, exactly as its own migration makes them. A
-- table that is already there is left as it is, whoever made it; only the
-- columns that later releases added to "jwks" are supplied.
--
-- Idempotent, forward only, one transaction.

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock(7021804531977604197);
-- Waiting for that lock leaves this session's idea of the catalog as it was;
-- reading a table brings it up to date with whoever held it.
SELECT count(*) FROM pg_catalog.pg_namespace;

CREATE TABLE IF NOT EXISTS public."user" (
	id text NOT NULL PRIMARY KEY,
	name text NOT NULL,
	email text NOT NULL UNIQUE,
	"emailVerified" boolean NOT NULL,
	image text,
	"createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
	"updatedAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

DO $do$
BEGIN
	IF to_regclass('public.session') IS NULL THEN
		CREATE TABLE public.session (
			id text NOT NULL PRIMARY KEY,
			"expiresAt" timestamptz NOT NULL,
			token text NOT NULL UNIQUE,
			"createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
			"updatedAt" timestamptz NOT NULL,
			"ipAddress" text,
			"userAgent" text,
			"userId" text NOT NULL
				REFERENCES public."user" (id) ON DELETE CASCADE
		);
		CREATE INDEX "session_userId_idx" ON public.session ("userId");
	END IF;

	IF to_regclass('public.account') IS NULL THEN
		CREATE TABLE public.account (
			id text NOT NULL PRIMARY KEY,
			"accountId" text NOT NULL,
			"providerId" text NOT NULL,
			"userId" text NOT NULL
				REFERENCES public."user" (id) ON DELETE CASCADE,
			"accessToken" text,
			"refreshToken" text,
			"idToken" text,
			"accessTokenExpiresAt" timestamptz,
			"refreshTokenExpiresAt" timestamptz,
			scope text,
			password text,
			"createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
			"updatedAt" timestamptz NOT NULL
		);
		CREATE INDEX "account_userId_idx" ON public.account ("userId");
	END IF;

	IF to_regclass('public.verification') IS NULL THEN
		CREATE TABLE public.verification (
			id text NOT NULL PRIMARY KEY,
			identifier text NOT NULL,
			value text NOT NULL,
			"expiresAt" timestamptz NOT NULL,
			"createdAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
			"updatedAt" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
		);
		CREATE INDEX verification_identifier_idx
			ON public.verification (identifier);
	END IF;

	IF to_regclass('public.jwks') IS NULL THEN
		CREATE TABLE public.jwks (
			id text NOT NULL PRIMARY KEY,
			"publicKey" text NOT NULL,
			"privateKey" text NOT NULL,
			"createdAt" timestamptz NOT NULL,
			"expiresAt" timestamptz
		);
	END IF;
END
$do$;

ALTER TABLE public.jwks ADD COLUMN IF NOT EXISTS "expiresAt" timestamptz;
ALTER TABLE public.jwks ADD COLUMN IF NOT EXISTS alg text;
ALTER TABLE public.jwks ADD COLUMN IF NOT EXISTS crv text;

COMMIT;
