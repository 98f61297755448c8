/* SPDX-License-Identifier: MIT */
/* Small configurations; the samples with their seeded mistakes are in
 * tests/e2e/test_check_web.py. */
#include "webconf/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *mem;
static struct span probe_paths[] = { { "/api/nobody/x", 13 } };
static struct web_facts facts = {
	.base_path = { "/api/auth", 9 },
	.variable = { "User-Id", 7 },
	.paths = probe_paths,
	.path_count = 1,
};

static enum status nothing_included(const struct conf_source *source, struct arena *into,
				    struct span pattern, struct conf_file **files_out,
				    size_t *count_out)
{
	static const char lua[] = "-- r.req_header[\"X-User-Id\"] = user\nreturn 0\n";
	(void)source;
	if (!span_is(pattern, "/gate.lua") && !span_is(pattern, "/etc/part"))
		return STATUS_NOT_FOUND;
	*files_out = arena_alloc(into, sizeof(**files_out));
	(*files_out)->path = "part";
	(*files_out)->text = span_is(pattern, "/etc/part") ? SPAN("inner a;\n") : span_of(lua);
	*count_out = 1;
	return STATUS_OK;
}

static const struct conf_source source = { .read = nothing_included };

static enum status parse(conf_reader *reader, const char *text, struct conf_node **root_out,
			 const char **why_out)
{
	struct conf_reading r = { .mem = mem, .source = &source, .base = SPAN("/etc") };
	const struct conf_file file = { "f", span_of(text) };
	*root_out = conf_add(mem, NULL, SPAN(""), "f", 0);
	enum status status = reader(&r, file, *root_out);
	*why_out = r.why;
	return status;
}

/* A tree as one line: name(args){children}. */
static void flatten(const struct conf_node *node, struct buf *out)
{
	for (const struct conf_node *at = node->first; at != NULL; at = at->next) {
		buf_add(out, at->name);
		for (size_t i = 0; i < at->argc; i++)
			buf_format(out, "|%.*s", SPAN_FMT(at->args[i]));
		buf_byte(out, at->first != NULL ? '{' : ';');
		flatten(at, out);
		if (at->first != NULL)
			buf_byte(out, '}');
	}
}

struct reading_case {
	conf_reader *reader;
	const char *text, *flat; /* flat NULL: must be refused */
};

static const struct reading_case readings[] = {
	{ conf_read_nginx, "a 'b c' \"d\\\"e\" ${f}g; # h\ni { j; k { } }",
	  "a|b c|d\"e|${f}g;i{j;k;}" },
	{ conf_read_nginx, "include part; x;", "include|part;inner|a;x;" },
	{ conf_read_nginx, "a { b;", NULL },
	{ conf_read_nginx, "a; }", NULL },
	{ conf_read_nginx, "a b", NULL },
	{ conf_read_nginx, "a 'b;", NULL },
	{ conf_read_nginx, "a b }", NULL },
	{ conf_read_nginx, "include gone;", NULL },
	{ conf_read_apache, "A \"b c\" d\\\n e\n# f\n<G \"h\">\n\tI j\n</G>\n",
	  "A|b c|d|e;G|h{I|j;}" },
	{ conf_read_apache, "Define X y\nA ${X}z ${W}\n", "Define|X|y;A|yz|${W};" },
	{ conf_read_apache,
	  "LoadModule a_module a.so\n<IfModule mod_a.c>\nA\n</IfModule>\n"
	  "<IfModule !a_module>\nB\n</IfModule>\n<IfModule mod_c.c>\nC\n"
	  "<D>\nE\n</D>\n</IfModule>\n",
	  "LoadModule|a_module|a.so;A;" },
	{ conf_read_apache, "<IfModule mod_a.c>\nA\n</IfModule>\n", "A;" },
	{ conf_read_apache, "<IfDefine X>\nA\n</IfDefine>\nDefine X\n<IfDefine X>\nB\n</IfDefine>",
	  "Define|X;B;" },
	{ conf_read_apache, "<A>\n<B>\n</A>\n</B>\n", NULL },
	{ conf_read_apache, "<A>\nB\n", NULL },
	{ conf_read_apache, "</A>\n", NULL },
	{ conf_read_apache, "<A\nB\n", NULL },
	{ conf_read_apache, "<Macro x>\n</Macro>\n", NULL },
	{ conf_read_apache, "Include gone\n", NULL },
	{ conf_read_apache, "IncludeOptional gone\nA\n", "IncludeOptional|gone;A;" },
	{ conf_read_lighttpd,
	  "config {\n a = \"b\\\"c\"\n d = (\"e\", 1)\n f = (\"g\" => (\n"
	  "(\"h\" => 2,),\n),)\n}\n",
	  "a|b\"c;d{|e;|1;}f{g{{h|2;}}}" },
	{ conf_read_lighttpd,
	  "config {\n $X =^ \"y\" {\n # block\n a = 1\n } # end\n else {\n }\n}\n",
	  "$X|=^|y{a|1;}else|else;" },
	{ conf_read_lighttpd, "a = 1\n", NULL },
	{ conf_read_lighttpd, "config {\n a = (1\n", NULL },
	{ conf_read_lighttpd, "config {\n a 1\n}\n", NULL },
	{ conf_read_lighttpd, "config {\n a = \"b\n}\n", NULL },
	{ conf_read_lighttpd, "config {\n a = 1\n}\nb = 2\n", NULL },
};

