/* SPDX-License-Identifier: MIT */
#include "webconf/judge.h"

#include <stdarg.h>

static const struct web_rule_text rules[WEB_RULES] = {
	[WEB_UNKNOWN] = { "cannot-judge", "unknown", "this is not understood here",
			  "request a protected path without a token and expect 401" },
	[WEB_NO_GATE] = { "no-gate", "open", "requests reach the backend without asking the gate",
			  "take the gate's lines from the sample, for every method" },
	[WEB_OTHER_WAY] = { "other-way", "open",
			    "another path leads to the gated backend and asks no gate",
			    "gate it, remove it, or give it a backend of its own" },
	[WEB_NO_IDENTITY] = { "no-identity", "open",
			      "the backend is not told the gate's user, only what the client says",
			      "set X-User-Id from the gate's answer, as the sample does" },
	[WEB_HEADER_SPELLING] = { "header-spelling", "open",
				  "a client's own identity header reaches the backend",
				  "remove the header in every spelling before setting it" },
	[WEB_NOT_SERVED] = { "not-served", "broken", "a route of the gate leads to no backend here",
			     "pass the path on, or change `route`" },
	[WEB_NO_SERVICE] = { "no-service", "broken", "base_path does not lead to the service",
			     "pass base_path to the service before the rest of /api/" },
	[WEB_SERVICE_GATED] = { "service-gated", "broken",
				"sign-in itself needs a token: base_path is behind the gate",
				"take base_path out of the gated section, after it" },
	[WEB_PREFLIGHT_WIDE] = { "preflight-wide", "open",
				 "every OPTIONS request reaches the backend, not only preflights",
				 "answer preflights in the web server, as the sample does" },
	[WEB_NO_TLS] = { "no-tls", "broken",
			 "base_url is https, but this server has no TLS: cookies are not sent",
			 "set up TLS, or name the balancer that ends it in trusted_proxies" },
	[WEB_TLS_UNUSED] = { "tls-unused", "weak",
			     "there is TLS here, but base_url is http: cookies lack Secure",
			     "begin base_url with https" },
	[WEB_SOCKET_OPEN] = { "socket-open", "open",
			      "every local user can open the service's socket",
			      "listen_mode = 0660 and the web server's group" },
	[WEB_SOCKET_MISSING] = { "socket-missing", "unknown",
				 "the service's socket is not there to be looked at",
				 "start the service, or correct the path" },
	[WEB_PEERS_WIDE] = { "listen-peers-wide", "open",
			     "listen_peers lets whole networks of strangers connect",
			     "name the web servers' addresses alone" },
	[WEB_PEERS_MISSING] = { "listen-peers-missing", "broken",
				"the service refuses such an address without listen_peers",
				"set listen_peers to the web server's address" },
	[WEB_PATH_CHANGED] = { "path-changed", "weak",
			       "the backend gets another path than the gate has judged",
			       "pass the path on as it came" },
	[WEB_APACHE_TOKEN] = { "apache-cgi-pass-auth", "broken",
			       "the gate sees no Authorization header: every request is 401",
			       "CGIPassAuth On" },
	[WEB_APACHE_NO_REQUIRE] = { "apache-no-require", "broken",
				    "without Require every request is a 500",
				    "Require with the provider's name" },
	[WEB_APACHE_REQUIRE_BESIDE] = { "apache-require-beside", "open",
					"another Require lets requests in without the gate",
					"leave the provider's Require alone in there" },
	[WEB_APACHE_SATISFY] = { "apache-satisfy-any", "open",
				 "Satisfy Any lets an address in without the gate",
				 "remove Satisfy" },
	[WEB_APACHE_AUTH_MERGING] = { "apache-auth-merging", "open",
				      "AuthMerging Or adds the Require of an outer section",
				      "remove AuthMerging" },
	[WEB_APACHE_USER_EXPR] = { "apache-user-expr", "broken",
				   "UserExpr does not read the gate's variable: every yes is a 500",
				   "UserExpr \"%{reqenv:User-Id}\"" },
	[WEB_APACHE_DEFAULT_USER] = { "apache-default-user", "open",
				      "a yes that names no user passes under DefaultUser",
				      "remove DefaultUser" },
	[WEB_APACHE_AUTHORITATIVE] = { "apache-authoritative", "open",
				       "another provider may say yes where the gate said no",
				       "Authoritative On" },
	[WEB_APACHE_BASIC] = { "apache-basic-auth", "broken",
			       "Basic wants a password: bearer tokens are refused",
			       "AuthnzFcgiCheckAuthnProvider in place of AuthBasicProvider" },
	[WEB_APACHE_PROVIDER] = { "apache-provider", "broken",
				  "the provider is not defined as the gate needs it",
				  "AuthnzFcgiDefineProvider authnz NAME fcgi://ADDRESS/" },
	[WEB_APACHE_AUTH_TYPE] = { "apache-auth-type", "broken",
				   "without AuthType every request is a 500", "AuthType Bearer" },
	[WEB_APACHE_EARLY] = { "apache-header-early", "open",
			       "\"early\" runs before the gate: the client's header stays",
			       "remove \"early\"" },
	[WEB_APACHE_HEADER_ORDER] = { "apache-header-order", "broken",
				      "the identity is removed after it was set",
				      "unset first, then set" },
	[WEB_APACHE_ENCODED_SLASHES] = { "apache-encoded-slashes", "weak",
					 "an encoded slash is another path for the backend",
					 "AllowEncodedSlashes Off" },
	[WEB_APACHE_REDIRECT] = { "apache-redirect", "weak",
				  "Apache follows an answer whose body begins with a path, ungated",
				  "take the REDIRECT_STATUS rule from the sample" },
	[WEB_APACHE_HOP] = { "apache-hop-by-hop", "weak",
			     "a client can have the identity header dropped as hop by hop",
			     "take the line RequestHeader edit* Connection from the sample" },
	[WEB_APACHE_TRACE] = { "apache-trace", "weak", "TRACE echoes tokens", "TraceEnable off" },
	[WEB_APACHE_ODD_NAMES] = { "apache-odd-names", "open",
				   "X.User.Id reaches a backend that makes \"_\" of every sign",
				   "take SetEnvIfNoCase and its RewriteRule from the sample" },
	[WEB_LIGHTTPD_CHECK_LOCAL] = { "lighttpd-check-local", "open",
				       "check-local is not off: the gate or service is never asked",
				       "\"check-local\" => \"disable\"" },
	[WEB_LIGHTTPD_MODULE_ORDER] = { "lighttpd-module-order", "open",
					"mod_proxy before mod_fastcgi: the gate is never asked",
					"load mod_fastcgi first" },
	[WEB_LIGHTTPD_MODULE] = { "lighttpd-module", "open",
				  "a module of the gate is not loaded: its lines do nothing",
				  "add it to server.modules" },
	[WEB_LIGHTTPD_MODE] = { "lighttpd-mode", "broken",
				"the mode is not the one that this path needs",
				"\"authorizer\" for the gate, \"responder\" for base_path" },
	[WEB_LIGHTTPD_DOCROOT] = { "lighttpd-docroot", "broken",
				   "with docroot an allowed request ends in 404",
				   "remove docroot from the gate" },
	[WEB_LIGHTTPD_EMPTY_ANSWER] = { "lighttpd-empty-answer", "open",
					"lighttpd takes an empty answer for a yes",
					"refuse requests without a user, as the sample does" },
	[WEB_LIGHTTPD_HTTP2] = { "lighttpd-http2", "broken",
				 "before 1.4.77 a POST over HTTP/2 hangs at a gate",
				 "server.feature-flags: \"server.h2proto\" => \"disable\"" },
	[WEB_LIGHTTPD_TIMEOUT] = { "lighttpd-timeout", "weak",
				   "a gate that hangs holds requests for ever",
				   "\"read-timeout\" => 5" },
	[WEB_NGINX_GATE_LOCATION] = { "nginx-gate-location", "broken",
				      "auth_request leads to no location that asks the service",
				      "take the location of the gate from the sample" },
	[WEB_NGINX_MODE] = { "nginx-mode", "broken",
			     "the service is not told that it is the gate: nothing is allowed",
			     "fastcgi_param AUTHBRIDGE_MODE authorize" },
	[WEB_NGINX_MODE_WRONG] = { "nginx-mode-wrong", "open",
				   "this mode answers 200 to everybody, which allows everything",
				   "fastcgi_param AUTHBRIDGE_MODE authorize" },
	[WEB_NGINX_TARGET] = { "nginx-request-uri", "open",
			       "the gate judges another target than the backend serves",
			       "fastcgi_param REQUEST_URI $request_uri" },
	[WEB_NGINX_INTERNAL] = { "nginx-internal", "weak",
				 "clients can request the gate's location", "internal" },
	[WEB_NGINX_TOKEN] = { "nginx-request-headers", "broken",
			      "the gate sees no Authorization header: every request is 401",
			      "remove fastcgi_pass_request_headers off" },
	[WEB_NGINX_IDENTITY_FORGED] = { "nginx-identity-forged", "open",
					"the identity header is not set from the gate's answer",
					"proxy_set_header with a variable of auth_request_set" },
	[WEB_NGINX_EMPTY_USER] = { "nginx-empty-user", "weak",
				   "any 2xx passes, also one that names no user",
				   "send an empty user nowhere (map, in the sample)" },
	[WEB_NGINX_UNDERSCORES] = { "nginx-underscores", "open",
				    "X_User_Id reaches a backend that may fold it into X-User-Id",
				    "underscores_in_headers off, ignore_invalid_headers on" },
	[WEB_NGINX_MERGE_SLASHES] = { "nginx-merge-slashes", "weak",
				      "//api/ is another location than /api/", "merge_slashes on" },
	[WEB_NGINX_SATISFY] = { "nginx-satisfy-any", "open",
				"satisfy any lets an address or a password in without the gate",
				"satisfy all" },
	[WEB_NGINX_CACHED] = { "nginx-cached", "open",
			       "a cached answer is given to others, or after the session's end",
			       "no cache in gated locations" },
	[WEB_NGINX_ERROR_PAGE] = { "nginx-error-page", "open",
				   "a refused request is passed on to the backend as an error page",
				   "let error pages return a text" },
};

