#!/bin/sh
# SPDX-License-Identifier: MIT
# with-postgres.sh COMMAND...: runs COMMAND beside a throw-away PostgreSQL that
# listens on a socket alone; PGHOST, PGPORT, PGUSER say where. Exit code: the
# command's, or 77 when no server can be started here.
set -u
bindir=$(pg_config --bindir 2>/dev/null) || bindir=
if [ ! -x "$bindir/initdb" ]; then
	bindir=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
fi
if [ ! -x "$bindir/initdb" ]; then
	echo "no PostgreSQL server programs" >&2
	exit 77
fi

# The server refuses to run as root.
as_owner() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

dir=$(mktemp -d /tmp/authbridge-pg.XXXXXX) || exit 99
stop() {
	(cd / && as_owner "$bindir/pg_ctl" -D "$dir/data" -m immediate -w stop) >/dev/null 2>&1
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP
chmod 755 "$dir"
[ "$(id -u)" != 0 ] || chown postgres "$dir"

cd "$dir" || exit 99
if ! as_owner "$bindir/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C \
	--no-sync >"$dir/initdb.log" 2>&1; then
	cat "$dir/initdb.log" >&2
	exit 99
fi
as_owner sh -c "cat >>'$dir/data/postgresql.conf'" <<END
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 100
shared_buffers = 32MB
log_min_messages = fatal
END
if ! as_owner "$bindir/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w start >/dev/null 2>&1; then
	cat "$dir/server.log" >&2
	exit 99
fi
cd - >/dev/null || exit 99

PGHOST=$dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
export PGHOST PGPORT PGUSER PGDATABASE
"$@"
