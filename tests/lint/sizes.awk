# SPDX-License-Identifier: MIT
# debts.txt first, then C files: prints what is over its ceiling and is no
# debt, and every debt that is no longer one.

function check(kind, what, value, ceiling) {
	if (value <= ceiling) return
	used[kind, what] = 1
	if (!((kind, what) in debt)) print what ": " value " " kind ", ceiling " ceiling
	else if (value > debt[kind, what]) print what ": " value " " kind ", its debt is " debt[kind, what]
}

function finish_file() {
	if (file == "") return
	check("lines", file, lines, file ~ /^src.*\.h$/ ? 150 : 600)
	check("includes", file, includes, 12)
}

function columns(text,    i, width) {
	if (!index(text, "\t")) return length(text)
	for (i = 1; i <= length(text); i++)
		width = substr(text, i, 1) == "\t" ? (int(width / 8) + 1) * 8 : width + 1
	return width
}

FNR == NR && /^(#|$)/ { next }
FNR == NR {
	debt[$1, $2] = $3; named[$1, $2] = 1
	if (NF < 6) print "debts.txt:" FNR ": a debt needs a reason"
	next
}
FNR == 1 { finish_file(); file = FILENAME; includes = 0; name = ""; inside = 0 }
# A test's table of cases is data: its rows are no code, and a long string in
# one may stay whole.
file ~ /^tests\// && /^[ \t]+[{"}]/ { rows++; lines = FNR; next }
{ lines = FNR }
/^#include "/ { includes++ }
columns($0) > 100 { check("columns", file ":" FNR, columns($0), 100) }
/^[a-zA-Z_].*\(/ && !inside { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
/^\{/ { inside = FNR; rows = 0 }
/^\}/ && inside { check("function-lines", file ":" name, FNR - inside - rows + 1, 60); inside = 0 }

END {
	finish_file()
	for (key in named) if (!(key in used)) {
		split(key, part, SUBSEP)
		print part[2] ": its debt (" part[1] ") is paid; take it out of debts.txt"
	}
}
