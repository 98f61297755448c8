#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs libFuzzer on each target for FUZZ_SECONDS. New inputs go to
# fuzz-found/<target> in the build folder, never into the tree.
set -eu
for target in $FUZZ_TARGETS; do
	name=${target##*/} short=${target##*/fuzz_}
	if ! "./$target" -help=1 2>/dev/null | grep -q max_total_time; then
		echo "make fuzz needs ./configure CC=clang --enable-fuzzer" >&2
		exit 1
	fi
	mkdir -p "fuzz-found/$short"
	dict=$AB_SRCDIR/fuzz/dict/$short.dict
	set -- -max_total_time="$FUZZ_SECONDS" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1
	[ ! -f "$dict" ] || set -- "$@" -dict="$dict"
	echo "== $name for $FUZZ_SECONDS s"
	"./$target" "$@" -artifact_prefix="fuzz-found/$short-" "fuzz-found/$short" \
		"$AB_SRCDIR/fuzz/corpus/$short" 2>&1 | tail -n 12
done