const struct web_rule_text *web_rule_text(enum web_rule rule)
{
	return &rules[rule];
}

/* "FILE:LINE", or the enclosing sections where lines are not known. */
static char *place_of(const struct web_check *check, const struct conf_node *node)
{
	if (node == NULL)
		return arena_format(check->mem, "-");
	if (node->line > 0)
		return arena_format(check->mem, "%s:%u", node->file, node->line);
	for (; node != NULL && node->name.len > 0 && node->name.at[0] != '$'; node = node->parent)
		if (node->parent == NULL || node->parent->name.len == 0)
			return arena_format(check->mem, "%.*s", SPAN_FMT(node->name));
	return node == NULL || node->name.len == 0
		       ? arena_format(check->mem, "-")
		       : arena_format(check->mem, "%.*s %.*s \"%.*s\"", SPAN_FMT(node->name),
				      SPAN_FMT(conf_arg(node, 0)), SPAN_FMT(conf_arg(node, 1)));
}

bool web_has(const struct web_check *check, enum web_rule rule, const struct conf_node *node)
{
	const char *where = place_of(check, node);
	for (const struct web_finding *f = check->first; f != NULL; f = f->next)
		if (f->rule == rule && strcmp(f->where, where) == 0)
			return true;
	return false;
}

void web_find(struct web_check *check, enum web_rule rule, const struct conf_node *node,
	      const char *detail, ...)
{
	char *where = place_of(check, node);
	if (web_has(check, rule, node))
		return;
	va_list args;
	va_start(args, detail);
	struct web_finding *finding = arena_alloc(check->mem, sizeof(*finding));
	*finding = (struct web_finding){
		.rule = rule,
		.where = where,
		.detail = arena_format_list(check->mem, detail, args),
	};
	va_end(args);
	if (check->last != NULL)
		check->last->next = finding;
	else
		check->first = finding;
	check->last = finding;
}

