/* SPDX-License-Identifier: MIT */
#include "http/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
#define BASE "https://auth.example.test"

static struct arena *mem;

static int set_up(void **state)
{
	(void)state;
	mem = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&mem);
	return 0;
}

static struct origin_list *list_of(const char *const *patterns)
{
	struct origin_list *list = NULL;
	struct buf why;
	buf_init(&why, mem, 500);
	for (; *patterns != NULL; patterns++) {
		if (origin_list_add(&list, mem, span_of(*patterns), &why) != STATUS_OK)
			fail_msg("%s: %s", *patterns, why.at);
	}
	return list;
}

static struct origin_list *list_of_one(const char *pattern)
{
	const char *const patterns[] = { pattern, NULL };
	return list_of(patterns);
}

/* As the URL class of browsers and Node gives them. */
static void origin_of_url_is_whatwgs(void **state)
{
	(void)state;
	static const struct {
		struct span url;
		const char *origin; /* NULL: none */
	} rows[] = {
		{ S("https://auth.example.test"), BASE },
		{ S("HTTPS://AUTH.example.TEST/path?q#f"), BASE },
		{ S("https://auth.example.test:443/"), BASE },
		{ S("https://auth.example.test:0443/"), BASE },
		{ S("https://auth.example.test:/"), BASE },
		{ S("https://auth.example.test:80/"), BASE ":80" },
		{ S("http://127.0.0.1:3100"), "http://127.0.0.1:3100" },
		{ S("http://h:80/"), "http://h" },
		{ S("ws://h:80"), "ws://h" },
		{ S("wss://h:443"), "wss://h" },
		{ S("ftp://h:21"), "ftp://h" },
		/* whom the user information names is not where it goes */
		{ S("https://auth.example.test@evil.test/"), "https://evil.test" },
		{ S("https://auth.example.test:443@evil.test"), "https://evil.test" },
		{ S("https://a@b@evil.test"), "https://evil.test" },
		{ S("https://evil.test#@auth.example.test"), "https://evil.test" },
		{ S("https://evil.test?@auth.example.test"), "https://evil.test" },
		{ S("https://evil.test\\@auth.example.test"), "https://evil.test" },
		{ S("https://evil.test/@auth.example.test"), "https://evil.test" },
		{ S("https://user@/x"), NULL },
		/* slashes of any number and kind */
		{ S("https:\\\\auth.example.test\\x"), BASE },
		{ S("https:/auth.example.test"), BASE },
		{ S("https:auth.example.test"), BASE },
		{ S("https:////auth.example.test"), BASE },
		{ S("https:/\\/auth.example.test"), BASE },
		/* what browsers drop */
		{ S(" \t\n https://auth.example.test \r\n"), BASE },
		{ S("ht\ntps://auth.exa\tmple.te\rst"), BASE },
		{ S("\x01https://auth.example.test\x1f"), BASE },
		{ S("https://au th.example.test"), NULL },
		{ S("https://auth.example.test\0.evil.test"), NULL },
		/* percent signs in hosts */
		{ S("https://%61uth.example.test"), BASE },
		{ S("https://auth%2Eexample%2etest"), BASE },
		{ S("https://auth.example.test%2fevil"), NULL },
		{ S("https://auth.example.test%40evil"), NULL },
		{ S("https://auth.example.test%00"), NULL },
		{ S("https://auth.example.test%"), NULL },
		{ S("https://%zz.test"), NULL },
		{ S("https://%e4.test"), NULL },
		{ S("https://\xc3\xa4.test"), NULL },
		{ S("https://auth\xe3\x80\x82"
		    "example.test"),
		  NULL },
		{ S("https://a<b.test"), NULL },
		{ S("https://a|b.test"), NULL },
		{ S("https://a_b.test"), "https://a_b.test" },
		{ S("https://auth.example.test."), "https://auth.example.test." },
		/* IPv4 in all spellings */
		{ S("http://2130706433"), "http://127.0.0.1" },
		{ S("http://0x7f.1"), "http://127.0.0.1" },
		{ S("http://0177.0.0.01"), "http://127.0.0.1" },
		{ S("http://127.0.0.1."), "http://127.0.0.1" },
		{ S("http://1.2.3"), "http://1.2.0.3" },
		{ S("http://0x"), "http://0.0.0.0" },
		{ S("http://1.2.3.256"), NULL },
		{ S("http://256.2.3.4"), NULL },
		{ S("http://1.256.3"), NULL },
		{ S("http://18446744075840258049"), NULL },
		{ S("http://1.2.3.4.5"), NULL },
		{ S("http://1.2.65536"), NULL },
		{ S("http://4294967296"), NULL },
		{ S("http://99999999999999999999999"), NULL },
		{ S("http://08.0.0.1"), NULL },
		{ S("http://a.b.1"), NULL },
		{ S("http://1..2"), NULL },
		{ S("http://1.2.3.4x"), "http://1.2.3.4x" },
		/* IPv6 */
		{ S("http://[::1]:3000"), "http://[::1]:3000" },
		{ S("http://[0:0:0:0:0:0:0:0]"), "http://[::]" },
		{ S("http://[2001:DB8:0:0:1:0:0:1]"), "http://[2001:db8::1:0:0:1]" },
		{ S("http://[1:0:0:2:0:0:0:3]"), "http://[1:0:0:2::3]" },
		{ S("http://[1:0:2:3:4:5:6:7]"), "http://[1:0:2:3:4:5:6:7]" },
		{ S("http://[1:2:3:4:5:6:0:0]"), "http://[1:2:3:4:5:6::]" },
		{ S("http://[::ffff:1.2.3.4]"), "http://[::ffff:102:304]" },
		{ S("http://[::1"), NULL },
		{ S("http://::1]"), NULL },
		{ S("http://[]"), NULL },
		{ S("http://[::1%25lo]"), NULL },
		{ S("http://[::1]x"), NULL },
		{ S("http://[1:2:3:4:5:6:7:8:9]"), NULL },
		{ S("http://[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]"), NULL },
		/* ports */
		{ S("http://h:65535"), "http://h:65535" },
		{ S("http://h:65536"), NULL },
		{ S("http://h:4294967376"), NULL },
		{ S("http://h:-1"), NULL },
		{ S("http://h:8 0"), NULL },
		{ S("http://h:80:80"), NULL },
		{ S("http://h:http"), NULL },
		/* no origin at all */
		{ S(""), NULL },
		{ S("null"), NULL },
		{ S("/relative"), NULL },
		{ S("//auth.example.test"), NULL },
		{ S("auth.example.test"), NULL },
		{ S("https//auth.example.test"), NULL },
		{ S("://auth.example.test"), NULL },
		{ S("1http://h"), NULL },
		{ S("ht_tp://h"), NULL },
		{ S("https://"), NULL },
		{ S("https:///"), NULL },
		{ S("https://?x"), NULL },
		{ S("https://:443"), NULL },
		{ S("javascript://auth.example.test/%0aalert(1)"), NULL },
		{ S("data:text/html,x"), NULL },
		{ S("file:///etc/passwd"), NULL },
		{ S("blob:https://auth.example.test/x"), NULL },
		{ S("myapp://x"), NULL },
		{ { NULL, 0 }, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct span origin = SPAN_ABSENT;
		bool has = origin_of_url(mem, rows[i].url, &origin);
		if (has != (rows[i].origin != NULL) || !span_equal(origin, span_of(rows[i].origin)))
			fail_msg("row %zu: %s: %.*s", i, rows[i].url.at, SPAN_FMT(origin));
	}
}

struct trust {
	const char *pattern, *url;
	bool trusted;
};

static void origin_patterns_are_the_contracts(void **state)
{
	(void)state;
	static const struct trust rows[] = {
		{ BASE, BASE, true },
		{ BASE, BASE "/", true },
		{ BASE, BASE "/any/path?x", true },
		{ BASE, "https://AUTH.example.test", true },
		{ BASE, "https://auth.example.test:443", true },
		{ "https://AUTH.example.test:443/", BASE, true },
		{ BASE, "http://auth.example.test", false },
		{ BASE, "https://auth.example.test:444", false },
		{ BASE, "https://auth.example.test.evil.test/", false },
		{ BASE, "https://auth.example.test@evil.test/", false },
		{ BASE, "https://evil.test/https://auth.example.test", false },
		{ BASE, "https://xauth.example.test", false },
		{ BASE, "https://sub.auth.example.test", false },
		{ BASE, "https://auth.example.tes", false },
		{ BASE, "https://auth.example.test, https://evil.test", false },
		{ BASE, "https://auth.example.test,https://evil.test", false },
		{ BASE, "wss://auth.example.test", false },
		{ BASE, "null", false },
		{ BASE, "", false },
		{ BASE, "/", false },
		{ BASE, "auth.example.test", false },
		{ BASE, "//auth.example.test", false },

		{ "https://*.wild.test", "https://a.wild.test", true },
		{ "https://*.wild.test", "https://a.b.wild.test", true },
		{ "https://*.wild.test", "https://A.WILD.test/path", true },
		{ "https://*.WILD.test/", "https://a.wild.test", true },
		{ "https://*.wild.test", "https://wild.test", false },
		{ "https://*.wild.test", "http://a.wild.test", false },
		{ "https://*.wild.test", "https://a.wild.test:8443", false },
		{ "https://*.wild.test", "https://evil.test/.wild.test", false },
		{ "https://*.wild.test", "https://evil.test?.wild.test", false },
		{ "https://*.wild.test", "https://evil.test#.wild.test", false },
		{ "https://*.wild.test", "https://evil.test\\.wild.test", false },
		{ "https://*.wild.test", "https://a.wild.test@evil.test", false },
		{ "https://*.wild.test", "https://awild.test", false },
		{ "https://*.wild.test", "https://a.wild.test.evil.test", false },
		{ "https://app-?.test", "https://app-1.test", true },
		{ "https://app-?.test", "https://app-12.test", false },
		{ "https://app-?.test", "https://app-.test", false },
		{ "http://localhost:*", "http://localhost:3000", true },
		{ "http://localhost:*", "http://localhost", false },
		{ "http://localhost:*", "http://localhost.evil.test:3000", false },
		{ "http://a*b*c.test", "http://a1b2b3c.test", true },
		{ "http://a*b*c.test", "http://a1b2b3c.test.x", false },

		{ "*.host.test", "https://a.host.test", true },
		{ "*.host.test", "http://a.host.test/x", true },
		{ "*.host.test", "https://a.host.test:8443", false },
		{ "*.host.test:*", "https://a.host.test:8443", true },
		{ "*.host.test", "javascript://a.host.test/%0aalert(1)", false },
		{ "*.host.test", "ftp://a.host.test", false },
		{ "*.host.test", "myapp://a.host.test", false },
		{ "*", "https://any.test", true },
		{ "*", "javascript:alert(1)", false },
		{ "*", "null", false },

		/* an address pattern must not open to a host that begins like it */
		{ "http://10.*", "http://10.1.2.3", true },
		{ "http://10.*", "http://10.1.2.3:8080", true },
		{ "http://10.*", "http://10.evil.test", false },
		{ "http://192.168.?.*:3000", "http://192.168.1.20:3000", true },
		{ "http://192.168.?.*:3000", "http://192.168.1.evil.test:3000", false },
		{ "10.0.*", "http://10.0.0.9", true },
		{ "10.0.*", "http://10.0.evil.test", false },

		{ "myapp://", "myapp://", true },
		{ "myapp://", "MyApp://anything/at/all", true },
		{ "myapp://", "myapp:x", true },
		{ "myapp:/", "myapp://x", true },
		{ "myapp://", "myapp2://", false },
		{ "myapp://", "https://myapp", false },
		{ "myapp://callback", "myapp://callback", true },
		{ "myapp://callback", "myapp://CALLBACK/x?y#z", true },
		{ "myapp://callback", "myapp://callback.evil.test", false },
		{ "myapp://callback", "myapp://callback@evil", false },
		{ "myapp://callback", "myapp://evil@callback", false },
		{ "myapp://callback", "myapp://", false },
		{ "myapp://callback", "myapp:callback", false },
		{ "myapp://h/cb", "myapp://h/cb", true },
		{ "myapp://h/cb", "myapp://h/cb/deeper", true },
		{ "myapp://h/cb", "myapp://h//cb/./x/..", true },
		{ "myapp://h/cb", "myapp://h/cb?x", true },
		{ "myapp://h/cb", "myapp://h/cb#x", true },
		{ "myapp://h/cb", "myapp://h/cbx", false },
		{ "myapp://h/cb", "myapp://h/cb/../evil", false },
		{ "myapp://h/cb", "myapp://h/cb/%2e%2e/evil", false },
		{ "myapp://h/cb", "myapp://h/?/cb", false },
		{ "myapp://h/cb", "myapp://h", false },
		{ "tauri://localhost", "tauri://localhost", true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct origin_list *list = list_of_one(rows[i].pattern);
		if (origin_is_trusted(list, mem, span_of(rows[i].url)) != rows[i].trusted)
			fail_msg("row %zu: %s for %s", i, rows[i].url, rows[i].pattern);
	}
	assert_false(origin_is_trusted(NULL, mem, SPAN(BASE)));
}

static void origin_list_is_read_whole(void **state)
{
	(void)state;
	static const char *const patterns[] = { BASE, "https://a.test, https://b.test,myapp://",
						NULL };
	static const struct trust rows[] = {
		{ NULL, BASE, true },
		{ NULL, "https://a.test", true },
		{ NULL, "https://b.test", true },
		{ NULL, "myapp://", true },
		{ NULL, "https://c.test", false },
	};
	struct origin_list *list = list_of(patterns);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (origin_is_trusted(list, mem, span_of(rows[i].url)) != rows[i].trusted)
			fail_msg("row %zu: %s", i, rows[i].url);
	}
}

static void origin_list_refuses_what_would_never_match(void **state)
{
	(void)state;
	static const struct span rows[] = {
		S(""),
		S("https://a.test,"),
		S("a.test"),
		S("localhost:3000"),
		S("https://"),
		S("https://a.test/path"),
		S("https://a.test#x"),
		S("https://user@a.test"),
		S("https://a.test\\x"),
		S("https://a b.test"),
		S("https://a.test:99999"),
		S("https://\xc3\xa4.test"),
		S("https://*.\xc3\xa4.test"),
		S("https://a.test\n"),
		S("https://a.te\0st"),
		S("https://*.a.test/path"),
		S("https://*.a.test/path/"),
		S("*://"),
		S("javascript:"),
		S("javascript://x"),
		S("data:"),
		S("file://"),
		S("blob:https://a.test"),
		S("null"),
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct origin_list *list = NULL;
		struct buf why;
		buf_init(&why, mem, 500);
		if (origin_list_add(&list, mem, rows[i], &why) != STATUS_INVALID)
			fail_msg("row %zu: %s was taken", i, rows[i].at);
		if (why.len == 0 || why.failed)
			fail_msg("row %zu: no reason", i);
	}
}

static void origin_redirects_are_trusted_or_relative(void **state)
{
	(void)state;
	static const char *const patterns[] = { BASE, "https://*.wild.test", "myapp://cb", NULL };
	static const struct {
		struct span url;
		bool safe;
	} rows[] = {
		{ S("/"), true },
		{ S("/dash"), true },
		{ S("/a/b?x=1"), true },
		{ S("/a b"), true },
		{ S("/a#b"), true },
		{ S("/../a"), true },
		{ S("/a//b"), true },
		{ S("/a?next=//evil"), true },
		{ S("/a?next=%2f%5c"), true },
		{ S("/a#%2f"), true },
		{ S("/a%20b%25"), true },
		{ S("/\xc3\xa4"), true },
		{ S(BASE), true },
		{ S(BASE "/x?y#z"), true },
		{ S("https://a.wild.test/x"), true },
		{ S("myapp://cb/done"), true },

		{ S("dash"), false },
		{ S(""), false },
		{ S("?x"), false },
		{ S("#x"), false },
		{ S("./a"), false },
		{ S("//evil"), false },
		{ S("//evil.test/x"), false },
		{ S("///evil"), false },
		{ S("//"), false },
		{ S("//../evil"), false },
		{ S("//.."), false },
		{ S("//./evil"), false },
		{ S("/\\evil"), false },
		{ S("\\\\evil"), false },
		{ S("\\/evil"), false },
		{ S("/a\\b"), false },
		{ S("/a?\\"), false },
		{ S("/%2f%2fevil"), false },
		{ S("/%2Fevil"), false },
		{ S("/%5cevil"), false },
		{ S("/%5Cevil"), false },
		{ S("/a/%2f"), false },
		{ S("/\t/evil"), false },
		{ S("/\n/evil"), false },
		{ S("/\r\nset-cookie: x"), false },
		{ S("/a\x7f"), false },
		{ S("/\0/evil"), false },
		{ S(" /evil"), false },
		{ S("\t//evil"), false },
		{ S("/.//evil"), false },
		{ S("/..//evil"), false },
		{ S("/%2e//evil"), false },
		{ S("/.%2E//evil"), false },
		{ S("/a/..//evil"), false },
		{ S("/a/../..//evil"), false },
		{ S("/a/..///evil"), false },
		{ S("javascript:alert(1)"), false },
		{ S("JaVaScRiPt:alert(1)"), false },
		{ S(" javascript:alert(1)"), false },
		{ S("java\nscript:alert(1)"), false },
		{ S("data:text/html,x"), false },
		{ S("vbscript:x"), false },
		{ S("http://auth.example.test/"), false },
		{ S(BASE ".evil.test/"), false },
		{ S(BASE "@evil.test/"), false },
		{ S(BASE ":443@evil.test/"), false },
		{ S(BASE "\\@evil.test/"), false },
		{ S("https://evil.test\\@auth.example.test/"), false },
		{ S(BASE "/\r\nset-cookie: x"), false },
		{ S("https://evil.test/"), false },
		{ S("https:evil.test"), false },
		{ S("https://wild.test"), false },
		{ S("myapp://cb.evil"), false },
		{ S("myapp://cb\\@evil"), false },
		{ { NULL, 0 }, false },
	};
	struct origin_list *list = list_of(patterns);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (origin_is_safe_redirect(list, mem, rows[i].url) != rows[i].safe)
			fail_msg("row %zu: %s", i, rows[i].url.at);
	}
}

/* A pattern of many stars against a long host does not take for ever. */
static void origin_wildcards_are_bounded(void **state)
{
	(void)state;
	struct origin_list *list = list_of_one("https://*a*a*a*a*a*a*a*a*a*a*a*a*ab.test");
	static char url[65536] = "https://";
	memset(url + 8, 'a', sizeof(url) - 8);
	memcpy(url + sizeof(url) - 5, ".test", 5);
	assert_false(origin_is_trusted(list, mem, span_make(url, sizeof(url))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_of_url_is_whatwgs),
		cmocka_unit_test(origin_patterns_are_the_contracts),
		cmocka_unit_test(origin_list_is_read_whole),
		cmocka_unit_test(origin_list_refuses_what_would_never_match),
		cmocka_unit_test(origin_redirects_are_trusted_or_relative),
		cmocka_unit_test(origin_wildcards_are_bounded),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("origin", tests, set_up, tear_down);
}
