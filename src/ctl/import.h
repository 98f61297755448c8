/* SPDX-License-Identifier: MIT */
/* import: users from a file of CSV or of JSON lines, read one by one. */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "base/arena.h"
#include "store/admin_accounts.h"

#include <stdio.h>

#define IMPORT_COLUMNS_MAX 64

struct import_file {
	FILE *file;        /* borrowed */
	struct arena *mem; /* of the file: the header's names */
	size_t line;       /* the number of the last record's first line */
	size_t lines;      /* read so far */
	bool begun, json;
	size_t column_count;
	struct span columns[IMPORT_COLUMNS_MAX];
};

/* The next user, in `mem`. False at the end of the file. `*why_out` not NULL:
 * the record cannot be imported, and why; the text never quotes a value. */
bool import_next(struct import_file *in, struct arena *mem, struct new_user *out,
		 const char **why_out);

#endif
