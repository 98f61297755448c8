/* SPDX-License-Identifier: MIT */
#include "webconf/apache_site.h"

#define DEPTH_MAX 16

static const char *const methods[] = { "GET", "POST", "OPTIONS", "DELETE" };

/* Who gets in without a token, by what the Require lines say. */
enum grant { GRANT_NOBODY, GRANT_GATE, GRANT_SOME, GRANT_ALL };

struct gate {
	struct span name;                 /* of the provider */
	const struct conf_node *provider; /* AuthnzFcgiDefineProvider */
	const struct conf_node *asked;    /* AuthnzFcgiCheckAuthnProvider */
	const struct conf_node *culprit;  /* the Require that lets others in */
};

static const struct conf_node *provider_named(const struct apache_site *site, struct span name)
{
	const struct conf_node *at = conf_child(site->root, "AuthnzFcgiDefineProvider");
	while (at != NULL && !span_equal(conf_arg(at, 1), name))
		at = conf_from(at->next, "AuthnzFcgiDefineProvider");
	return at;
}

static bool is_one_of(struct span word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal_nocase(word, span_of(words[i])))
			return true;
	return false;
}

static enum grant grant_of_line(const struct apache_site *site, struct gate *gate,
				const struct conf_node *line)
{
	static const char *const users[] = { "valid-user", "user", "group" };
	struct span kind = conf_arg(line, 0);
	if (provider_named(site, kind) != NULL || is_one_of(kind, users, COUNT_OF(users)))
		return GRANT_GATE;
	if (span_equal_nocase(kind, SPAN("all")) && conf_has_arg(line, "denied"))
		return GRANT_NOBODY;
	if (span_equal_nocase(kind, SPAN("method")) && !conf_has_arg(line, site->method))
		return GRANT_NOBODY;
	gate->culprit = line;
	return span_equal_nocase(kind, SPAN("all")) || span_equal_nocase(kind, SPAN("method"))
		       ? GRANT_ALL
		       : GRANT_SOME;
}

static enum grant grant_of(const struct apache_site *site, struct gate *gate,
			   const struct conf_node *level, unsigned depth)
{
	bool all = conf_is(level, "RequireAll"), any = false;
	enum grant grant = all ? GRANT_ALL : GRANT_NOBODY;
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next) {
		enum grant one = GRANT_NOBODY;
		if (conf_is(at, "Require"))
			one = grant_of_line(site, gate, at);
		else if (conf_is(at, "RequireAny") || conf_is(at, "RequireAll"))
			one = grant_of(site, gate, at, depth + 1);
		else
			continue;
		any = true;
		grant = (all ? one < grant : one > grant) ? one : grant;
	}
	return any ? grant : GRANT_NOBODY;
}

enum access { ACCESS_GATED, ACCESS_OPEN, ACCESS_SHUT };

/* No Require is in force. Where AuthType stands alone that is a 500; where
 * another method has one, as in <Limit>, this one is asked nothing. */
static enum access access_without(const struct apache_site *site, const struct gate *gate)
{
	const struct conf_node *type = apache_setting(site, "AuthType");
	struct apache_site other = *site;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		other.method = methods[i];
		if (apache_require(&other) != NULL)
			return ACCESS_OPEN;
	}
	if (type == NULL || conf_has_arg(type, "None"))
		return ACCESS_OPEN;
	web_find(site->check, WEB_APACHE_NO_REQUIRE, gate->asked != NULL ? gate->asked : type, "%s",
		 "");
	return ACCESS_SHUT;
}

/* What comes of a request without a token. */
static enum access access_of(const struct apache_site *site, struct gate *gate)
{
	struct web_check *check = site->check;
	const struct conf_node *level = apache_require(site);
	const struct conf_node *satisfy = apache_setting(site, "Satisfy");
	const struct conf_node *merging = apache_setting(site, "AuthMerging");
	if (satisfy != NULL && conf_has_arg(satisfy, "any"))
		web_find(check, WEB_APACHE_SATISFY, satisfy, "%s", "");
	if (merging != NULL && conf_has_arg(merging, "Or"))
		web_find(check, WEB_APACHE_AUTH_MERGING, merging, "%s", "");
	if (level == NULL)
		return access_without(site, gate);
	if (grant_of(site, gate, level, 0) < GRANT_SOME)
		return ACCESS_GATED;
	if (gate->asked == NULL)
		return ACCESS_OPEN;
	if (strcmp(site->method, "OPTIONS") == 0 && span_is(conf_arg(gate->culprit, 0), "method"))
		web_find(check, WEB_PREFLIGHT_WIDE, gate->culprit, "%s", "");
	else
		web_find(check, WEB_APACHE_REQUIRE_BESIDE, gate->culprit, "%s %.*s", site->method,
			 SPAN_FMT(site->path));
	return ACCESS_GATED;
}

