#!/bin/sh
# SPDX-License-Identifier: MIT
# Replays each target's corpus: a finding of the past stays found.
set -u
count=0
for target in ${FUZZ_TARGETS:-}; do
	count=$((count + 1))
	name=${target##*/}
	corpus=$AB_SRCDIR/fuzz/corpus/${name#fuzz_}
	if [ ! -d "$corpus" ]; then
		echo "not ok $count - $name has no corpus"
	elif find "$corpus" -type f -print0 | sort -z |
		xargs -0 $AB_RUN "$AB_BUILDDIR/$target" >"$name.out" 2>&1; then
		echo "ok $count - $name over $(find "$corpus" -type f | wc -l) inputs"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$name.out"
	fi
	rm -f "$name.out"
done
if [ $count -gt 0 ]; then
	echo "1..$count"
else
	echo "1..0 # SKIP no targets"
fi
