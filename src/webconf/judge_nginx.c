/* SPDX-License-Identifier: MIT */
#include "webconf/judge.h"

#define DEPTH_MAX 16

/* One server block at work. */
struct site {
	struct web_check *check;
	const struct conf_node *http, *server;
	struct conf_node *backends; /* children: names of hosts behind the gate */
	bool gated, refers;
};

/* The innermost level around `node` that has the directive: nginx inherits all
 * of them or none. */
static const struct conf_node *effective(const struct site *site, const struct conf_node *node,
					 const char *name)
{
	for (; node != NULL; node = node->parent) {
		const struct conf_node *found = conf_child(node, name);
		if (found != NULL)
			return found;
		if (node == site->http)
			break;
	}
	return NULL;
}

static bool is_on(const struct site *site, const struct conf_node *node, const char *name,
		  bool preset)
{
	const struct conf_node *found = effective(site, node, name);
	return found != NULL ? conf_has_arg(found, "on") : preset;
}

static const struct conf_node *locate(const struct site *site, const struct conf_node *level,
				      struct span path, unsigned depth);

static const struct conf_node *by_regex(const struct site *site, const struct conf_node *level,
					struct span path, unsigned depth)
{
	struct web_check *check = site->check;
	for (const struct conf_node *at = conf_child(level, "location"); at != NULL;
	     at = conf_from(at->next, "location")) {
		struct span kind = conf_arg(at, 0);
		if (!span_is(kind, "~") && !span_is(kind, "~*"))
			continue;
		enum conf_match match =
			conf_regex(check->mem, conf_arg(at, 1), path, kind.len == 2);
		if (match == CONF_MAYBE)
			web_find(check, WEB_UNKNOWN, at, "location %.*s",
				 SPAN_FMT(conf_arg(at, 1)));
		if (match != CONF_YES)
			continue;
		const struct conf_node *inner = locate(site, at, path, depth + 1);
		return inner != NULL ? inner : at;
	}
	return NULL;
}

/* Which location nginx chooses: exact, else the longest prefix and what is in
 * it, else the first expression that fits, else that prefix. */
static const struct conf_node *locate(const struct site *site, const struct conf_node *level,
				      struct span path, unsigned depth)
{
	const struct conf_node *best = NULL;
	struct span longest = SPAN("");
	bool final = false;
	for (const struct conf_node *at = conf_child(level, "location"); at != NULL;
	     at = conf_from(at->next, "location")) {
		struct span kind = conf_arg(at, 0);
		struct span prefix = at->argc > 1 ? conf_arg(at, 1) : kind;
		if (prefix.len == 0 || span_is(kind, "~") || span_is(kind, "~*") ||
		    prefix.at[0] == '@')
			continue;
		if (span_is(kind, "=") && span_equal(prefix, path))
			return at;
		if (span_is(kind, "=") || !span_starts(path, prefix) ||
		    (best != NULL && prefix.len <= longest.len))
			continue;
		best = at;
		longest = prefix;
		final = span_is(kind, "^~");
	}
	if (depth > DEPTH_MAX)
		return best;
	const struct conf_node *inner = best != NULL ? locate(site, best, path, depth + 1) : NULL;
	if (inner != NULL)
		return inner;
	inner = final ? NULL : by_regex(site, level, path, depth);
	return inner != NULL ? inner : best;
}

static const struct conf_node *passing(const struct conf_node *location)
{
	static const char *const words[] = { "proxy_pass", "fastcgi_pass", "uwsgi_pass",
					     "scgi_pass", "grpc_pass" };
	for (const struct conf_node *at = location != NULL ? location->first : NULL; at != NULL;
	     at = at->next)
		for (size_t i = 0; i < COUNT_OF(words); i++)
			if (conf_is(at, words[i]))
				return at;
	return NULL;
}

static const struct conf_node *named(const struct site *site, const char *kind, size_t arg,
				     struct span name)
{
	const struct conf_node *at = conf_child(site->http, kind);
	while (at != NULL && !span_equal(conf_arg(at, arg), name))
		at = conf_from(at->next, kind);
	return at;
}

