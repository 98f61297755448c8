# SPDX-License-Identifier: MIT
# Sourced by the checks of this folder: where the tree is, and how to report.
set -u
LC_ALL=C
export LC_ALL
top=${AB_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 99
here=tests/lint
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
echo 0 >"$work/count"

# One more; in a file, because tap stands at the end of pipes.
tap_next() {
	tap_count=$(($(cat "$work/count") + 1))
	echo $tap_count >"$work/count"
}

# tap NAME: standard input is the list of findings; none is a pass.
tap() {
	tap_next
	cat >"$work/findings"
	if [ -s "$work/findings" ]; then
		echo "not ok $tap_count - $1"
		sed 's/^/# /' "$work/findings"
	else
		echo "ok $tap_count - $1"
	fi
}

# tap_skip NAME WHY
tap_skip() {
	tap_next
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_end() {
	echo "1..$(cat "$work/count")"
}

# c_files FOLDER...: the C files of those folders that exist
c_files() {
	for folder; do
		[ ! -d "$folder" ] || find "$folder" -name '*.[ch]' -type f
	done | sort
}

# own_files: every file of the tree that is ours, whether or not git is there
own_files() {
	if [ -e .git ] && git rev-parse >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard | while read -r file; do
			[ ! -f "$file" ] || echo "$file"
		done
	else
		# What a build inside the tree leaves is not ours.
		find . \( -name __pycache__ -o -name node_modules -o -name .next -o -name autom4te.cache \
			-o -path ./build -o -path ./_build -o -path ./build-aux \) -prune -o \
			-type f ! -name '*.o' ! -name '*.log' ! -name '*.trs' ! -name Makefile.in \
			! -path ./configure ! -path ./aclocal.m4 ! -path './config.*[!c]' \
			! -path ./schema_sql.c ! -path './authbridge.*' -print | sed 's,^\./,,'
	fi | sort
}