struct span web_probe(const struct web_check *check, size_t index)
{
	static const char *const endings[] = {
		"", ".php", ".js", ".css", ".png", ".html", ".json"
	};
	size_t path = index / COUNT_OF(endings);
	if (path >= check->facts->path_count)
		return SPAN_ABSENT;
	return span_of(arena_format(check->mem, "%.*s%s", SPAN_FMT(check->facts->paths[path]),
				    endings[index % COUNT_OF(endings)]));
}

bool web_is_service(const struct web_check *check, struct span path)
{
	struct span base = check->facts->base_path;
	return span_starts(path, base) && (path.len == base.len || path.at[base.len] == '/');
}

void web_note_socket(struct web_check *check, const struct conf_node *node, struct span address)
{
	for (const struct conf_node *at = check->sockets->first; at != NULL; at = at->next)
		if (span_equal(at->name, address))
			return;
	conf_add(check->mem, check->sockets, address, node->file, node->line);
	bool local = span_starts(address, SPAN("unix:")) || span_starts(address, SPAN("127.")) ||
		     span_starts(address, SPAN("[::1]")) || span_starts(address, SPAN("localhost"));
	if (!local && !check->facts->has_peers)
		web_find(check, WEB_PEERS_MISSING, node, "%.*s", SPAN_FMT(address));
}

struct span web_spelling(const struct web_check *check, struct span name, size_t n)
{
	char *copy = arena_text(check->mem, name);
	for (size_t i = 0; i < name.len; i++) {
		if (copy[i] != '-' && copy[i] != '_')
			continue;
		copy[i] = n & 1 ? '_' : '-';
		n >>= 1;
	}
	return n > 0 ? SPAN_ABSENT : span_make(copy, name.len);
}

struct span web_host_of(struct span url)
{
	size_t scheme = conf_search(url, SPAN("://"));
	if (scheme < url.len)
		url = span_from(url, scheme + 3);
	if (span_starts(url, SPAN("unix:")))
		return span_first(url, span_find(span_from(url, 5), ':') + 5);
	return span_first(url, span_find(url, '/'));
}

struct span web_path_of(struct span url)
{
	struct span host = web_host_of(url);
	return host.at == NULL ? host
			       : span_make(host.at + host.len,
					   (size_t)(url.at + url.len - host.at) - host.len);
}

void web_judge_tls(struct web_check *check, bool has_tls)
{
	if (check->facts->secure && !has_tls && !check->facts->behind_proxy)
		web_find(check, WEB_NO_TLS, NULL, "%s", "");
	if (!check->facts->secure && has_tls)
		web_find(check, WEB_TLS_UNUSED, NULL, "%s", "");
}