/* The value behind a key of AuthnzFcgiCheckAuthnProvider. */
static struct span option(const struct conf_node *line, const char *key)
{
	for (size_t i = 1; i + 1 < line->argc; i++)
		if (span_equal_nocase(line->args[i], span_of(key)))
			return line->args[i + 1];
	return SPAN_ABSENT;
}

/* Whether the gate's variable stands in `text` between those two. */
static bool names_variable(const struct web_check *check, struct span text, const char *before,
			   const char *after)
{
	const char *whole = arena_format(check->mem, "%s%.*s%s", before,
					 SPAN_FMT(check->facts->variable), after);
	return conf_search(text, span_of(whole)) < text.len;
}

static void judge_provider(const struct apache_site *site, const struct gate *gate)
{
	struct web_check *check = site->check;
	const struct conf_node *token = apache_setting(site, "CGIPassAuth");
	if (gate->provider == NULL || span_equal_nocase(conf_arg(gate->provider, 0), SPAN("authz")))
		web_find(check, WEB_APACHE_PROVIDER,
			 gate->provider != NULL ? gate->provider : gate->asked, "%.*s",
			 SPAN_FMT(gate->name));
	else
		web_note_socket(check, gate->provider, web_host_of(conf_arg(gate->provider, 2)));
	if (token == NULL || !conf_has_arg(token, "on"))
		web_find(check, WEB_APACHE_TOKEN, token != NULL ? token : gate->asked, "%s", "");
	if (!span_equal_nocase(option(gate->asked, "Authoritative"), SPAN("on")) &&
	    option(gate->asked, "Authoritative").len > 0)
		web_find(check, WEB_APACHE_AUTHORITATIVE, gate->asked, "%s", "");
	if (option(gate->asked, "DefaultUser").len > 0)
		web_find(check, WEB_APACHE_DEFAULT_USER, gate->asked, "%s", "");
	else if (!names_variable(check, option(gate->asked, "UserExpr"), "%{reqenv:", "}"))
		web_find(check, WEB_APACHE_USER_EXPR, gate->asked, "%s", "");
	if (apache_setting(site, "AuthType") == NULL)
		web_find(check, WEB_APACHE_AUTH_TYPE, gate->asked, "%s", "");
}

/* What the RequestHeader lines do, one after another. */
struct headers {
	struct span identity;        /* the header that gets the user */
	const struct conf_node *set; /* by this line */
	struct conf_node *removed;   /* names of those unset before that */
	bool early, lost, hop;
};

static bool sets_identity(const struct web_check *check, const struct conf_node *line)
{
	struct span value = conf_arg(line, 2);
	return span_equal_nocase(conf_arg(line, 0), SPAN("set")) &&
	       (names_variable(check, value, "%{", "}e") ||
		names_variable(check, value, "%{reqenv:", "}") ||
		conf_search(value, SPAN("%{REMOTE_USER}")) < value.len);
}

static void visit_headers(const struct apache_site *site, const struct conf_node *level,
			  void *context)
{
	struct headers *headers = context;
	for (const struct conf_node *at = conf_child(level, "RequestHeader"); at != NULL;
	     at = conf_from(at->next, "RequestHeader")) {
		struct span action = conf_arg(at, 0), name = conf_arg(at, 1);
		bool is_early = conf_has_arg(at, "early");
		bool is_identity =
			headers->set != NULL && span_equal_nocase(name, headers->identity);
		if (span_equal_nocase(action, SPAN("unset")) && !is_early) {
			headers->lost |= is_identity;
			conf_add(site->check->mem, headers->removed, name, at->file, at->line);
		} else if (sets_identity(site->check, at)) {
			headers->set = at;
			headers->identity = name;
			headers->early |= is_early;
			headers->lost = false;
		} else if (span_equal_nocase(name, SPAN("Connection"))) {
			headers->hop = true;
		}
		headers->early |=
			is_early && conf_search(name, site->check->facts->variable) < name.len;
	}
}

