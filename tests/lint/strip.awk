# SPDX-License-Identifier: MIT
# Prints FILE:LINE:CODE with comments gone and string contents replaced by _,
# so that a search for calls finds calls alone.

FNR == 1 { comment = 0 }
{
	out = ""; quote = ""
	if (comment || $0 ~ /["'\/]/) {
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1); two = substr($0, i, 2)
			if (comment) { if (two == "*/") { comment = 0; i++ } }
			else if (quote != "") {
				if (c == "\\") { i++; out = out "_" }
				else if (c == quote) { quote = ""; out = out c }
				else out = out "_"
			}
			else if (two == "/*") { comment = 1; i++ }
			else { if (c == "\"" || c == "'") quote = c; out = out c }
		}
	} else out = $0
	if (out ~ /[^ \t]/) print FILENAME ":" FNR ":" out
}
