#!/bin/sh
# SPDX-License-Identifier: MIT
# .clang-format decides; `make format` applies it.
. "$(dirname "$0")/tap.sh"

# Other versions lay out some constructs otherwise.
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	echo "1..0 # SKIP clang-format 14 is not installed"
	exit 0
fi
for file in $(c_files src tests fuzz bench); do
	clang-format "$file" | cmp -s - "$file" || echo "$file"
done | tap "C files are laid out as .clang-format says"

tap_end
