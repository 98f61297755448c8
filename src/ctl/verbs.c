/* SPDX-License-Identifier: MIT */
#include "ctl/verbs.h"

#include <string.h>

#define HELP_COLUMN 48

/* Completion and manual are compared with these lines. */
static const struct verb verbs[] = {
	{ "migrate", "", "[--service-role NAME]", 0, 2, ctl_migrate,
	  "bring the database to this build's schema; grant NAME" },
	{ "check", "", "[--apache | --lighttpd | --nginx FILE]", 0, 2, ctl_check,
	  "configuration, database, schema, clock; or a web server's" },
	{ "status", "", "[--socket PATH]", 0, 2, ctl_status,
	  "the running service, its database and its keys" },
	{ "user", "list", "[PATTERN]", 0, 1, ctl_user_list,
	  "all, or whose id is PATTERN or whose address has it" },
	{ "user", "show", "USER", 1, 1, ctl_user_show, "one, by id or address" },
	{ "user", "create", "[OPTION]... ADDRESS", 1, 6, ctl_user_create,
	  "--name NAME, --verified, --no-password," },
	{ "user", "set-password", "[OPTION]... USER", 1, 4, ctl_user_set_password,
	  "--keep-sessions; both: --password-file FILE" },
	{ "user", "disable", "USER", 1, 1, ctl_user_disable,
	  "refuse sign-ins and tokens, end sessions" },
	{ "user", "enable", "USER", 1, 1, ctl_user_enable, "take that back" },
	{ "user", "delete", "USER", 1, 1, ctl_user_delete, "with accounts and sessions" },
	{ "user", "revoke", "USER", 1, 1, ctl_user_revoke, "refuse tokens issued until now" },
	{ "user", "import", "[OPTION]... FILE", 1, 4, ctl_user_import,
	  "CSV or JSON lines; --continue, --report FILE" },
	{ "session", "list", "[USER]", 0, 1, ctl_session_list, "live ones" },
	{ "session", "revoke", "ID | --user USER | --all", 1, 2, ctl_session_revoke,
	  "end one, a user's, or refuse every token until now" },
	{ "key", "list", "", 0, 0, ctl_key_list, "keys that sign and verify tokens" },
	{ "key", "new", "[ALG]", 0, 1, ctl_key_new, "EdDSA, ES256 or RS256" },
	{ "key", "retire", "KID", 1, 1, ctl_key_retire, "sign no more, verify for 30 days" },
	{ "key", "remove", "KID", 1, 1, ctl_key_remove, "forget it, with its tokens" },
	{ "throttle", "list", "[USER]", 0, 1, ctl_throttle_list, "accounts that were guessed at" },
	{ "throttle", "clear", "USER | --all", 1, 1, ctl_throttle_clear,
	  "let them sign in at once" },
	{ "audit", "tail", "[-f] [-n COUNT]", 0, 3, ctl_audit_tail,
	  "the last lines; -f: and what follows" },
	{ "audit", "keep", "[DAYS [REFUSED-DAYS]]", 0, 2, ctl_audit_keep,
	  "how long lines are kept" },
};

const struct verb *verb_find(int argc, char **argv, int *used_out)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const struct verb *verb = &verbs[i];
		int words = verb->name[0] != '\0' ? 2 : 1;
		if (argc < words || strcmp(verb->command, argv[0]) != 0 ||
		    (words == 2 && strcmp(verb->name, argv[1]) != 0))
			continue;
		*used_out = words;
		return verb;
	}
	return NULL;
}

static void print_line(FILE *to, const struct verb *verb)
{
	int width = fprintf(to, "  %s%s%s%s%s", verb->command, verb->name[0] != '\0' ? " " : "",
			    verb->name, verb->arguments[0] != '\0' ? " " : "", verb->arguments);
	fprintf(to, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", verb->help);
}

bool verb_help(FILE *to, const char *command)
{
	bool any = false;
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (command != NULL && strcmp(verbs[i].command, command) != 0)
			continue;
		print_line(to, &verbs[i]);
		any = true;
	}
	return any;
}
