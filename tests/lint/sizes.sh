#!/bin/sh
# SPDX-License-Identifier: MIT
# Ceilings of functions, files, includes and lines.
. "$(dirname "$0")/tap.sh"

awk -f $here/sizes.awk $here/debts.txt $(c_files src tests fuzz bench) | sort |
	tap "nothing is over its ceiling but the debts"

for folder in src/*/; do
	count=$(find "$folder" -name '*.h' | wc -l)
	[ "$count" -le 16 ] || echo "$folder: $count headers; a folder holds about a dozen modules"
done | tap "folders hold about a dozen modules"

tap_end
