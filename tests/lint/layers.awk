# SPDX-License-Identifier: MIT
# layers.txt first, then the C files below src/: prints every include that the
# table does not allow.

function base_of(header) {
	return index(header, "/") ? substr(header, 1, index(header, "/")) : header
}

FNR == NR && /^(#|$)/ { next }
FNR == NR && $1 == "outside" {
	outside[$2] = 1
	for (i = 3; i <= NF; i++) sees[$2, "src/" $i] = 1
	next
}
FNR == NR && $1 == "system" { for (i = 2; i <= NF; i++) free[$i] = 1; next }
FNR == NR { folder[$1] = 1; for (i = 2; i <= NF; i++) may[$1, $i] = 1; next }

FNR == 1 {
	parts = split(FILENAME, at, "/")
	if (parts > 2 && !(at[2] in folder)) print FILENAME ": folder is not in layers.txt"
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	if (quoted[2] == "config.h" || parts == 2) next
	split(quoted[2], to, "/")
	if (!index(quoted[2], "/")) print FILENAME ":" FNR ": write \"folder/" quoted[2] "\""
	else if (at[2] != to[1] && !((at[2], to[1]) in may))
		print FILENAME ":" FNR ": " at[2] "/ may not include " quoted[2]
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, angled, /[<>]/)
	header = angled[2]; base = base_of(header)
	if (header in outside || base in outside) {
		key = header in outside ? header : base
		if (!((key, FILENAME) in sees)) print FILENAME ":" FNR ": may not see <" header ">"
	} else if (!(header in free) && !(base in free))
		print FILENAME ":" FNR ": <" header "> is in no list of layers.txt"
}
