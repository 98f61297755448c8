/* SPDX-License-Identifier: MIT */
/* authbridgectl status: the running service, asked through its unix socket as
 * a web server would, beside the database and the keys. */
#include "ctl/ctl.h"

#include "base/clock.h"
#include "base/jdoc.h"
#include "ctl/report.h"
#include "store/admin.h"
#include "store/schema.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define SOCKET_DEFAULT "/run/authbridge/authbridge.sock"
#define ANSWER_MAX (4u << 20)
#define WAIT_S 5

enum { BEGIN = 1, PARAMS = 4, STDIN = 5, STDOUT = 6, HEAD = 8 };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* --- one request over FastCGI --- */

static void put_record(struct buf *out, unsigned type, struct span content)
{
	const unsigned char head[HEAD] = { 1,
					   (unsigned char)type,
					   0,
					   1,
					   (unsigned char)(content.len >> 8),
					   (unsigned char)(content.len & 255) };
	buf_add(out, span_make((const char *)head, sizeof(head)));
	buf_add(out, content);
}

static struct span request_of(struct arena *mem, const char *mode)
{
	static const char begin[HEAD] = { 0, 1 };
	const char *const pairs[][2] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/" },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "AUTHBRIDGE_MODE", mode },
	};
	struct buf params, out;
	buf_init(&params, mem, 4096);
	buf_init(&out, mem, 8192);
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		buf_byte(&params, (char)strlen(pairs[i][0]));
		buf_byte(&params, (char)strlen(pairs[i][1]));
		buf_text(&params, pairs[i][0]);
		buf_text(&params, pairs[i][1]);
	}
	put_record(&out, BEGIN, span_make(begin, sizeof(begin)));
	put_record(&out, PARAMS, buf_span(&params));
	put_record(&out, PARAMS, SPAN(""));
	put_record(&out, STDIN, SPAN(""));
	return buf_span(&out);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };
	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The content of the STDOUT records, joined. */
static struct span output_of(struct arena *mem, struct span records)
{
	struct buf out;
	buf_init(&out, mem, ANSWER_MAX);
	while (records.len >= HEAD) {
		const unsigned char *head = (const unsigned char *)records.at;
		size_t len = (size_t)head[4] << 8 | head[5];
		records = span_from(records, HEAD);
		if (records.len < len + head[6])
			break;
		if (head[1] == STDOUT)
			buf_add(&out, span_first(records, len));
		records = span_from(records, len + head[6]);
	}
	return buf_span(&out);
}