static void judge_headers(const struct apache_site *site, const struct gate *gate)
{
	struct web_check *check = site->check;
	struct headers headers = { .identity = SPAN("X-User-Id") };
	headers.removed = conf_add(check->mem, NULL, SPAN(""), "", 0);
	apache_visit(site, visit_headers, &headers);
	if (headers.early) {
		web_find(check, WEB_APACHE_EARLY, headers.set, "%s", "");
		return;
	}
	if (headers.set == NULL) {
		web_find(check, WEB_NO_IDENTITY, gate->asked, "%s", "");
		return;
	}
	if (headers.lost)
		web_find(check, WEB_APACHE_HEADER_ORDER, headers.set, "%s", "");
	if (!headers.hop)
		web_find(check, WEB_APACHE_HOP, headers.set, "%s", "");
	struct span spelling;
	for (size_t n = 0; (spelling = web_spelling(check, headers.identity, n)).len > 0; n++)
		if (conf_child(headers.removed, arena_text(check->mem, spelling)) == NULL)
			web_find(check, WEB_HEADER_SPELLING, headers.set, "%.*s",
				 SPAN_FMT(spelling));
}

/* Whether a variable that SetEnvIf sets for names like the identity's makes a
 * rewrite rule refuse the request. */
static bool refuses_odd_names(const struct apache_site *site)
{
	const struct conf_node *marks = conf_child(site->host, "SetEnvIfNoCase");
	while (marks != NULL &&
	       conf_search(conf_arg(marks, 0), SPAN("user[")) == conf_arg(marks, 0).len)
		marks = conf_from(marks->next, "SetEnvIfNoCase");
	const char *asked = arena_format(site->check->mem, "%%{ENV:%.*s}",
					 SPAN_FMT(marks != NULL ? conf_arg(marks, 2) : SPAN("")));
	const struct conf_node *cond = conf_child(site->host, "RewriteCond");
	while (cond != NULL && !conf_has_arg(cond, asked))
		cond = conf_from(cond->next, "RewriteCond");
	return marks != NULL && cond != NULL;
}

static void judge_server(const struct apache_site *site)
{
	struct web_check *check = site->check;
	const struct conf_node *encoded = apache_setting(site, "AllowEncodedSlashes");
	const struct conf_node *trace = apache_setting(site, "TraceEnable");
	const struct conf_node *refusal = conf_child(site->host, "RewriteCond");
	if (encoded != NULL && !conf_has_arg(encoded, "off"))
		web_find(check, WEB_APACHE_ENCODED_SLASHES, encoded, "%s", "");
	if (trace == NULL || !conf_has_arg(trace, "off"))
		web_find(check, WEB_APACHE_TRACE, trace != NULL ? trace : site->host, "%s", "");
	while (refusal != NULL && !conf_has_arg(refusal, "%{ENV:REDIRECT_STATUS}"))
		refusal = conf_from(refusal->next, "RewriteCond");
	if (refusal == NULL)
		web_find(check, WEB_APACHE_REDIRECT, site->host, "%s", "");
	if (!refuses_odd_names(site))
		web_find(check, WEB_APACHE_ODD_NAMES, site->host, "%s", "");
}

static struct gate gate_of(const struct apache_site *site)
{
	struct gate gate = { .asked = apache_setting(site, "AuthnzFcgiCheckAuthnProvider") };
	gate.name = conf_arg(gate.asked, 0);
	if (gate.asked != NULL && span_equal_nocase(gate.name, SPAN("None")))
		gate.asked = NULL;
	gate.provider = provider_named(site, gate.name);
	return gate;
}

/* Where the service is, by the provider's address. */
static bool leads_to_service(const struct apache_site *site, struct span target)
{
	for (const struct conf_node *at = conf_child(site->root, "AuthnzFcgiDefineProvider");
	     at != NULL; at = conf_from(at->next, "AuthnzFcgiDefineProvider"))
		if (span_equal(web_host_of(conf_arg(at, 2)), web_host_of(target)))
			return true;
	return false;
}

/* Whether the method gets to the proxy at `path`; the host of the backend. */
static bool judge_probe(struct apache_site *site, struct conf_node *backends)
{
	struct web_check *check = site->check;
	struct span target = SPAN("");
	const struct conf_node *proxy = apache_proxy(site, &target);
	if (proxy == NULL || leads_to_service(site, target))
		return false;
	struct gate gate = gate_of(site);
	const struct conf_node *basic = apache_setting(site, "AuthBasicProvider");
	if (gate.asked == NULL && basic != NULL &&
	    provider_named(site, conf_arg(basic, 0)) != NULL) {
		web_find(check, WEB_APACHE_BASIC, basic, "%s", "");
		return true;
	}
	enum access access = access_of(site, &gate);
	if (access == ACCESS_OPEN)
		web_find(check, WEB_NO_GATE, proxy, "%s %.*s", site->method, SPAN_FMT(site->path));
	if (access != ACCESS_GATED)
		return true;
	conf_add(check->mem, backends, web_host_of(target), proxy->file, proxy->line);
	if (gate.asked == NULL) {
		web_find(check, WEB_APACHE_PROVIDER, proxy, "%s",
			 "AuthnzFcgiCheckAuthnProvider is missing");
		return true;
	}
	judge_provider(site, &gate);
	judge_headers(site, &gate);
	judge_server(site);
	return true;
}

