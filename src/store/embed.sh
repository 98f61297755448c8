#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the C text that embeds sql/: embed.sh NNNN_name.sql... grants.sql
set -eu

literal() {
	sed -e 's/[\\"]/\\&/g' -e 's/.*/	  "&\\n"/' "$1"
}

printf '/* SPDX-License-Identifier: MIT */\n/* Made by embed.sh from sql/. */\n'
printf '#include "store/schema.h"\n\n'
printf 'const struct schema_step schema_steps[SCHEMA_LEVEL] = {\n'
for file; do
	base=${file##*/}
	case $base in
	[0-9][0-9][0-9][0-9]_*.sql)
		level=${base%%_*}
		level=${level#"${level%%[!0]*}"}
		name=${base#*_}
		printf '\t{ %s, "%s",\n' "$level" "${name%.sql}"
		literal "$file"
		printf '\t},\n' ;;
	esac
done
printf '};\n'
for file; do
	case ${file##*/} in
	grants.sql)
		printf '\nconst char schema_grants[] =\n'
		literal "$file"
		printf '\t;\n' ;;
	esac
done