static void add_host(struct site *site, struct conf_node *hosts, struct span host,
		     const struct conf_node *node)
{
	const struct conf_node *upstream = named(site, "upstream", 0, host);
	const struct conf_node *at = conf_child(upstream, "server");
	for (; at != NULL; at = conf_from(at->next, "server"))
		if (!conf_has_arg(at, "down"))
			conf_add(site->check->mem, hosts, conf_arg(at, 0), node->file, node->line);
	if (upstream == NULL)
		conf_add(site->check->mem, hosts, host, node->file, node->line);
}

/* The hosts that a ..._pass may lead to, through maps and upstreams. */
static struct conf_node *hosts_of(struct site *site, const struct conf_node *pass)
{
	struct conf_node *hosts =
		conf_add(site->check->mem, NULL, SPAN(""), pass->file, pass->line);
	struct span host = web_host_of(conf_arg(pass, 0));
	if (span_find(host, '$') == host.len) {
		add_host(site, hosts, host, pass);
		return hosts;
	}
	const struct conf_node *map = named(site, "map", 1, host);
	if (map == NULL)
		web_find(site->check, WEB_UNKNOWN, pass, "%.*s", SPAN_FMT(conf_arg(pass, 0)));
	for (const struct conf_node *at = map != NULL ? map->first : NULL; at != NULL;
	     at = at->next)
		add_host(site, hosts, conf_arg(at, 0), pass);
	return hosts;
}

/* Whether an empty `variable` leads to no living server. */
static bool refuses_empty(struct site *site, const struct conf_node *pass, struct span variable)
{
	const struct conf_node *map = named(site, "map", 1, web_host_of(conf_arg(pass, 0)));
	if (map == NULL || !span_equal(conf_arg(map, 0), variable))
		return false;
	for (const struct conf_node *at = map->first; at != NULL; at = at->next) {
		struct conf_node *alive =
			conf_add(site->check->mem, NULL, SPAN(""), at->file, at->line);
		if (at->name.len > 0)
			continue;
		add_host(site, alive, conf_arg(at, 0), at);
		return alive->first == NULL;
	}
	return false;
}

static const struct conf_node *param(const struct site *site, const struct conf_node *location,
				     const char *name)
{
	const struct conf_node *found = NULL;
	for (const struct conf_node *at = effective(site, location, "fastcgi_param"); at != NULL;
	     at = conf_from(at->next, "fastcgi_param"))
		if (span_is(conf_arg(at, 0), name))
			found = at;
	return found;
}

static void judge_gate(struct site *site, const struct conf_node *request)
{
	struct web_check *check = site->check;
	const struct conf_node *gate = locate(site, site->server, conf_arg(request, 0), 0);
	const struct conf_node *pass = conf_child(gate, "fastcgi_pass");
	if (pass == NULL) {
		web_find(check, WEB_NGINX_GATE_LOCATION, request, "%.*s",
			 SPAN_FMT(conf_arg(request, 0)));
		return;
	}
	struct conf_node *hosts = hosts_of(site, pass);
	for (const struct conf_node *at = hosts->first; at != NULL; at = at->next)
		web_note_socket(check, pass, at->name);
	const struct conf_node *mode = param(site, gate, "AUTHBRIDGE_MODE");
	if (mode == NULL)
		web_find(check, WEB_NGINX_MODE, gate, "%s", "");
	else if (!span_is(conf_arg(mode, 1), "authorize"))
		web_find(check, WEB_NGINX_MODE_WRONG, mode, "%.*s", SPAN_FMT(conf_arg(mode, 1)));
	const struct conf_node *target = param(site, gate, "REQUEST_URI");
	if (target == NULL || !span_is(conf_arg(target, 1), "$request_uri"))
		web_find(check, WEB_NGINX_TARGET, target != NULL ? target : gate,
			 "REQUEST_URI %.*s",
			 SPAN_FMT(target != NULL ? conf_arg(target, 1) : SPAN("is missing")));
	if (conf_child(gate, "internal") == NULL)
		web_find(check, WEB_NGINX_INTERNAL, gate, "%s", "");
	if (!is_on(site, gate, "fastcgi_pass_request_headers", true))
		web_find(check, WEB_NGINX_TOKEN, gate, "%s", "");
	const struct conf_node *cache = effective(site, gate, "fastcgi_cache");
	if (cache != NULL && !conf_has_arg(cache, "off"))
		web_find(check, WEB_NGINX_CACHED, cache, "%s", "the gate's own answers");
}

