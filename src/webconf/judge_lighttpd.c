/* SPDX-License-Identifier: MIT */
#include "webconf/judge.h"

#define DEPTH_MAX 16

/* One request, and what is assumed of conditions on anything else. */
struct request {
	struct web_check *check;
	const struct conf_node *root;
	struct span path;
	const char *method;
	bool assume;
};

static enum conf_match compare(const struct request *request, const struct conf_node *node,
			       struct span value)
{
	struct span op = conf_arg(node, 0), with = conf_arg(node, 1);
	bool equal = span_equal(value, with), starts = span_starts(value, with);
	bool ends =
		value.len >= with.len && span_equal(span_from(value, value.len - with.len), with);
	if (span_is(op, "==") || span_is(op, "!="))
		return equal == (op.at[0] == '=') ? CONF_YES : CONF_NO;
	if (span_is(op, "=^"))
		return starts ? CONF_YES : CONF_NO;
	if (span_is(op, "=$"))
		return ends ? CONF_YES : CONF_NO;
	if (!span_is(op, "=~") && !span_is(op, "!~"))
		return CONF_MAYBE;
	enum conf_match match = conf_regex(request->check->mem, with, value, false);
	if (match == CONF_MAYBE || op.at[0] == '=')
		return match;
	return match == CONF_YES ? CONF_NO : CONF_YES;
}

static bool holds(const struct request *request, const struct conf_node *node)
{
	enum conf_match match = CONF_MAYBE;
	if (conf_is(node, "else"))
		return true;
	if (conf_is(node, "$HTTP[\"url\"]")) {
		match = compare(request, node, request->path);
		if (match == CONF_MAYBE)
			web_find(request->check, WEB_UNKNOWN, node, "%s", "");
	} else if (conf_is(node, "$HTTP[\"request-method\"]")) {
		match = compare(request, node, span_of(request->method));
	}
	return match == CONF_MAYBE ? request->assume : match == CONF_YES;
}

static bool is_block(const struct conf_node *node)
{
	return conf_is(node, "else") || (node->name.len > 0 && node->name.at[0] == '$');
}

/* The value in force: later blocks win over earlier ones. */
static const struct conf_node *setting_in(const struct request *request,
					  const struct conf_node *level, const char *key,
					  unsigned depth)
{
	const struct conf_node *found = NULL;
	bool taken = false;
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next) {
		if (!is_block(at)) {
			found = conf_is(at, key) ? at : found;
			continue;
		}
		if (!conf_has_arg(at, "else"))
			taken = false;
		if (taken || !holds(request, at))
			continue;
		taken = true;
		const struct conf_node *inner = setting_in(request, at, key, depth + 1);
		found = inner != NULL ? inner : found;
	}
	return found;
}

static const struct conf_node *setting(const struct request *request, const char *key)
{
	return setting_in(request, request->root, key, 0);
}

/* The first server of a fastcgi.server or proxy.server list that fits the path
 * and, when given, has that mode. */
static const struct conf_node *server_of(const struct request *request,
					 const struct conf_node *list, const char *mode)
{
	for (const struct conf_node *at = list != NULL ? list->first : NULL; at != NULL;
	     at = at->next) {
		struct span key = at->name, path = request->path;
		bool fits =
			key.len == 0 ||
			(key.at[0] == '/'
				 ? span_starts(path, key)
				 : path.len >= key.len &&
					   span_equal(span_from(path, path.len - key.len), key));
		for (const struct conf_node *host = fits ? at->first : NULL; host != NULL;
		     host = host->next) {
			const struct conf_node *has = conf_child(host, "mode");
			struct span is = has != NULL ? conf_arg(has, 0) : SPAN("responder");
			if (mode == NULL || span_is(is, mode))
				return host;
		}
	}
	return NULL;
}

static bool value_is(const struct conf_node *host, const char *key, const char *value)
{
	return conf_has_arg(conf_child(host, key), value);
}

static size_t module_place(const struct request *request, const char *name)
{
	const struct conf_node *modules = conf_child(request->root, "server.modules");
	size_t place = 1;
	for (const struct conf_node *at = modules != NULL ? modules->first : NULL; at != NULL;
	     at = at->next, place++)
		if (conf_has_arg(at, name))
			return place;
	return 0;
}