static void judge_service(struct apache_site *site)
{
	struct web_check *check = site->check;
	struct span target = SPAN("");
	struct gate gate = { .asked = NULL };
	site->path = span_of(
		arena_format(check->mem, "%.*s/sign-in/email", SPAN_FMT(check->facts->base_path)));
	const struct conf_node *proxy = apache_proxy(site, &target);
	if (proxy == NULL || !span_starts(target, SPAN("fcgi://"))) {
		web_find(check, WEB_NO_SERVICE, proxy, "%.*s", SPAN_FMT(site->path));
		return;
	}
	web_note_socket(check, proxy, web_host_of(target));
	const struct conf_node *require = apache_require(site);
	if (require != NULL && grant_of(site, &gate, require, 0) < GRANT_SOME)
		web_find(check, WEB_SERVICE_GATED, proxy, "%s", "");
}

/* Every other ProxyPass to a gated backend: its own path, and one below it. */
static void judge_other_ways(struct apache_site *site, const struct conf_node *backends)
{
	static const char *const below[] = { "", "x", "/x" };
	struct arena *mem = site->check->mem;
	for (const struct conf_node *at = site->host->first; at != NULL; at = at->next) {
		bool inside = conf_is(at, "Location") && conf_child(at, "ProxyPass") != NULL;
		if (!conf_is(at, "ProxyPass") && !inside)
			continue;
		for (size_t i = 0; i < COUNT_OF(below); i++) {
			struct span target = SPAN("");
			site->path = span_of(
				arena_format(mem, "%.*s%s", SPAN_FMT(conf_arg(at, 0)), below[i]));
			const struct conf_node *proxy = apache_proxy(site, &target);
			struct gate gate = gate_of(site);
			if (proxy == NULL || gate.asked != NULL)
				continue;
			if (conf_child(backends, arena_text(mem, web_host_of(target))) != NULL)
				web_find(site->check, WEB_OTHER_WAY, at, "%.*s",
					 SPAN_FMT(site->path));
		}
	}
}

static void judge_host(struct apache_site *site, struct conf_node *backends)
{
	for (int assume = 0; assume < 2; assume++) {
		bool served = false;
		struct span path;
		site->assume = assume == 1;
		for (size_t i = 0; (path = web_probe(site->check, i)).len > 0; i++)
			for (size_t m = 0; m < COUNT_OF(methods); m++) {
				site->path = path;
				site->method = methods[m];
				served |= judge_probe(site, backends);
			}
		if (!served)
			web_find(site->check, WEB_NOT_SERVED, site->host, "%.*s",
				 SPAN_FMT(web_probe(site->check, 0)));
	}
	site->method = "POST";
	judge_service(site);
}

static bool holds(const struct conf_node *level, const char *name, unsigned depth)
{
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next)
		if (conf_is(at, name) ||
		    (!conf_is(at, "VirtualHost") && holds(at, name, depth + 1)))
			return true;
	return false;
}

/* The server itself and its virtual hosts, one after another. */
static const struct conf_node *next_host(const struct conf_node *root, const struct conf_node *host)
{
	return conf_from(host == root ? root->first : host->next, "VirtualHost");
}

/* Those with a gate; where there is none, those that proxy at all. */
static bool is_site(const struct conf_node *host, bool any_gate)
{
	return holds(host, any_gate ? "AuthnzFcgiCheckAuthnProvider" : "ProxyPass", 0);
}

void web_judge_apache(struct web_check *check, const struct conf_node *root)
{
	struct apache_site site = { .check = check, .root = root };
	struct conf_node *backends = conf_add(check->mem, NULL, SPAN(""), "", 0);
	bool any_gate = false, any = false, tls = false;
	for (site.host = root; site.host != NULL; site.host = next_host(root, site.host))
		any_gate |= is_site(site.host, true);
	for (site.host = root; site.host != NULL; site.host = next_host(root, site.host)) {
		const struct conf_node *engine = conf_child(site.host, "SSLEngine");
		if (!is_site(site.host, any_gate))
			continue;
		any = true;
		tls |= engine != NULL && conf_has_arg(engine, "on");
		judge_host(&site, backends);
	}
	for (site.host = root; site.host != NULL; site.host = next_host(root, site.host))
		judge_other_ways(&site, backends);
	if (any)
		web_judge_tls(check, tls);
	else
		web_find(check, WEB_NO_GATE, NULL, "%s", "no virtual host here has a gate");
}
