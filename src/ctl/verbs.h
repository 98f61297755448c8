/* SPDX-License-Identifier: MIT */
/* verbs: every command of authbridgectl, in one table: found, counted, helped
 * and completed from it. */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/ctl.h"

#include <stdio.h>

struct verb {
	const char *command, *name; /* name "": the command has no verbs */
	const char *arguments;      /* as in the manual */
	int least, most;            /* arguments that may follow; options count */
	int (*run)(const struct ctl *ctl);
	const char *help; /* one line */
};

/* The verb of these words; *used_out says how many named it. NULL: none. */
const struct verb *verb_find(int argc, char **argv, int *used_out);

/* One line for each verb of `command` (NULL: of all). False: no such command. */
bool verb_help(FILE *to, const char *command);

#endif
