#!/bin/sh
# SPDX-License-Identifier: MIT
# `make lint`: analysers that take minutes. Zero findings; what is left out is
# explained here and in .clang-tidy. CPPFLAGS as the build has them.
. "$(dirname "$0")/tap.sh"

sources=$(c_files src | grep '\.c$')

if command -v clang-tidy >/dev/null; then
	for file in $sources; do
		clang-tidy --quiet "$file" -- -std=gnu17 $CPPFLAGS 2>/dev/null
	done | grep -E '(warning|error):' | tap "clang-tidy"
else
	tap_skip clang-tidy "not installed"
fi

# missingIncludeSystem: it does not read the system's headers. syntaxError: its
# version 2.10 does not know __VA_OPT__, so files that log are left to the other
# two. invalidFunctionArg: its library forbids mmap the descriptor -1.
# resourceLeak: it does not know the cleanup attribute.
if command -v cppcheck >/dev/null; then
	cppcheck -q --std=c11 --enable=warning,portability,performance --inline-suppr \
		--library=posix --suppress=missingIncludeSystem \
		--suppress=syntaxError --suppress=invalidFunctionArg \
		--suppress=resourceLeak \
		--template='{file}:{line}: {id}: {message}' -D_GNU_SOURCE -Isrc $sources 2>&1 |
		tap cppcheck
else
	tap_skip cppcheck "not installed"
fi

if command -v gcc >/dev/null; then
	for file in $sources; do
		gcc -std=gnu17 -O1 -fanalyzer $CPPFLAGS -c "$file" -o /dev/null 2>&1
	done | grep -E '(warning|error):' | tap "gcc -fanalyzer"
else
	tap_skip "gcc -fanalyzer" "not installed"
fi

tap_end
