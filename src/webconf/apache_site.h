/* SPDX-License-Identifier: MIT */
/*
 * apache_site: what Apache has in force for one request: sections merged in
 * its order, and where the path is proxied to.
 */
#ifndef WEBCONF_APACHE_SITE_H
#define WEBCONF_APACHE_SITE_H

#include "webconf/judge.h"

struct apache_site {
	struct web_check *check;
	const struct conf_node *root, *host; /* host: the root, where there are no virtual ones */
	struct span path;
	const char *method;
	bool assume; /* of <If>, whose expressions are not followed */
};

/* What one section says at a time, in the order in which Apache merges them;
 * `level` is the server, the virtual host or a section that fits. */
typedef void apache_visitor(const struct apache_site *site, const struct conf_node *level,
			    void *context);
void apache_visit(const struct apache_site *site, apache_visitor *visit, void *context);

/* The last directive of that name in force, or NULL. */
const struct conf_node *apache_setting(const struct apache_site *site, const char *name);

/* The last section with a Require, which replaces those before it. */
const struct conf_node *apache_require(const struct apache_site *site);

/* The ProxyPass (or RewriteRule with [P]) that takes the path, and where to.
 * NULL: not proxied. */
const struct conf_node *apache_proxy(const struct apache_site *site, struct span *target_out);

#endif
