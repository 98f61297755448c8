#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing of the tree is forgotten by the build.
. "$(dirname "$0")/tap.sh"

tr -s ' \t\\' '\n' <Makefile.am | sort -u >"$work/words"

find src -name '*.[ch]' | sort | while read -r file; do
	grep -qxF "$file" "$work/words" || echo "$file"
done | tap "Makefile.am lists every source and header"

find tests/unit tests/db fuzz bench -name '*.c' 2>/dev/null | sort |
while read -r file; do
	grep -qxF -e "$file" -e "${file%.c}" "$work/words" || echo "$file"
done | tap "Makefile.am lists every test, fuzz target and benchmark"

find sql doc -type f \( -name '*.sql' -o -name '*.[1-8]' \) 2>/dev/null | sort |
while read -r file; do
	grep -qxF "$file" "$work/words" || echo "$file"
done | tap "Makefile.am installs every migration and manual page"

tap_end
