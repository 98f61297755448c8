#!/bin/sh
# SPDX-License-Identifier: MIT
# What the documents say of the tree is so: modules, events, reasons, metrics,
# paths; and the manuals are well formed.
. "$(dirname "$0")/tap.sh"

flat() {
	for file in $(c_files src); do
		tr '\n\t' '  ' <"$file"
		echo
	done
}

# quoted: the strings of standard input, one a line, without backquotes
quoted() {
	grep -oE '"[^"]*"' | tr -d '"`'
}

# missing FILE WHAT: lines of standard input that are not in FILE in backquotes
missing() {
	sort -u | while read -r item; do
		grep -qF "\`$item\`" "$1" || echo "$2 \"$item\" is not in $1"
	done
}

find src -mindepth 2 -name '*.[ch]' | sed 's|.*/||; s|\.[ch]$||' | sort -u |
grep -vE '^(exchange|handle)_|^main$|^jdoc_write$' | while read -r module; do
	grep -qwF "$module" doc/ARCHITECTURE.md || echo "$module is not in doc/ARCHITECTURE.md"
done | tap "doc/ARCHITECTURE.md names every module"

{
	flat | grep -oE 'log_(debug|info|warn|error)\( *[^;]*;' | sed 's/, *LOG_.*//' | quoted
	sed -n '/event_words/,/};/p' src/service/audit.c | quoted
} >"$work/events"
missing doc/events.md event <"$work/events" | tap "doc/events.md has every log event"

sed -n '/^## Events/,/^## Reasons/p' doc/events.md | sed -n 's/^| `\([^`]*\)`.*/\1/p' |
while read -r event; do
	grep -qxF "$event" "$work/events" || echo "\"$event\" is logged nowhere"
done | tap "doc/events.md has no other event"

{
	flat | grep -oE 'decide\((out|answer), [^;]*;' | quoted
	sed -n '/reasons\[GATE_CLAIMS\]/,/};/p' src/service/gate.c | quoted
	sed -n '/claims_fault_word(/,/};/p' src/model/claims.c | quoted
} | grep -vE '^(done|allowed|ok)$' | missing doc/events.md reason |
	tap "doc/events.md has every reason"

{
	flat | grep -oE 'metrics_head\(out, *"[a-z_]+"' | quoted
	sed -n '/plain\[\]/,/};/p' src/role/handle_metrics.c |
		sed -n 's/.*{ "\([a-z_]*\)".*/\1/p'
} | sed 's/^/authbridge_/' | missing doc/events.md metric |
	tap "doc/events.md has every metric"

grep -ohE '`(src|tests|etc|doc|sql|tools|examples|fuzz|bench|debian)/[A-Za-z0-9_./-]+`' \
	README.md SECURITY.md doc/*.md 2>/dev/null | tr -d '`' | sort -u | while read -r path; do
	[ -e "$path" ] || echo "$path is named, but not there"
done | tap "paths in the documents exist"

sed -n 's/^|.*|\([^|]*\)|$/\1/p' doc/threat-model.md | grep -oE '[UDE] [a-z_]+' | sort -u |
while read -r kind name; do
	case $kind in
	U) path=tests/unit/test_$name.c ;;
	D) path=tests/db/test_$name.c ;;
	*) path=tests/e2e/test_$name.py ;;
	esac
	[ -e "$path" ] || echo "$kind $name: there is no $path"
done | tap "doc/threat-model.md names tests that exist"

# verbs: command, verb (or -) and arguments of authbridgectl, as its table says
sed -nE 's/^\t\{ "([a-z]+)", "([a-z-]*)", "([^"]*)", .*/\1 \2 \3/p' src/ctl/verbs.c |
	sed 's/^\([a-z]*\)  /\1 - /' >"$work/verbs"

sed 's/\\-/-/g' doc/authbridgectl.1 | sed -nE 's/^\.(It )?Cm ([a-z].*)/\2/p' >"$work/entries"
{
	[ "$(wc -l <"$work/verbs")" -ge 20 ] || echo "the table of commands is not found"
	while read -r command verb _; do
		words=$command
		[ "$verb" = - ] || words="$command $verb"
		grep -qE "^$words( |$)" "$work/entries" || echo "$words is not in doc/authbridgectl.1"
	done <"$work/verbs"
	while read -r command verb _; do
		grep -qE "^$command ($verb|-) ?" "$work/verbs" || echo "$command $verb is no command"
	done <"$work/entries"
} | tap "authbridgectl(1) has each command, and no other"

# complete WORD...: what the completion offers for the last of these words
complete_words() {
	bash -c '. etc/completion/authbridgectl.bash
		COMP_WORDS=(authbridgectl "$@")
		COMP_CWORD=$#
		_authbridgectl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

if command -v bash >/dev/null; then
	{
		complete_words '' | grep -E '^[a-z]' | sort >"$work/offered"
		cut -d' ' -f1 "$work/verbs" | sort -u | diff - "$work/offered"
		cut -d' ' -f1 "$work/verbs" | sort -u | while read -r command; do
			complete_words "$command" '' | grep -E '^[a-z]' | sort >"$work/offered"
			sed -n "s/^$command \([a-z-]*\).*/\1/p" "$work/verbs" | grep -vx -e - |
				sort | diff - "$work/offered"
		done
		while read -r command verb arguments; do
			set -- "$command"
			[ "$verb" = - ] || set -- "$command" "$verb"
			complete_words "$@" - >"$work/offered"
			echo "$arguments" | grep -oE -e '--?[a-z-]+' | while read -r option; do
				grep -qxe "$option" "$work/offered" ||
					echo "$* $option is not completed"
			done
		done <"$work/verbs"
	} | tap "the completion offers each command and its options, and no other"
else
	tap_skip "the completion offers each command" "no bash here"
fi

if command -v mandoc >/dev/null; then
	mandoc -T lint doc/*.[1-8] 2>/dev/null | grep -v 'referenced manual not found' |
		tap "manuals are well formed"
else
	tap_skip "manuals are well formed" "no mandoc here"
fi

tap_end
