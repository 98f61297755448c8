/* SPDX-License-Identifier: MIT */
#include "webconf/apache_site.h"

#include <fnmatch.h>

/* <Location "/api"> holds for /api and below, <Location "/api/"> below. */
static bool is_prefix(struct span prefix, struct span path)
{
	return span_starts(path, prefix) &&
	       (path.len == prefix.len || (prefix.len > 0 && prefix.at[prefix.len - 1] == '/') ||
		path.at[prefix.len] == '/');
}

static bool has_wildcard(struct span text)
{
	return span_find(text, '*') < text.len || span_find(text, '?') < text.len ||
	       span_find(text, '[') < text.len;
}

static bool fits_regex(const struct apache_site *site, const struct conf_node *node,
		       struct span pattern)
{
	enum conf_match match = conf_regex(site->check->mem, pattern, site->path, false);
	if (match == CONF_MAYBE)
		web_find(site->check, WEB_UNKNOWN, node, "%.*s", SPAN_FMT(pattern));
	return match == CONF_MAYBE ? site->assume : match == CONF_YES;
}

static bool fits(const struct apache_site *site, const struct conf_node *section)
{
	struct span first = conf_arg(section, 0);
	struct arena *mem = site->check->mem;
	if (conf_is(section, "LocationMatch"))
		return fits_regex(site, section, first);
	if (!conf_is(section, "Location"))
		return false;
	if (span_is(first, "~"))
		return fits_regex(site, section, conf_arg(section, 1));
	if (has_wildcard(first))
		return fnmatch(arena_text(mem, first), arena_text(mem, site->path), FNM_PATHNAME) ==
		       0;
	return is_prefix(first, site->path);
}

static void visit_ifs(const struct apache_site *site, const struct conf_node *level,
		      apache_visitor *visit, void *context)
{
	static const char *const words[] = { "If", "ElseIf", "Else" };
	for (const struct conf_node *at = level->first; at != NULL && site->assume; at = at->next)
		for (size_t i = 0; i < COUNT_OF(words); i++)
			if (conf_is(at, words[i]))
				visit(site, at, context);
}

static void visit_sections(const struct apache_site *site, const struct conf_node *level,
			   apache_visitor *visit, void *context)
{
	for (const struct conf_node *at = level->first; at != NULL; at = at->next) {
		if (!fits(site, at))
			continue;
		visit(site, at, context);
		visit_ifs(site, at, visit, context);
	}
}

void apache_visit(const struct apache_site *site, apache_visitor *visit, void *context)
{
	visit(site, site->root, context);
	if (site->host != site->root)
		visit(site, site->host, context);
	visit_sections(site, site->root, visit, context);
	if (site->host != site->root)
		visit_sections(site, site->host, visit, context);
	visit_ifs(site, site->host, visit, context);
}

struct last {
	const char *name;
	const struct conf_node *found;
};

static void visit_last(const struct apache_site *site, const struct conf_node *level, void *context)
{
	struct last *last = context;
	(void)site;
	for (const struct conf_node *at = conf_child(level, last->name); at != NULL;
	     at = conf_from(at->next, last->name))
		last->found = at;
}

const struct conf_node *apache_setting(const struct apache_site *site, const char *name)
{
	struct last last = { .name = name };
	apache_visit(site, visit_last, &last);
	return last.found;
}

static void visit_require(const struct apache_site *site, const struct conf_node *level,
			  void *context)
{
	static const char *const words[] = { "Require", "RequireAny", "RequireAll", "RequireNone" };
	const struct conf_node **found = context;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (conf_child(level, words[i]) != NULL)
			*found = level;
	for (const struct conf_node *at = level->first; at != NULL; at = at->next) {
		bool listed = conf_has_arg(at, site->method);
		if ((conf_is(at, "Limit") && listed) || (conf_is(at, "LimitExcept") && !listed))
			visit_require(site, at, context);
	}
}

const struct conf_node *apache_require(const struct apache_site *site)
{
	const struct conf_node *found = NULL;
	apache_visit(site, visit_require, &found);
	return found;
}

static bool takes(const struct apache_site *site, const struct conf_node *rule,
		  const struct conf_node *section, struct span *target_out)
{
	if (conf_is(rule, "ProxyPassMatch")) {
		*target_out = conf_arg(rule, 1);
		return fits_regex(site, rule, conf_arg(rule, 0));
	}
	if (conf_is(rule, "ProxyPass")) {
		*target_out = conf_arg(rule, section != NULL ? 0 : 1);
		return section != NULL ? fits(site, section)
				       : is_prefix(conf_arg(rule, 0), site->path);
	}
	struct span flags = conf_arg(rule, 2);
	bool proxies =
		conf_is(rule, "RewriteRule") && (conf_search(flags, SPAN("[P")) < flags.len ||
						 conf_search(flags, SPAN(",P]")) < flags.len ||
						 conf_search(flags, SPAN(",P,")) < flags.len);
	*target_out = conf_arg(rule, 1);
	return proxies && fits_regex(site, rule, conf_arg(rule, 0));
}

static const struct conf_node *proxy_in(const struct apache_site *site,
					const struct conf_node *level, bool rewrites,
					struct span *target_out)
{
	for (const struct conf_node *at = level->first; at != NULL; at = at->next) {
		if (conf_is(at, "RewriteRule") == rewrites && takes(site, at, NULL, target_out))
			return at;
		const struct conf_node *inner =
			conf_is(at, "Location") || conf_is(at, "LocationMatch")
				? conf_child(at, "ProxyPass")
				: NULL;
		if (!rewrites && inner != NULL && takes(site, inner, at, target_out))
			return inner;
	}
	return NULL;
}

const struct conf_node *apache_proxy(const struct apache_site *site, struct span *target_out)
{
	/* Rewriting comes first, then the host's own lines, then the server's. */
	const struct conf_node *const levels[] = { site->host, site->root };
	for (size_t i = 0; i < 2 * COUNT_OF(levels); i++) {
		const struct conf_node *rule =
			proxy_in(site, levels[i % 2], i < COUNT_OF(levels), target_out);
		if (rule != NULL)
			return span_is(*target_out, "!") ? NULL : rule;
	}
	return NULL;
}
