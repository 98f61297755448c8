/* SPDX-License-Identifier: MIT */
#include "server/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char directory[64], path[96], address[128];
	struct listeners all;
	struct arena *mem;
	struct buf why;
};

static int setup(void **state)
{
	static struct place place;
	place = (struct place){ .directory = "/tmp/ab-listener-XXXXXX" };
	assert_non_null(mkdtemp(place.directory));
	snprintf(place.path, sizeof(place.path), "%s/s", place.directory);
	snprintf(place.address, sizeof(place.address), "unix:%s", place.path);
	place.mem = arena_new(0);
	buf_init(&place.why, place.mem, 4096);
	*state = &place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	listener_close(&place->all);
	unlink(place->path);
	assert_int_equal(rmdir(place->directory), 0);
	arena_free(&place->mem);
	return 0;
}

static enum status open_at(struct place *place, const char *address)
{
	return listener_open(&place->all, address, 0660, false, &place->why);
}

static bool answers(const struct place *place)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", place->path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool connected = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return connected;
}

static size_t names_in(const char *directory)
{
	char command[128];
	unsigned count = 0;
	snprintf(command, sizeof(command), "ls -A %s | wc -l", directory);
	FILE *list = popen(command, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%u", &count), 1);
	pclose(list);
	return count;
}

static void opens_and_removes_a_socket(void **state)
{
	struct place *place = *state;
	struct stat at;
	mode_t before = umask(0);
	assert_int_equal(listener_open(&place->all, place->address, 0640, false, &place->why),
			 STATUS_OK);
	umask(before);
	assert_int_equal(lstat(place->path, &at), 0);
	assert_true(S_ISSOCK(at.st_mode));
	assert_int_equal(at.st_mode & 07777, 0640);
	assert_int_equal(names_in(place->directory), 1);
	assert_true(answers(place));
	assert_true(place->all.at[0].local);
	assert_int_equal(fcntl(place->all.at[0].fd, F_GETFD), FD_CLOEXEC);
	listener_close(&place->all);
	assert_int_not_equal(lstat(place->path, &at), 0);
}

static void replaces_a_stale_socket(void **state)
{
	struct place *place = *state;
	assert_int_equal(open_at(place, place->address), STATUS_OK);
	/* As after a kill: the file stays, nobody answers. */
	close(place->all.at[0].fd);
	free(place->all.at[0].unlink_path);
	place->all = (struct listeners){ 0 };
	assert_false(answers(place));
	assert_int_equal(open_at(place, place->address), STATUS_OK);
	assert_true(answers(place));
}

static void leaves_an_answered_socket(void **state)
{
	struct place *place = *state;
	struct listeners second = { 0 };
	assert_int_equal(open_at(place, place->address), STATUS_OK);
	assert_int_equal(listener_open(&second, place->address, 0660, false, &place->why),
			 STATUS_UNAVAILABLE);
	assert_int_equal(second.count, 0);
	assert_true(place->why.len > 0);
	assert_true(answers(place));
	assert_int_equal(names_in(place->directory), 1);
}

static void leaves_other_files(void **state)
{
	struct place *place = *state;
	struct stat at;
	FILE *file = fopen(place->path, "w");
	fputs("precious", file);
	fclose(file);
	assert_int_equal(open_at(place, place->address), STATUS_UNAVAILABLE);
	assert_int_equal(stat(place->path, &at), 0);
	assert_int_equal(at.st_size, 8);
	unlink(place->path);
	assert_int_equal(symlink("/etc/passwd", place->path), 0);
	assert_int_equal(open_at(place, place->address), STATUS_UNAVAILABLE);
	assert_int_equal(lstat(place->path, &at), 0);
	assert_true(S_ISLNK(at.st_mode));
}

static void a_child_does_not_remove_it(void **state)
{
	struct place *place = *state;
	assert_int_equal(open_at(place, place->address), STATUS_OK);
	pid_t child = fork();
	if (child == 0) {
		listener_close(&place->all);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(answers(place));
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const cases[] = {
		"",
		"unix:",
		"unix:relative",
		"/run/x",
		":9010",
		"9010",
		"localhost:9010",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:9010x",
		"127.0.0.1: 9010",
		"127.0.0:9010",
		"127.1:9010",
		"::1:9010",
		"[::1]9010",
		"[::1",
		"[]:9010",
		"[127.0.0.1]:9010",
		"tcp://127.0.0.1:9010",
		/* Not loopback: everybody could ask the gate. */
		"0.0.0.0:9010",
		"192.0.2.1:9010",
		"[::]:9010",
		"[2001:db8::1]:9010",
	};
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t before = place->why.len;
		if (open_at(place, cases[i]) != STATUS_INVALID || place->all.count > 0 ||
		    place->why.len == before)
			fail_msg("%s", cases[i]);
	}
	char path[256] = "unix:/";
	memset(path + 6, 'a', 110);
	assert_int_equal(open_at(place, path), STATUS_INVALID);
}

static void opens_tcp(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.3.2.1", "[::1]" };
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		char address[64];
		enum status status = STATUS_UNAVAILABLE;
		for (unsigned port = 41000; status == STATUS_UNAVAILABLE && port < 41200; port++) {
			snprintf(address, sizeof(address), "%s:%u", hosts[i], port);
			status = open_at(place, address);
		}
		assert_int_equal(status, STATUS_OK);
		assert_false(place->all.at[i].local);
		/* The same one twice: taken. */
		assert_int_equal(open_at(place, address), STATUS_UNAVAILABLE);
	}
	assert_int_equal(place->all.count, COUNT_OF(hosts));
}

