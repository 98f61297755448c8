#!/bin/sh
# SPDX-License-Identifier: MIT
# The licence line tops each file: first, or second after #! or <!doctype>.
. "$(dirname "$0")/tap.sh"

own_files | grep -E '\.(c|h|sh|awk|am|ac|m4|py|sql|conf|lua|service|socket|html|js|css|clang-format)$|^(tools|\.ci)/[^.]*$' |
while read -r file; do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done | tap "each file names its licence"

tap_end