/* The answer, headers and body; absent when there is none. */
static struct span ask(struct arena *mem, const char *path, const char *mode)
{
	CLEANUP(close_fd) int fd = connect_to(path);
	struct span request = request_of(mem, mode);
	struct buf answer;
	char chunk[4096];
	ssize_t got;
	if (fd < 0 || send(fd, request.at, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
		return SPAN_ABSENT;
	buf_init(&answer, mem, ANSWER_MAX);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&answer, span_make(chunk, (size_t)got));
	struct span output = output_of(mem, buf_span(&answer));
	return output.len > 0 ? output : SPAN_ABSENT;
}

/* --- what it says --- */

static const struct {
	const char *label, *sample;
} shown[] = {
	{ "workers", "authbridge_workers" },
	{ "restarts", "authbridge_worker_restarts_total" },
	{ "feed age, s", "authbridge_feed_age_seconds" },
	{ "connections", "authbridge_database_connections{state=\"open\"}" },
	{ "leased", "authbridge_database_connections{state=\"leased\"}" },
	{ "hashes", "authbridge_hashes_running" },
	{ "waiting", "authbridge_hash_tickets" },
	{ "sign-ins", "authbridge_sign_ins_total" },
	{ "refused", "authbridge_sign_in_refusals_total" },
	{ "trail", "authbridge_audit_waiting" },
};

/* The next `name value` line of Prometheus text. */
static bool next_sample(struct span *text, struct span *name_out, struct span *value_out)
{
	struct span line;
	while (span_next(text, '\n', &line)) {
		size_t space = span_find_last(line, ' ');
		if (!span_starts(line, SPAN("authbridge_")) || space >= line.len)
			continue;
		*name_out = span_first(line, space);
		*value_out = span_from(line, space + 1);
		return true;
	}
	return false;
}

static struct span sample(struct span text, const char *wanted)
{
	struct span name, value;
	while (next_sample(&text, &name, &value))
		if (span_is(name, wanted))
			return value;
	return SPAN_ABSENT;
}

struct state {
	bool good;
	struct span service, metrics, database, keys;
};

static void look_at_service(const struct ctl *ctl, const char *path, struct state *state)
{
	struct span ready = ask(ctl->mem, path, "ready");
	bool is_ready = span_starts(ready, SPAN("Status: 200"));
	state->good &= is_ready;
	state->service = is_ready ? SPAN("ready")
			 : span_is_absent(ready)
				 ? span_of(arena_format(ctl->mem, "no answer at %s", path))
				 : SPAN("not ready: the database, or the revocations, are unknown");
	state->metrics = ask(ctl->mem, path, "metrics");
}

static void look_at_database(const struct ctl *ctl, struct state *state)
{
	CLEANUP(store_close) struct store *store = NULL;
	const char *why = NULL;
	struct key_row *rows;
	size_t count;
	bool good = ctl_schema_is_good(ctl, &why);
	state->good &= good;
	state->database = span_of(
		good ? arena_format(ctl->mem, "migration %d, all rights", SCHEMA_LEVEL) : why);
	state->keys = SPAN_ABSENT;
	if (good && ctl_store_of(ctl, &store) == STATUS_OK &&
	    store_keys(store, ctl->mem, &rows, &count) == STATUS_OK)
		state->keys = span_of(arena_format(ctl->mem, "%zu", count));
}

static void print_text(const struct state *state)
{
	printf("%-12s %.*s\n%-12s %.*s\n", "service", SPAN_FMT(state->service), "database",
	       SPAN_FMT(state->database));
	if (!span_is_absent(state->keys))
		printf("%-12s %.*s\n", "keys", SPAN_FMT(state->keys));
	for (size_t i = 0; i < COUNT_OF(shown); i++) {
		struct span value = sample(state->metrics, shown[i].sample);
		if (!span_is_absent(value))
			printf("%-12s %.*s\n", shown[i].label, SPAN_FMT(value));
	}
}

/* Labels without their quotes: a name of JSON is written as it is. */
static const char *unquoted(struct arena *mem, struct span name)
{
	char *text = arena_text(mem, name), *to = text;
	for (const char *from = text; *from != '\0'; from++)
		if (*from != '"' && *from != '\\')
			*to++ = *from;
	*to = '\0';
	return text;
}

static void print_json(const struct ctl *ctl, const struct state *state)
{
	struct buf text;
	struct jdoc_writer w;
	struct span rest = state->metrics, name, value;
	buf_init(&text, ctl->mem, ANSWER_MAX);
	jdoc_write(&w, &text);
	jdoc_put_object(&w, NULL);
	jdoc_put_bool(&w, "ok", state->good);
	jdoc_put_text(&w, "service", state->service);
	jdoc_put_text(&w, "database", state->database);
	jdoc_put_text(&w, "keys", state->keys);
	jdoc_put_object(&w, "metrics");
	while (next_sample(&rest, &name, &value))
		jdoc_put_text(&w, unquoted(ctl->mem, name), value);
	jdoc_end_object(&w);
	jdoc_end_object(&w);
	printf("%.*s\n", SPAN_FMT(buf_span(&text)));
}

int ctl_status(const struct ctl *ctl)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = SOCKET_DEFAULT;
	struct state state = { .good = true };
	int option;
	while ((option = getopt_long(ctl->argc, ctl->argv, "", options, NULL)) != -1) {
		if (option != 's')
			return ctl_usage(ctl);
		path = optarg;
	}
	if (optind < ctl->argc)
		return ctl_usage(ctl);
	look_at_service(ctl, path, &state);
	look_at_database(ctl, &state);
	if (ctl->json)
		print_json(ctl, &state);
	else
		print_text(&state);
	return state.good ? EX_OK : 1;
}
