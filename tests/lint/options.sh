#!/bin/sh
# SPDX-License-Identifier: MIT
# Each key and option of the code is in the sample and in the manual, and the
# other way round.
. "$(dirname "$0")/tap.sh"

sample=etc/authbridge.conf
sed -n 's/^\t{ "\([a-z0-9_]*\)".*/\1/p' src/base/config.c 2>/dev/null | sort >"$work/keys"

if [ -f $sample ]; then
	while read -r key; do
		grep -qE "^#? ?$key =" $sample || echo "$key is not in $sample"
	done <"$work/keys" | tap "the sample shows every key"
	sed -nE 's/^#? ?([a-z0-9_]+) =.*/\1/p' $sample | sort -u | comm -23 - "$work/keys" |
		tap "the sample shows nothing else"
else
	tap_skip "the sample shows every key" "no $sample yet"
fi

# manual FILE: its text without roff escapes
manual() {
	sed 's/\\-/-/g; s/\\&//g; s/\\f[A-Z]//g' "$1"
}

if [ -f doc/authbridge.conf.5 ]; then
	manual doc/authbridge.conf.5 >"$work/manual"
	while read -r key; do
		grep -qE "^\.(B|BI|BR|It|TP|It Cm|It Ic|It Li) .*\<$key\>|^\.B $key" "$work/manual" ||
			echo "$key has no entry in doc/authbridge.conf.5"
	done <"$work/keys" | tap "authbridge.conf(5) describes every key"
else
	tap_skip "authbridge.conf(5) describes every key" "no manual yet"
fi

# long_options FILE: the names of its getopt table
long_options() {
	sed -nE 's/^\t\{ "([a-z-]+)", *(no|required|optional)_argument.*/\1/p' "$1"
}

for pair in src/main.c:doc/authbridge.8 src/ctl/main.c:doc/authbridgectl.1; do
	code=${pair%:*} page=${pair#*:}
	if [ ! -f "$code" ] || [ ! -f "$page" ]; then
		tap_skip "$page describes every option" "not there yet"
		continue
	fi
	manual "$page" >"$work/manual"
	long_options "$code" | while read -r option; do
		grep -qE -e "(--|Fl -|Fl Fl )$option\>" "$work/manual" || echo "--$option is not in $page"
	done | tap "$page describes every option"
done

sed -nE 's/.*\{ "([a-z0-9-]+)", "(open|broken|weak|unknown)",$/\1/p; s/.*\{ "([a-z0-9-]+)", "(open|broken|weak|unknown)", .*/\1/p' \
	src/webconf/judge.c | sort -u >"$work/rules"
while read -r rule; do
	grep -qF "| \`$rule\` |" doc/web-servers.md || echo "$rule is not in doc/web-servers.md"
done <"$work/rules" | tap "doc/web-servers.md lists every rule of authbridgectl check"

tap_end
