#!/bin/sh
# SPDX-License-Identifier: MIT
# The tree works anywhere: no path of one machine, no host of one package mirror.
. "$(dirname "$0")/tap.sh"

own_files | grep -v '^fuzz/corpus/' >"$work/list"

xargs grep -nIE '(^|[^a-zA-Z0-9_.])/(home|root|work|Users)/[a-z]' <"$work/list" |
	tap "no paths of one machine"
xargs grep -nIE '(pypi|pythonhosted|npmjs|crates|rubygems|golang|debian|ubuntu|alpinelinux|docker)[.](org|io|com)' <"$work/list" |
	grep -E '[/.@](registry|files|deb|ftp|archive|security|snapshot|mirror|proxy|index|dl-cdn|static)[.]|pypi[.]org' |
	tap "no package hosts"
xargs grep -nIE '(https?|all|no)_proxy *=' <"$work/list" | tap "no proxies"

tap_end
