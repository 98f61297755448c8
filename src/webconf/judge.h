/* SPDX-License-Identifier: MIT */
/*
 * judge: follows requests through a configuration as the server would, and
 * finds what opens the gate or breaks it. What it does not understand is a
 * finding, too (WEB_UNKNOWN), never silence.
 */
#ifndef WEBCONF_JUDGE_H
#define WEBCONF_JUDGE_H

#include "webconf/tree.h"

enum web_rule {
	WEB_UNKNOWN,
	WEB_NO_GATE,
	WEB_OTHER_WAY,
	WEB_NO_IDENTITY,
	WEB_HEADER_SPELLING,
	WEB_NOT_SERVED,
	WEB_NO_SERVICE,
	WEB_SERVICE_GATED,
	WEB_PREFLIGHT_WIDE,
	WEB_NO_TLS,
	WEB_TLS_UNUSED,
	WEB_SOCKET_OPEN,
	WEB_SOCKET_MISSING,
	WEB_PEERS_WIDE,
	WEB_PEERS_MISSING,
	WEB_PATH_CHANGED,
	WEB_APACHE_TOKEN,
	WEB_APACHE_NO_REQUIRE,
	WEB_APACHE_REQUIRE_BESIDE,
	WEB_APACHE_SATISFY,
	WEB_APACHE_AUTH_MERGING,
	WEB_APACHE_USER_EXPR,
	WEB_APACHE_DEFAULT_USER,
	WEB_APACHE_AUTHORITATIVE,
	WEB_APACHE_BASIC,
	WEB_APACHE_PROVIDER,
	WEB_APACHE_AUTH_TYPE,
	WEB_APACHE_EARLY,
	WEB_APACHE_HEADER_ORDER,
	WEB_APACHE_ENCODED_SLASHES,
	WEB_APACHE_REDIRECT,
	WEB_APACHE_HOP,
	WEB_APACHE_TRACE,
	WEB_APACHE_ODD_NAMES,
	WEB_LIGHTTPD_CHECK_LOCAL,
	WEB_LIGHTTPD_MODULE_ORDER,
	WEB_LIGHTTPD_MODULE,
	WEB_LIGHTTPD_MODE,
	WEB_LIGHTTPD_DOCROOT,
	WEB_LIGHTTPD_EMPTY_ANSWER,
	WEB_LIGHTTPD_HTTP2,
	WEB_LIGHTTPD_TIMEOUT,
	WEB_NGINX_GATE_LOCATION,
	WEB_NGINX_MODE,
	WEB_NGINX_MODE_WRONG,
	WEB_NGINX_TARGET,
	WEB_NGINX_INTERNAL,
	WEB_NGINX_TOKEN,
	WEB_NGINX_IDENTITY_FORGED,
	WEB_NGINX_EMPTY_USER,
	WEB_NGINX_UNDERSCORES,
	WEB_NGINX_MERGE_SLASHES,
	WEB_NGINX_SATISFY,
	WEB_NGINX_CACHED,
	WEB_NGINX_ERROR_PAGE,
	WEB_RULES
};

/* open: requests get in or identities can be forged. broken: good requests
 * fail. weak: a second line of defence is missing. unknown: cannot judge. */
struct web_rule_text {
	const char *id, *severity, *text, *remedy;
};
const struct web_rule_text *web_rule_text(enum web_rule rule);

struct web_finding {
	enum web_rule rule;
	char *where, *detail; /* detail may be "" */
	struct web_finding *next;
};

/* What the service's own configuration says. */
struct web_facts {
	struct span base_path;
	bool secure, behind_proxy, has_peers;
	struct span variable; /* that carries the subject: "User-Id" */
	struct span *paths;   /* one for each route that lets somebody in */
	size_t path_count;
};

struct web_check {
	struct arena *mem;
	const struct web_facts *facts;
	const struct conf_source *source; /* lighttpd: for its Lua files */
	struct web_finding *first, *last;
	struct conf_node *sockets; /* a child for each FastCGI address, for the caller to look at */
};

/* Each rule once for one place. `node` may be NULL. */
void web_find(struct web_check *check, enum web_rule rule, const struct conf_node *node,
	      const char *detail, ...) PRINTF_LIKE(4, 5);

/* Whether that has been found at that place. */
bool web_has(const struct web_check *check, enum web_rule rule, const struct conf_node *node);

void web_judge_apache(struct web_check *check, const struct conf_node *root);
void web_judge_lighttpd(struct web_check *check, const struct conf_node *root);
void web_judge_nginx(struct web_check *check, const struct conf_node *root);

/* Facts' paths with endings for which servers often have sections of their own;
 * absent past the end. */
struct span web_probe(const struct web_check *check, size_t index);
/* Below the service's own path. */
bool web_is_service(const struct web_check *check, struct span path);
/* A FastCGI address that somebody is passed to: unix:PATH or HOST:PORT. */
void web_note_socket(struct web_check *check, const struct conf_node *node, struct span address);
/* The n-th way to write `name` with "-" and "_"; absent past the end. */
struct span web_spelling(const struct web_check *check, struct span name, size_t n);
/* HOST:PORT or unix:PATH of scheme://HOST:PORT/path. */
struct span web_host_of(struct span url);
/* What stands behind the host in it. */
struct span web_path_of(struct span url);
/* base_url against what the server listens for. */
void web_judge_tls(struct web_check *check, bool has_tls);

#endif
