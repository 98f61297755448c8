/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ctl/ctl.h"

#include "base/jdoc.h"
#include "base/log.h"
#include "ctl/verbs.h"
#include "store/store.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define MISTAKES_MAX (1u << 20)

extern char **environ;

static void print_help(FILE *to, const char *command)
{
	fputs("Usage: authbridgectl [-c FILE] [--json] COMMAND [ARGUMENT]...\n\n", to);
	if (command != NULL && verb_help(to, command))
		return;
	fputs("Administers authbridge; reads the service's own configuration.\n"
	      "\n"
	      "  -c, --config FILE   configuration (default " AUTHBRIDGE_CONF ")\n"
	      "      --json          print JSON for scripts\n"
	      "      --version       print the version and exit\n"
	      "  -h, --help          print this, or a command's part of it, and exit\n"
	      "\n"
	      "Commands:\n",
	      to);
	(void)verb_help(to, NULL);
	fputs("\n"
	      "To act as the owner of the tables while the service has a role of its own,\n"
	      "set DATABASE_URL, which wins over the file. Manual: authbridgectl(1).\n",
	      to);
}

int ctl_fail(const char *what, const char *why, enum status status)
{
	if (status == STATUS_DENIED && why == NULL)
		why = "this role may not do that; is it the owner of the tables (DATABASE_URL)?";
	fprintf(stderr, "authbridgectl: %s: %s\n", what,
		why != NULL && why[0] != '\0' ? why : status_word(status));
	switch (status) {
	case STATUS_UNAVAILABLE:
		return EX_UNAVAILABLE;
	case STATUS_INVALID:
		return EX_CONFIG;
	case STATUS_DENIED:
		return EX_NOPERM;
	case STATUS_NOT_FOUND:
		return 1;
	default:
		return EX_SOFTWARE;
	}
}

int ctl_usage(const struct ctl *ctl)
{
	print_help(stderr, ctl->verb->command);
	return EX_USAGE;
}

enum status ctl_store_of(const struct ctl *ctl, struct store **store_out)
{
	const struct store_options options = {
		.url = ctl->config->database_url.text,
		.prepared = ctl->config->prepared,
		.connections = 1,
		.connect_ms = CTL_CONNECT_MS,
		.lease_ms = CTL_CONNECT_MS,
		.call_ms = CTL_CALL_MS,
	};
	return store_open(&options, store_out);
}

int ctl_open_store(const struct ctl *ctl, struct store **store_out)
{
	enum status opened = ctl_store_of(ctl, store_out);
	return opened == STATUS_OK ? EX_OK : ctl_fail("database", NULL, opened);
}

void ctl_say(const struct ctl *ctl, const char *name, struct span value)
{
	struct buf text;
	struct jdoc_writer w;
	if (!ctl->json) {
		printf("%s: %.*s\n", name, SPAN_FMT(value));
		return;
	}
	buf_init(&text, ctl->mem, 4096);
	jdoc_write(&w, &text);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, name, value);
	jdoc_end_object(&w);
	printf("%.*s\n", SPAN_FMT(buf_span(&text)));
}

static enum status load(struct arena *mem, const char *path, bool must_exist,
			struct config **config_out)
{
	struct buf mistakes;
	buf_init(&mistakes, mem, MISTAKES_MAX);
	enum status status = config_load(path, must_exist, environ, &mistakes, config_out);
	if (status != STATUS_OK) {
		struct span text = buf_span(&mistakes);
		fwrite(text.at, 1, text.len, stderr);
	}
	return status;
}

static int run_verb(const char *path, bool must_exist, struct ctl *ctl)
{
	struct config *config = NULL;
	enum status status = load(ctl->mem, path, must_exist, &config);
	if (status != STATUS_OK)
		return ctl_fail("configuration", path, STATUS_INVALID);
	ctl->config = config;
	int code = ctl->verb->run(ctl);
	config_free(&config);
	return code;
}

static bool wants_help(const struct ctl *ctl)
{
	for (int i = 1; i < ctl->argc; i++)
		if (strcmp(ctl->argv[i], "--help") == 0 || strcmp(ctl->argv[i], "-h") == 0)
			return true;
	return false;
}

/* The words after the options. Help needs no configuration. */
static int run_words(const char *path, bool must_exist, struct ctl *ctl)
{
	int used = 0;
	ctl->verb = verb_find(ctl->argc, ctl->argv, &used);
	bool help = wants_help(ctl);
	if (help || ctl->verb == NULL) {
		print_help(help ? stdout : stderr, ctl->argc > 0 ? ctl->argv[0] : NULL);
		return help ? EX_OK : EX_USAGE;
	}
	ctl->argc -= used - 1;
	ctl->argv += used - 1;
	if (ctl->argc - 1 < ctl->verb->least || ctl->argc - 1 > ctl->verb->most)
		return ctl_usage(ctl);
	return run_verb(path, must_exist, ctl);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = AUTHBRIDGE_CONF;
	bool must_exist = false;
	struct ctl ctl = { 0 };
	int option;
	while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
		if (option == 'c') {
			path = optarg;
			must_exist = true;
		} else if (option == 'j') {
			ctl.json = true;
		} else if (option == 'V') {
			puts("authbridgectl (" PACKAGE_STRING ")");
			return EX_OK;
		} else {
			print_help(option == 'h' ? stdout : stderr, NULL);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
	}
	ctl.argc = argc - optind;
	ctl.argv = argv + optind;
	optind = 0; /* the command reads its own options anew */
	jdoc_start();
	log_configure(LOG_LEVEL_WARN, false);
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	ctl.mem = mem;
	return run_words(path, must_exist, &ctl);
}
