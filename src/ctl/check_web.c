/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include "base/jdoc.h"
#include "model/policy.h"
#include "webconf/judge.h"

#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define PRINT_MAX (8u << 20)
#define REPORT_MAX (1u << 20)
/* A network of more addresses than this is nobody's own. */
#define PEERS_PREFIX_MIN 8

extern char **environ;

struct web_server {
	const char *option; /* on the command line */
	conf_reader *read;
	void (*judge)(struct web_check *check, const struct conf_node *root);
	const char *printer; /* the program whose print is read in place of the file */
};

static const struct web_server servers[] = {
	{ "--apache", conf_read_apache, web_judge_apache, NULL },
	{ "--lighttpd", conf_read_lighttpd, web_judge_lighttpd, "lighttpd" },
	{ "--nginx", conf_read_nginx, web_judge_nginx, NULL },
};

static enum status read_files(const struct conf_source *source, struct arena *mem,
			      struct span pattern, struct conf_file **files_out, size_t *count_out)
{
	glob_t found;
	enum status status = STATUS_OK;
	(void)source;
	int failed = glob(arena_text(mem, pattern), 0, NULL, &found);
	bool wild = span_find(pattern, '*') < pattern.len || span_find(pattern, '?') < pattern.len;
	if (failed != 0)
		return failed == GLOB_NOMATCH && wild ? STATUS_OK : STATUS_NOT_FOUND;
	*files_out = arena_alloc(mem, found.gl_pathc * sizeof(**files_out));
	for (*count_out = 0; *count_out < found.gl_pathc && status == STATUS_OK; ++*count_out) {
		struct conf_file *file = &(*files_out)[*count_out];
		file->path = arena_text(mem, span_of(found.gl_pathv[*count_out]));
		status = config_read_file(mem, file->path, &file->text);
	}
	globfree(&found);
	return status;
}

static enum status read_all(struct arena *mem, int from, struct span *text_out)
{
	struct buf text;
	char part[8192];
	ssize_t got;
	buf_init(&text, mem, PRINT_MAX);
	while ((got = read(from, part, sizeof(part))) > 0)
		buf_add(&text, span_make(part, (size_t)got));
	return got < 0 ? STATUS_INVALID : buf_finish(&text, text_out);
}