static void configurations_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(readings); i++) {
		const struct reading_case *c = &readings[i];
		struct conf_node *root = NULL;
		const char *why = NULL;
		struct buf flat;
		enum status status = parse(c->reader, c->text, &root, &why);
		if (status != (c->flat != NULL ? STATUS_OK : STATUS_INVALID))
			fail_msg("case %zu: %s, %s", i, status_word(status), why);
		assert_true(status == STATUS_OK || why != NULL);
		buf_init(&flat, mem, 4096);
		flatten(root, &flat);
		if (c->flat != NULL && !span_is(buf_span(&flat), c->flat))
			fail_msg("case %zu: %.*s", i, SPAN_FMT(buf_span(&flat)));
	}
}

static void expressions_give_three_answers(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool nocase;
		enum conf_match match;
	} cases[] = {
		{ "^/api/", "/api/x", false, CONF_YES },
		{ "^/api/", "/x/api/", false, CONF_NO },
		{ "\\.php$", "/a.php", false, CONF_YES },
		{ "^/API", "/api", false, CONF_NO },
		{ "^/API", "/api", true, CONF_YES },
		{ "(?i)^/API", "/api", false, CONF_YES },
		{ "^/(?:api)/", "/api/", false, CONF_MAYBE },
		{ "^/(?!auth)", "/api/", false, CONF_MAYBE },
		{ "^/a.*?/", "/api/", false, CONF_MAYBE },
		{ "\\d", "/1", false, CONF_MAYBE },
		{ "(", "/(", false, CONF_MAYBE },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (conf_regex(mem, span_of(cases[i].pattern), span_of(cases[i].subject),
			       cases[i].nocase) != cases[i].match)
			fail_msg("case %zu", i);
}

/* Whether the judge finds that rule. */
static bool finds(conf_reader *reader, void (*judge)(struct web_check *, const struct conf_node *),
		  const char *text, enum web_rule rule)
{
	struct web_check check = { .mem = mem, .facts = &facts, .source = &source };
	struct conf_node *root = NULL;
	const char *why = NULL;
	check.sockets = conf_add(mem, NULL, SPAN(""), "", 0);
	assert_int_equal(parse(reader, text, &root, &why), STATUS_OK);
	judge(&check, root);
	for (const struct web_finding *f = check.first; f != NULL; f = f->next)
		if (f->rule == rule)
			return true;
	return false;
}

static void an_empty_configuration_is_not_well(void **state)
{
	(void)state;
	assert_true(finds(conf_read_nginx, web_judge_nginx, "", WEB_NO_GATE));
	assert_true(finds(conf_read_apache, web_judge_apache, "", WEB_NO_GATE));
	assert_true(finds(conf_read_lighttpd, web_judge_lighttpd, "config {\n}\n", WEB_NOT_SERVED));
}

#define NGINX_SITE                                                               \
	"server { location /api/auth/ { fastcgi_pass s; } location = /g {"       \
	" internal; fastcgi_param AUTHBRIDGE_MODE authorize; fastcgi_param"      \
	" REQUEST_URI $request_uri; fastcgi_pass s; } location /api/ {"          \
	" auth_request /g; auth_request_set $u $upstream_http_variable_user_id;" \
	" proxy_set_header X-User-Id $u; proxy_pass http://b; } "

