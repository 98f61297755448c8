#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokens judged by us and by two other libraries. AB_TOKENS: how many (100000
# takes some minutes); AB_SEED: which.
python=/usr/bin/python3
if [ ! -x $python ]; then
	echo "1..0 # SKIP $python is not installed"
	exit 0
fi
PYTHONDONTWRITEBYTECODE=1 exec $python "$AB_SRCDIR/tests/differential/jws_oracle.py" \
	"$AB_BUILDDIR/tests/differential/jws_driver" "${AB_TOKENS:-5000}" "${AB_SEED:-1}"
