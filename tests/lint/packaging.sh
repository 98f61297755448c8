#!/bin/sh
# SPDX-License-Identifier: MIT
# Units, completion and packaging agree with the tree.
. "$(dirname "$0")/tap.sh"

if command -v systemd-analyze >/dev/null &&
	systemd-analyze security --help 2>/dev/null | grep -q -- --offline; then
	systemd-analyze security --offline=yes --no-pager etc/authbridge.service 2>/dev/null |
		sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p' |
		awk '{ seen = 1 } $1 > 2.0 { print "rated " $1 ", 2.0 is the most" }
			END { if (!seen) print "no rating" }' |
		tap "systemd rates the unit 2.0 or better"
else
	tap_skip "systemd rates the unit 2.0 or better" "no systemd-analyze here"
fi

if command -v bash >/dev/null; then
	bash -n etc/completion/authbridgectl.bash 2>&1 | tap "the completion is bash"
else
	tap_skip "the completion is bash" "no bash here"
fi

if [ ! -d debian ]; then
	tap_skip "the package follows the tree" "no packaging in this tree"
	tap_end
	exit
fi

for script in debian/*.postinst debian/*.postrm; do
	sh -n "$script" 2>&1
done | tap "maintainer scripts are sh"

{
	version=$(sed -n 's/^AC_INIT(\[authbridge\], \[\([^]]*\)\].*/\1/p' configure.ac)
	head -n 1 debian/changelog | grep -qF "($version)" ||
		echo "debian/changelog does not begin with $version"
	head -n 20 NEWS | grep -qx "$version" || echo "NEWS does not begin with $version"
} | tap "changelog and NEWS begin with this version"

sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control | grep -oE 'lib[a-z0-9.-]+-dev' |
	grep -v cmocka | sort >"$work/debian"
tools/install-deps --list build | grep -E '^lib.*-dev$' | grep -v '^libc6-dev$' | sort |
	diff "$work/debian" - | grep '^[<>]' | tap "the package builds with what install-deps installs"

tap_end