static void opens_other_addresses_with_peers(void **state)
{
	struct place *place = *state;
	enum status status = STATUS_UNAVAILABLE;
	for (unsigned port = 41300; status == STATUS_UNAVAILABLE && port < 41500; port++) {
		char address[64];
		snprintf(address, sizeof(address), "0.0.0.0:%u", port);
		status = listener_open(&place->all, address, 0660, true, &place->why);
	}
	assert_int_equal(status, STATUS_OK);
}

static void opens_no_more_than_the_table(void **state)
{
	struct place *place = *state;
	char address[128];
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		snprintf(address, sizeof(address), "unix:%s/%zu", place->directory, i);
		assert_int_equal(open_at(place, address), STATUS_OK);
	}
	assert_int_equal(open_at(place, place->address), STATUS_INVALID);
}

/* --- inherited --- */

/* In a child, whose descriptors and environment are its own. */
static int inherit_in_child(struct place *place, int (*prepare)(struct place *), int expect)
{
	pid_t child = fork();
	if (child == 0) {
		struct listeners all = { 0 };
		int count = prepare(place);
		enum status status = listener_inherit(&all, &place->why);
		bool good = (int)status == expect && (int)all.count == count &&
			    getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL;
		for (size_t i = 0; i < all.count; i++)
			good &= all.at[i].fd > 2 && all.inherited && all.at[i].local &&
				fcntl(all.at[i].fd, F_GETFD) == FD_CLOEXEC &&
				all.at[i].unlink_path == NULL;
		_exit(good ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void set_listen(const char *pid, const char *count)
{
	char own[16];
	snprintf(own, sizeof(own), "%d", getpid());
	setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
	setenv("LISTEN_FDS", count, 1);
}

static int give_stdin(struct place *place)
{
	dup2(place->all.at[0].fd, 0);
	return 1;
}

static int give_nothing(struct place *place)
{
	(void)place;
	close(0);
	return 0;
}

static int give_connected_stdin(struct place *place)
{
	int pair[2];
	(void)place;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return -1;
	dup2(pair[0], 0);
	return 0;
}

static int give_systemd(struct place *place)
{
	int fd = dup(place->all.at[0].fd);
	int second = dup(fd);
	dup2(second, 4);
	dup2(fd, 3);
	set_listen(NULL, "2");
	return 2;
}

static int give_to_another(struct place *place)
{
	give_systemd(place);
	set_listen("1", "2");
	give_nothing(place);
	return 0;
}

static int give_a_file(struct place *place)
{
	give_systemd(place);
	dup2(open("/dev/null", O_RDONLY), 3);
	return 0;
}

static int give_too_many(struct place *place)
{
	give_systemd(place);
	set_listen(NULL, "17");
	return 0;
}

static void inherits(void **state)
{
	static const struct {
		int (*prepare)(struct place *);
		int expect;
	} cases[] = {
		{ give_stdin, STATUS_OK },
		{ give_nothing, STATUS_NOT_FOUND },
		{ give_connected_stdin, STATUS_NOT_FOUND },
		{ give_systemd, STATUS_OK },
		{ give_to_another, STATUS_NOT_FOUND },
		{ give_a_file, STATUS_UNAVAILABLE },
		{ give_too_many, STATUS_UNAVAILABLE },
	};
	struct place *place = *state;
	assert_int_equal(open_at(place, place->address), STATUS_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (inherit_in_child(place, cases[i].prepare, cases[i].expect) != 0)
			fail_msg("case %zu", i);
	}
}

static void knows_loopback(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} cases[] = {
		{ "127.0.0.1", true },
		{ "127.255.255.255", true },
		{ "128.0.0.1", false },
		{ "126.255.255.255", false },
		{ "0.0.0.0", false },
		{ "::1", true },
		{ "::", false },
		{ "::2", false },
		{ "::ffff:127.0.0.9", true },
		{ "::ffff:10.0.0.1", false },
		{ "fe80::1", false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		union {
			struct sockaddr any;
			struct sockaddr_in four;
			struct sockaddr_in6 six;
		} at = { .any.sa_family = AF_INET };
		if (inet_pton(AF_INET, cases[i].text, &at.four.sin_addr) != 1) {
			at.any.sa_family = AF_INET6;
			assert_int_equal(inet_pton(AF_INET6, cases[i].text, &at.six.sin6_addr), 1);
		}
		if (listener_is_loopback(&at.any) != cases[i].loopback)
			fail_msg("%s", cases[i].text);
	}
	assert_false(listener_is_loopback(&(struct sockaddr){ .sa_family = AF_UNIX }));
}

int main(void)
{
#define LISTENER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		LISTENER_TEST(opens_and_removes_a_socket),
		LISTENER_TEST(replaces_a_stale_socket),
		LISTENER_TEST(leaves_an_answered_socket),
		LISTENER_TEST(leaves_other_files),
		LISTENER_TEST(a_child_does_not_remove_it),
		LISTENER_TEST(refuses_what_is_no_address),
		LISTENER_TEST(opens_tcp),
		LISTENER_TEST(opens_other_addresses_with_peers),
		LISTENER_TEST(opens_no_more_than_the_table),
		LISTENER_TEST(inherits),
		cmocka_unit_test(knows_loopback),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