static void judge_modules(const struct request *request, const struct conf_node *list)
{
	static const char *const needed[] = { "mod_fastcgi", "mod_proxy", "mod_magnet" };
	struct web_check *check = request->check;
	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (module_place(request, needed[i]) == 0)
			web_find(check, WEB_LIGHTTPD_MODULE, list, "%s", needed[i]);
	if (module_place(request, "mod_proxy") > 0 &&
	    module_place(request, "mod_proxy") < module_place(request, "mod_fastcgi"))
		web_find(check, WEB_LIGHTTPD_MODULE_ORDER,
			 conf_child(request->root, "server.modules"), "%s", "");
}

/* A Lua file without its comments. */
static struct span code_of(struct web_check *check, struct span text)
{
	struct buf code;
	struct span rest = text, line;
	buf_init(&code, check->mem, text.len + 16);
	while (span_next(&rest, '\n', &line)) {
		buf_add(&code, span_first(line, conf_search(line, SPAN("--"))));
		buf_byte(&code, '\n');
	}
	return buf_span(&code);
}

static bool holds_word(struct span code, const char *word)
{
	return conf_search(code, span_of(word)) < code.len;
}

static const char *folded(struct web_check *check, struct span name)
{
	char *copy = arena_text(check->mem, name);
	for (char *at = copy; *at != '\0'; at++)
		*at = *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at == '-' ? '_' : *at;
	return copy;
}

/* Judged by what it must contain, since Lua is a language: the folding, the
 * header being set, and a refusal. */
static void judge_code(const struct request *request, const struct conf_node *node,
		       struct span code)
{
	struct web_check *check = request->check;
	struct span name =
		span_of(arena_format(check->mem, "X-%.*s", SPAN_FMT(check->facts->variable)));
	const char *set = arena_format(check->mem, "req_header[\"%.*s\"] = ", SPAN_FMT(name));
	size_t at = conf_search(code, span_of(set));
	if (at == code.len || span_starts(span_from(code, at + strlen(set)), SPAN("nil")) ||
	    !holds_word(code, arena_format(check->mem, "req_env[\"%.*s\"]",
					   SPAN_FMT(check->facts->variable))))
		web_find(check, WEB_NO_IDENTITY, node, "%s", "");
	/* Only folding the client's names as backends do finds every spelling. */
	if (!holds_word(code, "gsub(\"[^A-Z0-9]\", \"_\")") ||
	    !holds_word(code, "req_header[name] = nil") ||
	    !holds_word(code, arena_format(check->mem, "%s = true", folded(check, name))))
		web_find(check, WEB_HEADER_SPELLING, node, "%.*s", SPAN_FMT(name));
	if (!holds_word(code, "return 503") && !holds_word(code, "return 403") &&
	    !holds_word(code, "return 401") && !holds_word(code, "return 500"))
		web_find(check, WEB_LIGHTTPD_EMPTY_ANSWER, node, "%s", "");
}

static void judge_lua(const struct request *request, const struct conf_node *gate_list)
{
	struct web_check *check = request->check;
	const struct conf_node *magnet = setting(request, "magnet.attract-raw-url-to");
	const struct conf_node *later = setting(request, "magnet.attract-physical-path-to");
	struct conf_file *files = NULL;
	struct buf code;
	buf_init(&code, check->mem, 1u << 20);
	if (magnet == NULL && later != NULL) {
		web_find(check, WEB_UNKNOWN, later, "%s",
			 "magnet.attract-physical-path-to without attract-raw-url-to");
		return;
	}
	if (magnet == NULL) {
		web_find(check, WEB_NO_IDENTITY, gate_list, "%s", "no Lua file runs here");
		return;
	}
	for (const struct conf_node *at = magnet->first; at != NULL; at = at->next) {
		size_t count = 0;
		if (check->source->read(check->source, check->mem, conf_arg(at, 0), &files,
					&count) != STATUS_OK ||
		    count != 1) {
			web_find(check, WEB_UNKNOWN, magnet, "%.*s cannot be read",
				 SPAN_FMT(conf_arg(at, 0)));
			return;
		}
		buf_add(&code, code_of(check, files[0].text));
	}
	judge_code(request, magnet, buf_span(&code));
}

static struct span address_of(struct web_check *check, const struct conf_node *host)
{
	const struct conf_node *socket = conf_child(host, "socket");
	if (socket != NULL)
		return span_of(
			arena_format(check->mem, "unix:%.*s", SPAN_FMT(conf_arg(socket, 0))));
	return span_of(arena_format(check->mem, "%.*s:%.*s",
				    SPAN_FMT(conf_arg(conf_child(host, "host"), 0)),
				    SPAN_FMT(conf_arg(conf_child(host, "port"), 0))));
}

