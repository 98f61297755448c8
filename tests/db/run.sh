#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every program of DB_TESTS, each in a database of its own, beside one
# throw-away PostgreSQL, and joins their TAP. A program finds its database in
# AUTHBRIDGE_TEST_DATABASE_URL (empty database) and the migrations in AB_SRCDIR.
set -u
if [ -z "${DB_TESTS:-}" ]; then
	echo "1..0 # SKIP no database tests"
	exit 0
fi
if [ -z "${AB_INSIDE:-}" ]; then
	AB_INSIDE=1 sh "$AB_SRCDIR/tests/db/with-postgres.sh" sh "$0"
	code=$?
	[ $code != 77 ] || echo "1..0 # SKIP no PostgreSQL server programs"
	[ $code = 77 ] || exit $code
	exit 0
fi

count=0
for test in $DB_TESTS; do
	name=${test##*/}
	psql -qXc "CREATE DATABASE $name" || exit 99
	AUTHBRIDGE_TEST_DATABASE_URL="host=$PGHOST port=$PGPORT user=$PGUSER dbname=$name" \
		PGDATABASE=$name $AB_RUN "$AB_BUILDDIR/$test" >"$PGHOST/out" 2>"$PGHOST/err"
	code=$?
	[ $code -lt 126 ] || echo "Bail out! $name ended with $code"
	awk -v name="$name" -v base="$count" '
		/^1\.\./ { planned = substr($0, 4) + 0; next }
		/^(not )?ok [0-9]/ {
			seen++
			bad = /^not /
			sub(/^(not )?ok [0-9]+/, "")
			print (bad ? "not " : "") "ok " (base + seen) " - " name ":" $0
			next
		}
		{ print "# " $0 }
		END { if (seen != planned || seen == 0)
			print "Bail out! " name " ran " seen + 0 " of " planned + 0 " tests" }
	' "$PGHOST/out"
	sed 's/^/# /' "$PGHOST/err"
	count=$((count + $(grep -cE '^(not )?ok [0-9]' "$PGHOST/out")))
done
echo "1..$count"
