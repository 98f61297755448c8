#!/bin/sh
# SPDX-License-Identifier: MIT
# Calls that have no place here. banned.txt lists the reasoned exceptions.
. "$(dirname "$0")/tap.sh"

awk -f $here/strip.awk $(c_files src) >"$work/code"
awk -f $here/strip.awk $(c_files fuzz bench) >"$work/more" </dev/null

# calls NAME...: FILE:LINE:CODE of each call of one of them
calls() {
	pattern=$(echo "$*" | tr ' ' '|')
	grep -E "(^|[^a-zA-Z0-9_])($pattern) *\(" "$work/code"
}

# excused: takes out of FILE:LINE:CODE what banned.txt allows, and notes it
excused() {
	awk -v used="$work/used" 'FNR == NR { if (!/^(#|$)/) may[$1 ":" $2] = 1; next }
	{
		file = $0; sub(/:.*/, "", file); pass = 0
		for (key in may) {
			call = key; sub(/.*:/, "", call)
			if (index(key, file ":") == 1 && $0 ~ ("(^|[^a-zA-Z0-9_])" call "[^a-zA-Z0-9_]")) {
				pass = 1; print key >>used
			}
		}
		if (!pass) print
	}' $here/banned.txt -
}

: >"$work/used"
calls strcpy strcat stpcpy sprintf vsprintf gets strtok strtok_r strncpy | excused |
	tap "no unbounded or state-keeping string calls"
calls atoi atol atoll atof strtod sscanf | excused | tap "no lenient number parsing"
calls rand srand random srandom drand48 rand_r | excused | tap "no weak randomness"
calls alloca system popen tmpnam mktemp setjmp longjmp signal asctime ctime gmtime localtime \
	strerror getpwnam readdir_r vfork | excused | tap "no calls with a known trap"
calls memcmp bcmp | excused | tap "memcmp only where the bytes are public"
grep -E '(span_equal|span_is|strcmp|strncmp) *\([^;]*(mac|signature|secret|password|digest)' "$work/code" |
	excused | tap "secrets are compared with secret_equal"
grep -vE '^src/(main\.c|ctl/)' "$work/code" |
	grep -E '(^|[^a-zA-Z0-9_])(printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|perror) *\(' |
	excused | tap "only main.c and ctl/ print"
grep -E 'PQexec *\(' "$work/code" | grep -vE 'PQexec *\([^,]*, *("|[A-Z_]+\))' | excused |
	tap "PQexec runs constant text alone"
grep -E '(^|[^a-zA-Z0-9_])goto[^a-zA-Z0-9_]' "$work/code" "$work/more" | tap "no goto"
grep -nE '(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)' $(c_files src) /dev/null | grep -v '#[0-9]' | tap "no TODO without its issue"
grep -nE '^[ 	]*//' $(c_files src tests fuzz bench) /dev/null | tap "comments are /* */"

grep -nE '[^a-z_]skip\(\);' $(c_files tests) /dev/null |
	tap "tests skip with 1..0: TAP takes cmocka's skip() for a failure"

awk 'FILENAME == ARGV[1] { used[$1] = 1; next }
	/^(#|$)/ { next }
	NF < 3 { print "banned.txt:" FNR ": an exception needs a reason" }
	!(($1 ":" $2) in used) { print "banned.txt:" FNR ": excuses nothing" }
' "$work/used" $here/banned.txt | tap "every exception is needed"

tap_end