static void judge_gate(const struct request *request, const struct conf_node *list,
		       const struct conf_node *gate)
{
	struct web_check *check = request->check;
	web_note_socket(check, gate, address_of(check, gate));
	if (!value_is(gate, "check-local", "disable"))
		web_find(check, WEB_LIGHTTPD_CHECK_LOCAL, list, "%.*s", SPAN_FMT(request->path));
	if (conf_child(gate, "docroot") != NULL)
		web_find(check, WEB_LIGHTTPD_DOCROOT, list, "%s", "");
	if (conf_child(gate, "read-timeout") == NULL)
		web_find(check, WEB_LIGHTTPD_TIMEOUT, list, "%s", "");
	judge_modules(request, list);
	judge_lua(request, list);
}

static void judge_path_changes(const struct request *request)
{
	static const char *const keys[] = { "url.rewrite-once", "url.rewrite-repeat", "url.rewrite",
					    "url.rewrite-if-not-file" };
	const struct conf_node *header = setting(request, "proxy.header");
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const struct conf_node *rule = setting(request, keys[i]);
		for (const struct conf_node *at = rule != NULL ? rule->first : NULL; at != NULL;
		     at = at->next)
			if (conf_regex(request->check->mem, at->name, request->path, false) !=
			    CONF_NO)
				web_find(request->check, WEB_PATH_CHANGED, rule, "%s", keys[i]);
	}
	if (header != NULL && conf_child(header, "map-urlpath") != NULL)
		web_find(request->check, WEB_PATH_CHANGED, header, "%s", "map-urlpath");
}

static const char *const backend_keys[] = { "proxy.server", "scgi.server", "wstunnel.server" };

static const struct conf_node *backend_of(const struct request *request,
					  const struct conf_node **list_out)
{
	for (size_t i = 0; i < COUNT_OF(backend_keys); i++) {
		*list_out = setting(request, backend_keys[i]);
		const struct conf_node *host = server_of(request, *list_out, NULL);
		if (host != NULL)
			return host;
	}
	return NULL;
}

static bool is_service_socket(const struct web_check *check, struct span address)
{
	const struct conf_node *at = check->sockets->first;
	while (at != NULL && !span_equal(at->name, address))
		at = at->next;
	return at != NULL;
}

/* False when the path leads to no backend at all. */
static bool judge_probe(const struct request *request)
{
	const struct conf_node *fastcgi = setting(request, "fastcgi.server"), *list = NULL;
	const struct conf_node *gate = server_of(request, fastcgi, "authorizer");
	const struct conf_node *other = server_of(request, fastcgi, "responder");
	const struct conf_node *backend = backend_of(request, &list);
	struct web_check *check = request->check;
	if (gate != NULL) {
		judge_gate(request, fastcgi, gate);
		judge_path_changes(request);
		return backend != NULL || other != NULL;
	}
	if (other != NULL && is_service_socket(check, address_of(check, other)))
		web_find(check, WEB_LIGHTTPD_MODE, fastcgi, "%.*s: responder",
			 SPAN_FMT(request->path));
	else if (backend == NULL && other == NULL)
		return false;
	else if (strcmp(request->method, "OPTIONS") != 0)
		web_find(check, WEB_NO_GATE, backend != NULL ? list : fastcgi, "%s %.*s",
			 request->method, SPAN_FMT(request->path));
	else if (!web_has(check, WEB_NO_GATE, backend != NULL ? list : fastcgi))
		web_find(check, WEB_PREFLIGHT_WIDE, backend != NULL ? list : fastcgi, "%s", "");
	return true;
}

static bool judge_service(struct request *request)
{
	struct web_check *check = request->check;
	request->path = span_of(
		arena_format(check->mem, "%.*s/sign-in/email", SPAN_FMT(check->facts->base_path)));
	const struct conf_node *fastcgi = setting(request, "fastcgi.server");
	const struct conf_node *service = server_of(request, fastcgi, "responder");
	if (server_of(request, fastcgi, "authorizer") != NULL) {
		web_find(check, WEB_SERVICE_GATED, fastcgi, "%s", "");
		return true;
	}
	if (service == NULL)
		return false;
	web_note_socket(check, service, address_of(check, service));
	if (!value_is(service, "check-local", "disable"))
		web_find(check, WEB_LIGHTTPD_CHECK_LOCAL, fastcgi, "%.*s", SPAN_FMT(request->path));
	return true;
}

