#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom, and where SQL may stand.
. "$(dirname "$0")/tap.sh"

awk -f $here/layers.awk $here/layers.txt $(c_files src) | tap "folders include only what layers.txt allows"

for header in $(c_files src | grep '\.h$'); do
	guard=$(echo "${header#src/}" | tr 'a-z/.' 'A-Z__')
	grep -q "^#define $guard\$" "$header" || echo "$header: include guard is not $guard"
done | tap "headers carry the guard of their path"

for source in $(c_files src | grep '\.c$'); do
	header=${source%.c}.h
	[ -f "$header" ] || continue
	first=$(sed -n 's/^#include "\(.*\)"/\1/p' "$source" | grep -v '^config\.h$' | head -n 1)
	[ "src/$first" = "$header" ] || echo "$source: its own header does not come first"
done | tap "a source includes its own header first"

grep -nE '"[^"]*\<(SELECT [^"]*|INSERT INTO|UPDATE [a-z_."]+ SET|DELETE FROM|LISTEN|CREATE (TABLE|FUNCTION|SCHEMA)) ' \
	$(c_files src | grep -v '^src/store/') /dev/null | tap "SQL stands in store/ alone"

tap_end