static void nginx_locations_are_chosen_as_nginx_does(void **state)
{
	static const struct {
		const char *more;
		bool open;
	} cases[] = {
		{ "}", false },
		{ "location ~ x { proxy_pass http://b; } }", true },
		{ "location ~* X { proxy_pass http://b; } }", true },
		{ "location ~ X { proxy_pass http://c; } }", false },
		{ "location /api/nobody/ { proxy_pass http://b; } }", true },
		{ "location ^~ /api/n { auth_request /g; proxy_pass http://b; }"
		  " location ~ x { proxy_pass http://c; } }",
		  false },
		{ "location = /api/nobody/x { proxy_pass http://c; } }", true },
		{ "location = /api/nobody { proxy_pass http://c; } }", false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *text = arena_format(mem, "%s%s", NGINX_SITE, cases[i].more);
		if (finds(conf_read_nginx, web_judge_nginx, text, WEB_NO_GATE) != cases[i].open)
			fail_msg("case %zu", i);
	}
}

#define APACHE_PASS                                               \
	"AuthnzFcgiDefineProvider authnz p fcgi://127.0.0.1:1/\n" \
	"ProxyPass /api/auth/ fcgi://127.0.0.1:1/\nProxyPass /api/ http://b/\n"
#define APACHE_GATE "AuthType B\nAuthnzFcgiCheckAuthnProvider p UserExpr \"%{reqenv:User-Id}\"\n"

static void apache_sections_are_merged_as_apache_does(void **state)
{
	static const struct {
		const char *more;
		enum web_rule rule;
		bool found;
	} cases[] = {
		{ "<Location /api/>\n" APACHE_GATE "Require p\n</Location>\n",
		  WEB_APACHE_REQUIRE_BESIDE, false },
		{ "<Location /api/>\n" APACHE_GATE "<RequireAll>\nRequire p\n"
		  "Require all granted\n</RequireAll>\n</Location>\n",
		  WEB_APACHE_REQUIRE_BESIDE, false },
		{ "<Location /api/>\n" APACHE_GATE "<RequireAny>\nRequire p\n"
		  "Require all granted\n</RequireAny>\n</Location>\n",
		  WEB_APACHE_REQUIRE_BESIDE, true },
		{ "<Location /api/>\n" APACHE_GATE "Require p\n</Location>\n"
		  "<Location /api/nobody>\nRequire all granted\n</Location>\n",
		  WEB_APACHE_REQUIRE_BESIDE, true },
		{ "<Location /api/>\n" APACHE_GATE "Require p\nCGIPassAuth On\n</Location>\n"
		  "<LocationMatch x>\nCGIPassAuth Off\n</LocationMatch>\n",
		  WEB_APACHE_TOKEN, true },
		{ "<Location /api/>\n" APACHE_GATE "Require p\n</Location>\n"
		  "<Location />\nAuthMerging Or\nRequire local\n</Location>\n",
		  WEB_APACHE_AUTH_MERGING, true },
		{ "<Location /api/*>\n" APACHE_GATE "Require p\n</Location>\n", WEB_NO_GATE, true },
		{ "<Location /api/*/*>\n" APACHE_GATE "Require p\n</Location>\n", WEB_NO_GATE,
		  false },
		{ "<If \"true\">\n<Location /x>\n</Location>\n</If>\n", WEB_NO_GATE, true },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *text = arena_format(mem, "%s%s", APACHE_PASS, cases[i].more);
		if (finds(conf_read_apache, web_judge_apache, text, cases[i].rule) !=
		    cases[i].found)
			fail_msg("case %zu", i);
	}
}

static void lua_that_only_speaks_of_it_sets_nothing(void **state)
{
	static const char text[] =
		"config {\n server.modules = (\"mod_magnet\", \"mod_fastcgi\", \"mod_proxy\")\n"
		" magnet.attract-raw-url-to = (\"/gate.lua\")\n"
		" fastcgi.server = (\"/api/\" => ((\"socket\" => \"/s\", \"mode\" => \"authorizer\","
		" \"check-local\" => \"disable\")))\n"
		" proxy.server = (\"\" => ((\"host\" => \"b\", \"port\" => 1)))\n}\n";
	(void)state;
	assert_true(finds(conf_read_lighttpd, web_judge_lighttpd, text, WEB_NO_IDENTITY));
	assert_true(finds(conf_read_lighttpd, web_judge_lighttpd, text, WEB_LIGHTTPD_EMPTY_ANSWER));
	assert_true(finds(conf_read_lighttpd, web_judge_lighttpd, text, WEB_SERVICE_GATED));
	assert_false(finds(conf_read_lighttpd, web_judge_lighttpd, text, WEB_NO_GATE));
}

static void every_rule_has_its_words(void **state)
{
	(void)state;
	for (int i = 0; i < WEB_RULES; i++) {
		const struct web_rule_text *rule = web_rule_text((enum web_rule)i);
		assert_non_null(rule->id);
		assert_non_null(rule->text);
		assert_non_null(rule->remedy);
		assert_true(strcmp(rule->severity, "open") == 0 ||
			    strcmp(rule->severity, "broken") == 0 ||
			    strcmp(rule->severity, "weak") == 0 ||
			    strcmp(rule->severity, "unknown") == 0);
	}
}

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(configurations_are_read_or_refused),
		CASE(expressions_give_three_answers),
		CASE(an_empty_configuration_is_not_well),
		CASE(nginx_locations_are_chosen_as_nginx_does),
		CASE(apache_sections_are_merged_as_apache_does),
		CASE(lua_that_only_speaks_of_it_sets_nothing),
		CASE(every_rule_has_its_words),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