/* The variable that auth_request_set takes from the gate's answer. */
static struct span gate_variable(const struct site *site, const struct conf_node *location)
{
	struct web_check *check = site->check;
	char *source = arena_format(check->mem, "$upstream_http_variable_%.*s",
				    SPAN_FMT(check->facts->variable));
	for (char *at = source; *at != '\0'; at++)
		*at = *at == '-' ? '_' : *at;
	for (const struct conf_node *at = effective(site, location, "auth_request_set"); at != NULL;
	     at = conf_from(at->next, "auth_request_set"))
		if (span_equal_nocase(conf_arg(at, 1), span_of(source)))
			return conf_arg(at, 0);
	return SPAN_ABSENT;
}

static void judge_identity(struct site *site, const struct conf_node *location,
			   const struct conf_node *pass)
{
	struct web_check *check = site->check;
	struct span variable = gate_variable(site, location);
	const char *setter = conf_is(pass, "fastcgi_pass") ? "fastcgi_param" : "proxy_set_header";
	bool told = false;
	for (const struct conf_node *at = effective(site, location, setter); at != NULL;
	     at = conf_from(at->next, setter)) {
		if (variable.len > 0 && span_equal(conf_arg(at, 1), variable))
			told = true;
		else if (conf_search(conf_arg(at, 0), check->facts->variable) <
				 conf_arg(at, 0).len &&
			 conf_arg(at, 1).len > 0) {
			web_find(check, WEB_NGINX_IDENTITY_FORGED, at, "%.*s is %.*s",
				 SPAN_FMT(conf_arg(at, 0)), SPAN_FMT(conf_arg(at, 1)));
			return;
		}
	}
	if (!told)
		web_find(check, WEB_NO_IDENTITY, location, "%s", "");
	else if (!refuses_empty(site, pass, variable))
		web_find(check, WEB_NGINX_EMPTY_USER, pass, "%s", "");
	if (is_on(site, location, "underscores_in_headers", false) ||
	    !is_on(site, location, "ignore_invalid_headers", true))
		web_find(check, WEB_NGINX_UNDERSCORES,
			 effective(site, location, "underscores_in_headers"), "%s", "");
}

static void judge_gated(struct site *site, const struct conf_node *location,
			const struct conf_node *pass)
{
	struct web_check *check = site->check;
	const struct conf_node *satisfy = effective(site, location, "satisfy");
	if (satisfy != NULL && conf_has_arg(satisfy, "any") &&
	    (effective(site, location, "allow") != NULL ||
	     effective(site, location, "auth_basic") != NULL))
		web_find(check, WEB_NGINX_SATISFY, satisfy, "%s", "");
	const struct conf_node *cache = effective(site, location, "proxy_cache");
	if (cache != NULL && !conf_has_arg(cache, "off"))
		web_find(check, WEB_NGINX_CACHED, cache, "%s", "the backend's answers");
	if (conf_is(pass, "proxy_pass") && web_path_of(conf_arg(pass, 0)).len > 0)
		web_find(check, WEB_PATH_CHANGED, pass, "%.*s", SPAN_FMT(conf_arg(pass, 0)));
	const struct conf_node *rewrite = conf_child(location, "rewrite");
	if (rewrite != NULL)
		web_find(check, WEB_PATH_CHANGED, rewrite, "%s", "rewrite");
	if (!is_on(site, site->server, "merge_slashes", true))
		web_find(check, WEB_NGINX_MERGE_SLASHES, site->server, "%s", "");
	judge_identity(site, location, pass);
}

static bool asks(const struct site *site, const struct conf_node *location,
		 const struct conf_node **request_out)
{
	*request_out = effective(site, location, "auth_request");
	return *request_out != NULL && !conf_has_arg(*request_out, "off");
}

static void judge_probe(struct site *site, struct span path, bool plain)
{
	const struct conf_node *location = locate(site, site->server, path, 0), *request = NULL;
	const struct conf_node *pass = passing(location);
	if (pass == NULL) {
		if (plain && conf_child(site->server, "location") != NULL)
			web_find(site->check, WEB_NOT_SERVED, location, "%.*s", SPAN_FMT(path));
		return;
	}
	if (!asks(site, location, &request)) {
		web_find(site->check, WEB_NO_GATE, location, "%.*s", SPAN_FMT(path));
		return;
	}
	struct conf_node *hosts = hosts_of(site, pass);
	for (const struct conf_node *at = hosts->first; at != NULL; at = at->next)
		conf_add(site->check->mem, site->backends, at->name, at->file, at->line);
	judge_gate(site, request);
	judge_gated(site, location, pass);
}

