/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

/* stderr goes through a pipe while an event is logged; the text after the
 * time comes back, which is the only part that changes. */
static int pipe_ends[2], kept_stderr;

static int setup(void **state)
{
	(void)state;
	if (pipe(pipe_ends) != 0)
		return -1;
	kept_stderr = dup(STDERR_FILENO);
	return kept_stderr < 0 || dup2(pipe_ends[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return 0;
}

static const char *logged(void)
{
	static char line[8192];

	/* a mark, so that reading an empty pipe does not wait */
	assert_int_equal(write(pipe_ends[1], "~", 1), 1);
	ssize_t len = read(pipe_ends[0], line, sizeof(line) - 1);
	assert_true(len > 0);
	line[len - 1] = '\0';
	char *level = strstr(line, "level");
	return level != NULL ? level : line;
}

static void writes_text(void **state)
{
	(void)state;
	log_configure(LOG_LEVEL_INFO, false);
	log_warn("sign-in refused", LOG_TEXT("user", "u1"), LOG_INT("wait_s", -3),
		 LOG_STATUS(STATUS_DENIED), LOG_SPAN("reason", SPAN("no such user")));
	assert_string_equal(logged(), "level=warn event=\"sign-in refused\" user=u1 wait_s=-3 "
				      "status=denied reason=\"no such user\"\n");
	log_info("started");
	assert_string_equal(logged(), "level=info event=started\n");
}

static void writes_json(void **state)
{
	(void)state;
	log_configure(LOG_LEVEL_INFO, true);
	log_error("it broke", LOG_TEXT("where", "a\"b\\c\n\x01\xff"), LOG_INT("n", INT64_MIN));
	assert_string_equal(logged(), "level\":\"error\",\"event\":\"it broke\","
				      "\"where\":\"a\\\"b\\\\c\\u000a\\u0001\\u00ff\","
				      "\"n\":-9223372036854775808}\n");
}

/* B-FR-026: every event carries its time. */
static void B_FR_026_every_line_begins_with_the_time(void **state)
{
	char line[256];

	(void)state;
	log_configure(LOG_LEVEL_INFO, false);
	log_info("x");
	ssize_t len = read(pipe_ends[0], line, sizeof(line));
	assert_true(len > 30);
	assert_memory_equal(line, "time=2", 6);
	assert_int_equal(line[5 + 23], 'Z');
}

static void values_cannot_forge_a_line(void **state)
{
	static const struct {
		const char *value, *shown;
	} cases[] = {
		{ "a\nlevel=info", "\"a\\x0alevel=info\"" },
		{ "a b", "\"a b\"" },
		{ "a=b", "\"a=b\"" },
		{ "", "\"\"" },
		{ "\"", "\"\\\"\"" },
		{ "\\", "\"\\\\\"" },
		{ "\x1b[31m", "\"\\x1b[31m\"" },
		{ "\xc3\xa9", "\"\\xc3\\xa9\"" },
		{ "\x7f", "\"\\x7f\"" },
	};

	(void)state;
	log_configure(LOG_LEVEL_INFO, false);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char expected[64] = "level=info event=e v=";

		log_info("e", LOG_TEXT("v", cases[i].value));
		strncat(expected, cases[i].shown, 32);
		strncat(expected, "\n", 2);
		assert_string_equal(logged(), expected);
	}
}

static void long_values_are_cut(void **state)
{
	char value[1000];

	(void)state;
	memset(value, 'x', sizeof(value));
	log_configure(LOG_LEVEL_INFO, false);
	log_info("e", LOG_SPAN("v", span_make(value, 257)));
	const char *line = logged();
	assert_int_equal(strspn(strstr(line, " v=") + strlen(" v="), "x"), 256);
	assert_non_null(strstr(line, "x...\n"));
}

/* Fields that do not fit are left out whole: a line is always one line. */
static void a_line_is_bounded_and_whole(void **state)
{
	char value[256];

	(void)state;
	memset(value, '\x01', sizeof(value));
	struct span wide = span_make(value, sizeof(value));
	log_configure(LOG_LEVEL_INFO, true);
	log_info("e", LOG_SPAN("a", wide), LOG_SPAN("b", wide), LOG_SPAN("c", wide),
		 LOG_INT("d", 1));
	const char *line = logged();
	assert_non_null(strstr(line, "\"b\":"));
	assert_null(strstr(line, "\"c\":"));
	assert_non_null(strstr(line, ",\"d\":1}\n"));
	assert_true(strlen(line) < 4096);
}

static void absent_values_are_left_out(void **state)
{
	(void)state;
	log_configure(LOG_LEVEL_INFO, false);
	log_info("e", LOG_TEXT("user", NULL), LOG_SPAN("x", SPAN_ABSENT), LOG_INT("n", 0));
	assert_string_equal(logged(), "level=info event=e n=0\n");
}

/* B-FR-025: never a secret in the log, even by mistake. */
static void B_FR_025_secret_names_are_redacted(void **state)
{
	(void)state;
	log_configure(LOG_LEVEL_INFO, false);
	log_info("e", LOG_TEXT("password", "hunter2"), LOG_TEXT("token", "abc"),
		 LOG_INT("secret", 7));
	assert_string_equal(logged(), "level=info event=e password=[redacted] token=[redacted] "
				      "secret=[redacted]\n");
}

static void levels_filter_and_errno_survives(void **state)
{
	(void)state;
	log_configure(LOG_LEVEL_WARN, false);
	log_debug("e");
	log_info("e");
	assert_string_equal(logged(), "");
	errno = ENOENT;
	log_warn("e", LOG_ERRNO(errno));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(logged(), "level=warn event=e errno=ENOENT\n");
	assert_string_equal(log_errno_word(-5), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_text),
		cmocka_unit_test(writes_json),
		cmocka_unit_test(B_FR_026_every_line_begins_with_the_time),
		cmocka_unit_test(values_cannot_forge_a_line),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(a_line_is_bounded_and_whole),
		cmocka_unit_test(absent_values_are_left_out),
		cmocka_unit_test(B_FR_025_secret_names_are_redacted),
		cmocka_unit_test(levels_filter_and_errno_survives),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("log", tests, setup, teardown);
}