/* What `PROGRAM -p -f FILE` prints. */
static enum status run_printer(struct arena *mem, const char *program, const char *path,
			       struct span *text_out)
{
	char print[] = "-p", file[] = "-f";
	char *const words[] = { arena_text(mem, span_of(program)), print, file,
				arena_text(mem, span_of(path)), NULL };
	const char *usual = arena_format(mem, "/usr/sbin/%s", program);
	posix_spawn_file_actions_t actions;
	int ends[2], left = -1;
	pid_t child = -1;
	if (pipe(ends) != 0)
		return STATUS_UNAVAILABLE;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	int failed = posix_spawnp(&child, program, &actions, NULL, words, environ);
	if (failed != 0)
		failed = posix_spawn(&child, usual, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	enum status status = failed == 0 ? read_all(mem, ends[0], text_out) : STATUS_NOT_FOUND;
	close(ends[0]);
	if (failed == 0 && (waitpid(child, &left, 0) != child || left != 0))
		return STATUS_INVALID;
	return status;
}

static enum status read_main(struct arena *mem, const struct web_server *server, const char *path,
			     struct conf_file *file_out)
{
	file_out->path = path;
	if (strcmp(path, "-") == 0)
		return read_all(mem, STDIN_FILENO, &file_out->text);
	if (server->printer != NULL)
		return run_printer(mem, server->printer, path, &file_out->text);
	return config_read_file(mem, path, &file_out->text);
}

/* A path that the route lets somebody ask for; absent for deny and what cannot
 * be read, which the service itself refuses. */
static struct span path_of_route(struct arena *mem, struct span route)
{
	struct buf path;
	struct span word[3] = { SPAN(""), SPAN(""), SPAN("") }, part;
	for (size_t n = 0; span_next(&route, ' ', &part);)
		if (part.len > 0 && n < COUNT_OF(word))
			word[n++] = part;
	if (word[2].len == 0 || span_is(word[2], "deny"))
		return SPAN_ABSENT;
	buf_init(&path, mem, word[1].len * 8 + 16);
	for (struct span rest = span_from(word[1], 1); span_next(&rest, '/', &part);) {
		buf_byte(&path, '/');
		buf_add(&path, span_is(part, "{user_id}")            ? SPAN("nobody")
			       : part.len > 0 && (part.at[0] == '*') ? SPAN("x")
								     : part);
	}
	return buf_span(&path);
}

static struct span subject_variable(const struct config *config)
{
	for (size_t i = 0; i < config->variables.count; i++) {
		struct span rest = span_of(config->variables.items[i].text), part;
		while (span_next(&rest, ',', &part)) {
			size_t equal = span_find(part, '=');
			if (span_is(span_trim(span_from(part, equal + 1)), "sub"))
				return span_trim(span_first(part, equal));
		}
	}
	return SPAN("User-Id");
}

static struct web_facts facts_of(const struct ctl *ctl)
{
	const struct config *config = ctl->config;
	struct web_facts facts = {
		.base_path = span_of(config->base_path.text),
		.secure = config->secure,
		.behind_proxy = config->trusted_proxies.count > 0,
		.has_peers = config->listen_peers.count > 0,
		.variable = subject_variable(config),
	};
	facts.paths = arena_alloc(ctl->mem, (config->routes.count + 1) * sizeof(*facts.paths));
	for (size_t i = 0; i < config->routes.count; i++) {
		struct span path = path_of_route(ctl->mem, span_of(config->routes.items[i].text));
		if (path.len > 0)
			facts.paths[facts.path_count++] = path;
	}
	if (config->routes.count == 0)
		facts.paths[facts.path_count++] =
			path_of_route(ctl->mem, SPAN(POLICY_DEFAULT_ROUTE));
	return facts;
}

static void check_peers(const struct ctl *ctl, struct web_check *check)
{
	const struct config_list *peers = &ctl->config->listen_peers;
	for (size_t i = 0; i < peers->count; i++) {
		struct span text = span_of(peers->items[i].text);
		unsigned long long bits = 0;
		struct span prefix = span_from(text, span_find(text, '/') + 1);
		if (span_to_uint(prefix, &bits) && bits < PEERS_PREFIX_MIN)
			web_find(check, WEB_PEERS_WIDE, NULL, "%s", peers->items[i].text);
	}
}

static void check_sockets(struct web_check *check)
{
	for (const struct conf_node *at = check->sockets->first; at != NULL; at = at->next) {
		struct stat found;
		if (!span_starts(at->name, SPAN("unix:")))
			continue;
		const char *path = arena_text(check->mem, span_from(at->name, 5));
		if (stat(path, &found) != 0)
			web_find(check, WEB_SOCKET_MISSING, at, "%s", path);
		else if ((found.st_mode & S_IWOTH) != 0)
			web_find(check, WEB_SOCKET_OPEN, at, "%s has mode %04o", path,
				 (unsigned)found.st_mode & 07777);
	}
}

static void print_json(const struct ctl *ctl, const struct web_finding *finding)
{
	struct buf text;
	struct jdoc_writer w;
	buf_init(&text, ctl->mem, REPORT_MAX);
	jdoc_write(&w, &text);
	jdoc_put_array(&w, NULL);
	for (; finding != NULL; finding = finding->next) {
		const struct web_rule_text *rule = web_rule_text(finding->rule);
		jdoc_put_object(&w, NULL);
		jdoc_put_text(&w, "severity", span_of(rule->severity));
		jdoc_put_text(&w, "rule", span_of(rule->id));
		jdoc_put_text(&w, "where", span_of(finding->where));
		jdoc_put_text(&w, "detail", span_of(finding->detail));
		jdoc_put_text(&w, "text", span_of(rule->text));
		jdoc_put_text(&w, "remedy", span_of(rule->remedy));
		jdoc_end_object(&w);
	}
	jdoc_end_array(&w);
	printf("%.*s\n", SPAN_FMT(buf_span(&text)));
}

static void print_lines(const struct web_finding *finding, const char *path)
{
	if (finding == NULL)
		printf("%-14s ok   %s: no mistakes found\n", "web server", path);
	for (; finding != NULL; finding = finding->next) {
		const struct web_rule_text *rule = web_rule_text(finding->rule);
		printf("%-8s %-24s %s%s%s\n", rule->severity, rule->id, finding->where,
		       finding->detail[0] != '\0' ? ": " : "", finding->detail);
		printf("         %s\n         remedy: %s\n", rule->text, rule->remedy);
	}
}

static const struct web_server *server_of(const char *option)
{
	for (size_t i = 0; i < COUNT_OF(servers); i++)
		if (strcmp(servers[i].option, option) == 0)
			return &servers[i];
	return NULL;
}

/* Reading only; what stands in the tree before a failure is not judged. */
static void judge_file(const struct web_server *server, const char *path, struct web_check *check)
{
	struct conf_file file = { .path = path };
	struct span folder = span_of(path);
	struct conf_reading reading = {
		.mem = check->mem,
		.source = check->source,
		.base = span_first(folder, span_find_last(folder, '/')),
	};
	struct conf_node *root = conf_add(check->mem, NULL, SPAN(""), path, 0);
	if (reading.base.len == folder.len)
		reading.base = SPAN(".");
	if (read_main(check->mem, server, path, &file) != STATUS_OK)
		web_find(check, WEB_UNKNOWN, root, "%s cannot be read%s", path,
			 server->printer != NULL ? " (lighttpd -p -f FILE must print it)" : "");
	else if (server->read(&reading, file, root) != STATUS_OK)
		web_find(check, WEB_UNKNOWN, root, "%s", reading.why);
	else
		server->judge(check, root);
}

int ctl_check_web(const struct ctl *ctl)
{
	const struct web_server *server = ctl->argc == 3 ? server_of(ctl->argv[1]) : NULL;
	if (server == NULL)
		return ctl_usage(ctl);
	const struct conf_source source = { .read = read_files };
	const struct web_facts facts = facts_of(ctl);
	struct web_check check = { .mem = ctl->mem, .facts = &facts, .source = &source };
	check.sockets = conf_add(ctl->mem, NULL, SPAN(""), "", 0);
	judge_file(server, ctl->argv[2], &check);
	check_peers(ctl, &check);
	check_sockets(&check);
	if (ctl->json)
		print_json(ctl, check.first);
	else
		print_lines(check.first, ctl->argv[2]);
	return check.first == NULL ? EX_OK : 1;
}