static void judge_service(struct site *site)
{
	struct web_check *check = site->check;
	struct span path = span_of(
		arena_format(check->mem, "%.*s/sign-in/email", SPAN_FMT(check->facts->base_path)));
	const struct conf_node *location = locate(site, site->server, path, 0), *request = NULL;
	const struct conf_node *pass = conf_child(location, "fastcgi_pass");
	if (pass == NULL) {
		web_find(check, WEB_NO_SERVICE, location, "%.*s", SPAN_FMT(path));
		return;
	}
	if (asks(site, location, &request))
		web_find(check, WEB_SERVICE_GATED, location, "%s", "");
	struct conf_node *hosts = hosts_of(site, pass);
	for (const struct conf_node *at = hosts->first; at != NULL; at = at->next)
		web_note_socket(check, pass, at->name);
}

/* Whether a refusal in some gated location ends in this named one. */
static bool is_error_page(const struct conf_node *level, struct span name, unsigned depth)
{
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next)
		if ((conf_is(at, "error_page") && span_equal(conf_arg(at, at->argc - 1), name)) ||
		    is_error_page(at, name, depth + 1))
			return true;
	return false;
}

/* Every other location that leads to what is behind the gate. */
static void judge_other_ways(struct site *site, const struct conf_node *level, unsigned depth)
{
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next) {
		const struct conf_node *pass = passing(at), *request = NULL;
		judge_other_ways(site, at, depth + 1);
		if (pass == NULL || asks(site, at, &request) ||
		    web_has(site->check, WEB_NO_GATE, at))
			continue;
		struct conf_node *hosts = hosts_of(site, pass);
		for (const struct conf_node *host = hosts->first; host != NULL; host = host->next) {
			if (conf_child(site->backends, arena_text(site->check->mem, host->name)) ==
			    NULL)
				continue;
			struct span name = conf_arg(at, 0);
			bool page = name.len > 0 && name.at[0] == '@' &&
				    is_error_page(site->server, name, 0);
			web_find(site->check,
				 page                         ? WEB_NGINX_ERROR_PAGE
				 : conf_child(at, "internal") ? WEB_UNKNOWN
							      : WEB_OTHER_WAY,
				 at, "%.*s", SPAN_FMT(host->name));
		}
	}
}

/* Whether `level` passes anything on at all. */
static bool passes(const struct conf_node *level, const char *word, unsigned depth)
{
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next)
		if (conf_is(at, word) || passes(at, word, depth + 1))
			return true;
	return false;
}

static bool has_tls(const struct conf_node *server)
{
	for (const struct conf_node *at = conf_child(server, "listen"); at != NULL;
	     at = conf_from(at->next, "listen"))
		if (conf_has_arg(at, "ssl"))
			return true;
	return false;
}

void web_judge_nginx(struct web_check *check, const struct conf_node *root)
{
	const struct conf_node *http =
		conf_child(root, "http") != NULL ? conf_child(root, "http") : root;
	struct site site = { .check = check, .http = http };
	/* Without any gate, whatever passes on to a FastCGI service is looked at. */
	const char *mark = passes(http, "auth_request", 0) ? "auth_request" : "fastcgi_pass";
	bool any = false, tls = false, everywhere = conf_child(http, mark) != NULL;
	site.backends = conf_add(check->mem, NULL, SPAN(""), "", 0);
	for (site.server = conf_child(http, "server"); site.server != NULL;
	     site.server = conf_from(site.server->next, "server")) {
		if (!everywhere && !passes(site.server, mark, 0))
			continue;
		any = true;
		tls |= has_tls(site.server);
		struct span path;
		for (size_t i = 0; (path = web_probe(check, i)).len > 0; i++)
			judge_probe(&site, path, i % 7 == 0);
		judge_service(&site);
	}
	for (site.server = conf_child(http, "server"); site.server != NULL;
	     site.server = conf_from(site.server->next, "server"))
		judge_other_ways(&site, site.server, 0);
	if (any)
		web_judge_tls(check, tls);
	else
		web_find(check, WEB_NO_GATE, NULL, "%s", "no server here has auth_request");
}