/* Whether `path` leads to `backend` without the gate. */
static void judge_way(const struct request *base, struct span backend, struct span path)
{
	struct request request = *base;
	const struct conf_node *list = NULL;
	request.path = path;
	const struct conf_node *host = backend_of(&request, &list);
	if (host != NULL && span_equal(address_of(base->check, host), backend) &&
	    server_of(&request, setting(&request, "fastcgi.server"), "authorizer") == NULL &&
	    !web_has(base->check, WEB_NO_GATE, list) && !web_has(base->check, WEB_UNKNOWN, list) &&
	    !web_has(base->check, WEB_LIGHTTPD_MODE, list))
		web_find(base->check, WEB_OTHER_WAY, list, "%.*s", SPAN_FMT(path));
}

/* Every path that some block names: it, and one below it. Of an expression
 * what is plain at its beginning. */
static void judge_blocks(const struct request *base, struct span backend,
			 const struct conf_node *level, unsigned depth)
{
	struct arena *mem = base->check->mem;
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next) {
		if (!is_block(at))
			continue;
		struct span place = conf_arg(at, 1);
		if (conf_is(at, "$HTTP[\"url\"]")) {
			size_t plain = 0;
			place = span_from(place, place.len > 0 && place.at[0] == '^');
			while (plain < place.len && strchr("[(.*+?|\\$", place.at[plain]) == NULL)
				plain++;
			place = span_first(place, plain);
			judge_way(base, backend, place);
			judge_way(base, backend,
				  span_of(arena_format(mem, "%.*sx", SPAN_FMT(place))));
		}
		judge_blocks(base, backend, at, depth + 1);
	}
}

static void judge_other_ways(const struct request *base, struct span backend)
{
	static const char *const places[] = { "/", "/x", "/x/y", "/api", "/API/nobody/x" };
	for (size_t i = 0; i < COUNT_OF(places); i++)
		judge_way(base, backend, span_of(places[i]));
	judge_blocks(base, backend, base->root, 0);
}

static bool judge_all(struct web_check *check, const struct conf_node *root, bool assume)
{
	static const char *const methods[] = { "GET", "POST", "OPTIONS", "DELETE" };
	struct request request = { .check = check, .root = root, .assume = assume };
	bool served = false;
	struct span path;
	for (size_t i = 0; (path = web_probe(check, i)).len > 0; i++) {
		request.path = path;
		for (size_t m = 0; m < COUNT_OF(methods); m++) {
			const struct conf_node *list = NULL;
			request.method = methods[m];
			served |= judge_probe(&request);
			const struct conf_node *backend = backend_of(&request, &list);
			if (backend != NULL && m == 0)
				judge_other_ways(&request, address_of(check, backend));
		}
	}
	return served;
}

static bool http2_is_off(const struct conf_node *root)
{
	return value_is(conf_child(root, "server.feature-flags"), "server.h2proto", "disable");
}

static bool has_tls(const struct conf_node *level, unsigned depth)
{
	for (const struct conf_node *at = level->first; at != NULL && depth < DEPTH_MAX;
	     at = at->next)
		if ((conf_is(at, "ssl.engine") && conf_has_arg(at, "enable")) ||
		    has_tls(at, depth + 1))
			return true;
	return false;
}

void web_judge_lighttpd(struct web_check *check, const struct conf_node *root)
{
	struct request request = { .check = check, .root = root, .method = "POST" };
	/* First, since it tells which sockets are the service's. */
	bool found = judge_service(&request);
	request.assume = true;
	if (!judge_service(&request) && !found)
		web_find(check, WEB_NO_SERVICE, NULL, "%.*s", SPAN_FMT(request.path));
	bool served = judge_all(check, root, false);
	served |= judge_all(check, root, true);
	if (!served)
		web_find(check, WEB_NOT_SERVED, NULL, "%.*s", SPAN_FMT(web_probe(check, 0)));
	if (!http2_is_off(root))
		web_find(check, WEB_LIGHTTPD_HTTP2, NULL, "%s", "");
	web_judge_tls(check, has_tls(root, 0));
}
