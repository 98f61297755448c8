#!/bin/sh
# SPDX-License-Identifier: MIT
# Each check can fail: a small clean tree passes all of them, and one change at
# a time turns exactly the check red that should notice.
. "$(dirname "$0")/tap.sh"

checks=$top/tests/lint
tree=$work/tree

make_tree() {
	rm -rf "$tree"
	mkdir -p "$tree/tests/lint" "$tree/src/base" "$tree/src/http" "$tree/src/store" \
		"$tree/src/crypto" "$tree/src/ctl" "$tree/sql" "$tree/doc" "$tree/etc" "$tree/tests/unit"
	cp "$checks"/* "$tree/tests/lint/"
	chmod u+w "$tree"/tests/lint/* # a distribution's copies are read-only
	cd "$tree" || exit 99
	# the exceptions of the real tree excuse nothing here
	echo "src/base/a.c memcmp public bytes" >tests/lint/banned.txt
	echo "lines src/base/a.h 170 has to be" >tests/lint/debts.txt
	awk 'BEGIN {
		print "/* SPDX-License-Identifier: MIT */\n#ifndef BASE_A_H\n#define BASE_A_H"
		for (i = 0; i < 160; i++) print "int a_" i "(void);"
		print "#endif"
	}' >src/base/a.h
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' '#include "base/a.h"' '' \
		'#include <string.h>' '' 'int a_0(void)' '{' '	return memcmp("x", "y", 1);' '}' >src/base/a.c
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' '#include "base/config.h"' '' \
		'	{ "one_key", 0 },' >src/base/config.c
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' '#ifndef BASE_CONFIG_H' \
		'#define BASE_CONFIG_H' '#endif' >src/base/config.h
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' \
		'	{ "long", no_argument, NULL, 1 },' >src/main.c
	cp src/main.c src/ctl/main.c
	printf '%s\n' '# SPDX-License-Identifier: MIT' '# one_key = 1' >etc/authbridge.conf
	printf '%s\n' '.TP' '.B one_key' >doc/authbridge.conf.5
	echo '\-\-long' | tee doc/authbridge.8 >doc/authbridgectl.1
	echo '-- SPDX-License-Identifier: MIT' >sql/1.sql
	printf '%s\n' '# SPDX-License-Identifier: MIT' 'x = src/base/a.c src/base/a.h src/main.c \' \
		'src/base/config.c src/base/config.h src/ctl/main.c sql/1.sql doc/authbridge.8 \' \
		'doc/authbridgectl.1 doc/authbridge.conf.5' >Makefile.am
}

verdict() {
	AB_SRCDIR=$tree sh "tests/lint/$1.sh"
}

all="banned hosts layers listed options sizes spdx"
make_tree
for check in $all; do
	verdict $check | grep -E '^(not ok|#)' | sed "s/^/$check: /"
done | tap "the small tree is clean"

# caught CHECK NUMBER WORD: the change just made is found, and by that test alone
caught() {
	verdict "$1" >"$work/out"
	{
		grep -q "^not ok $2 " "$work/out" || echo "$1 $2 stays green"
		grep -E '^not ok' "$work/out" | grep -v "^not ok $2 "
	} | tap "$1 $2 notices $3"
	make_tree
}

code=src/base/a.c
echo '#include "http/x.h"' >>$code; caught layers 1 "a forbidden folder"
echo '#include "a.h"' >>$code; caught layers 1 "an include without folder"
echo '#include <jansson.h>' >>$code; caught layers 1 "a library out of place"
echo '#include <zlib.h>' >>$code; caught layers 1 "an unlisted library"
sed -i 's/BASE_A_H/A_H/' src/base/a.h; caught layers 2 "a wrong guard"
sed -i 's,^#include "base/a.h",#include "base/config.h"\n&,' $code; caught layers 3 "a foreign header first"
echo 'char *s = "SELECT 1 FROM x";' >>$code; caught layers 4 "SQL outside store/"

{ echo 'int b(void)'; echo '{'; seq -f '	%g;' 60; echo '}'; } >>$code; caught sizes 1 "a long function"
seq -f '/* %g */' 600 >>$code; caught sizes 1 "a long file"
seq -f 'int b_%g(void);' 10 >>src/base/a.h; caught sizes 1 "a growing debt"
sed -i '/a_1[0-9]*(/d' src/base/a.h; caught sizes 1 "a debt that is paid"
seq -f '#include "base/%g.h"' 12 >>$code; caught sizes 1 "many includes"
printf '/*%100s*/\n' x >>$code; caught sizes 1 "a wide line"
echo 'lines src/base/a.c 700' >>tests/lint/debts.txt; caught sizes 1 "a debt without reason"
for i in $(seq 17); do echo >src/base/h$i.h; done; caught sizes 2 "a crowded folder"

for call in "1 strcpy(a, b)" "1 sprintf(a, b)" "2 atoi(a)" "3 rand()" "4 system(a)" "5 bcmp(a, b, 1)" \
	"6 span_equal(mac, theirs)" "7 printf(a)" "8 PQexec(c, text)"; do
	echo "int x = ${call#* };" >>$code; caught banned "${call%% *}" "${call#* }"
done
echo 'void c(void) { goto end; }' >>$code; caught banned 9 "goto"
echo '/* TODO later */' >>$code; caught banned 10 "a TODO"
echo '// x' >>$code; caught banned 11 "a // comment"
echo '	skip();' >tests/unit/a.c; caught banned 12 "cmocka's skip"
sed -i 's/memcmp(.*)/0/' $code; caught banned 13 "an exception that excuses nothing"

echo int >src/base/new.c; caught spdx 1 "a missing licence"
echo "/* /home/""me/x */" >>$code; caught hosts 1 "a path of one machine"
echo "/* https://registry.npmjs.""org */" >>$code; caught hosts 2 "a package host"
echo "export http_proxy""=x" >>Makefile.am; caught hosts 3 "a proxy"

echo >src/base/new.c; caught listed 1 "a source nobody builds"
echo >tests/unit/test_new.c; caught listed 2 "a test nobody runs"
echo >sql/2.sql; caught listed 3 "a migration nobody installs"

echo '	{ "two_key", 0 },' >>src/base/config.c; printf '.B two_key\n' >>doc/authbridge.conf.5
caught options 1 "a key the sample lacks"
echo '# old_key = 1' >>etc/authbridge.conf; caught options 2 "a key that is gone"
echo '	{ "two_key", 0 },' >>src/base/config.c; echo '# two_key = 1' >>etc/authbridge.conf
caught options 3 "a key the manual lacks"
echo '	{ "new", no_argument, NULL, 1 },' >>src/main.c; caught options 4 "an option the manual lacks"
echo '	{ "new", no_argument, NULL, 1 },' >>src/ctl/main.c; caught options 5 "the other program's"

if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	echo 'int  x ;' >>$code; cp "$top/.clang-format" .; caught format 1 "a line out of shape"
else
	tap_skip "format 1" "clang-format 14 is not installed"
fi

tap_end
