#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs libFuzzer on each target for FUZZ_SECONDS of processor time, which a busy
# machine cannot make fewer inputs of. New inputs go to fuzz-found/<target> in
# the build folder, never into the tree.
set -eu

ticks=$(getconf CLK_TCK)

# cpu_seconds PID: what the process has used, fails once it is gone.
cpu_seconds() {
	awk -v hz="$ticks" '{ sub(/.*\) /, ""); print int(($12 + $13) / hz) }' \
		"/proc/$1/stat" 2> /dev/null
}

failed=0
for target in $FUZZ_TARGETS; do
	short=${target##*/fuzz_}
	if ! "./$target" -help=1 2>&1 | grep -q max_total_time; then
		echo "make fuzz needs ./configure CC=clang --enable-fuzzer" >&2
		exit 1
	fi
	mkdir -p "fuzz-found/$short"
	dict=$AB_SRCDIR/fuzz/dict/$short.dict
	set -- -timeout=5 -rss_limit_mb=1024 -print_final_stats=1
	[ ! -f "$dict" ] || set -- "$@" -dict="$dict"
	echo "== ${target##*/} for $FUZZ_SECONDS s of processor time"
	"./$target" "$@" -artifact_prefix="fuzz-found/$short-" "fuzz-found/$short" \
		"$AB_SRCDIR/fuzz/corpus/$short" > "fuzz-found/$short.log" 2>&1 &
	pid=$! used=0
	trap 'kill "$pid" 2> /dev/null; exit 130' INT TERM HUP
	while used=$(cpu_seconds "$pid") && [ "${used:-0}" -lt "$FUZZ_SECONDS" ]; do
		sleep 1
	done
	kill -INT "$pid" 2> /dev/null || :
	# 72: libFuzzer was interrupted and had found nothing.
	wait "$pid" || [ $? = 72 ] || failed=1
	tail -n 12 "fuzz-found/$short.log"
done
exit $failed
