/* SPDX-License-Identifier: MIT */
/* The part of the configuration that needs more than base to be judged. */
#include "crypto/jws.h"
#include "service/service.h"

#include <stdlib.h>

struct reading {
	const struct config *config;
	struct service_plan *plan;
	struct arena *mem;
	struct buf *mistakes;
	bool failed;
};

static void mistake(struct reading *r, const char *where, const char *key, struct span what,
		    const char *remedy)
{
	config_mistake(r->mistakes, where, key, "\"%.*s\": %s", SPAN_FMT(what), remedy);
	r->failed = true;
}

static void read_secrets(struct reading *r)
{
	size_t count = r->config->secret_count;
	r->plan->secrets = arena_alloc(r->mem, count * sizeof(struct span));
	r->plan->secret_versions = arena_alloc(r->mem, count * sizeof(unsigned));
	for (size_t i = 0; i < count; i++) {
		r->plan->secrets[i] = secret_span(&r->config->secrets[i].secret);
		r->plan->secret_versions[i] = r->config->secrets[i].version;
	}
	r->plan->secret_count = count;
}

static void read_route(struct reading *r, const struct config_text *route)
{
	struct buf why;
	buf_init(&why, r->mem, 1024);
	if (policy_add(&r->plan->policy, r->mem, span_of(route->text), &why) == STATUS_OK)
		return;
	config_mistake(r->mistakes, route->where, "route", "%.*s", SPAN_FMT(buf_span(&why)));
	r->failed = true;
}

static void read_routes(struct reading *r)
{
	static char default_route[] = POLICY_DEFAULT_ROUTE;
	static char built_in[] = "built-in";
	const struct config_text standard = { default_route, built_in };
	if (r->config->routes.count == 0)
		read_route(r, &standard);
	for (size_t i = 0; i < r->config->routes.count; i++)
		read_route(r, &r->config->routes.items[i]);
}

static void read_url(struct reading *r, const char *key, const struct config_text *url)
{
	if (url->text == NULL || store_check_url(url->text) == STATUS_OK)
		return;
	/* The URL may hold a password: it is not shown. */
	config_mistake(r->mistakes, url->where, key,
		       "is not a connection string of libpq, such as "
		       "postgresql://user@host/database or host=… dbname=…");
	r->failed = true;
}

static const struct {
	const char *name;
	enum service_claim claim;
} claim_names[] = {
	{ "sub", CLAIM_SUBJECT },
	{ "email", CLAIM_EMAIL },
	{ "sid", CLAIM_SESSION },
	{ "iss", CLAIM_ISSUER },
};

static bool is_variable_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!fine)
			return false;
	}
	return name.len > 0 && name.len <= 64;
}

static bool read_variable(struct span text, struct service_variable *out)
{
	size_t equals = span_find(text, '=');
	out->name = span_trim(span_first(text, equals));
	struct span claim = span_trim(span_from(text, equals + 1));
	for (size_t i = 0; i < COUNT_OF(claim_names); i++) {
		if (span_is(claim, claim_names[i].name)) {
			out->claim = claim_names[i].claim;
			return equals < text.len && is_variable_name(out->name);
		}
	}
	return false;
}

/* Web servers join a variable that comes twice, or take either. */
static bool is_named_twice(const struct service_plan *plan, struct span name)
{
	for (size_t i = 0; i < plan->variable_count; i++)
		if (span_equal_nocase(plan->variables[i].name, name))
			return true;
	return false;
}

static void read_variables(struct reading *r)
{
	const struct config_list *list = &r->config->variables;
	r->plan->variables =
		arena_alloc(r->mem, (list->count + 1) * sizeof(struct service_variable));
	for (size_t i = 0; i < list->count; i++) {
		struct span text = span_of(list->items[i].text);
		struct service_variable *to = &r->plan->variables[r->plan->variable_count];
		bool read = read_variable(text, to);
		if (read && is_named_twice(r->plan, to->name))
			mistake(r, list->items[i].where, "variables", text,
				"each NAME can stand once");
		else if (read)
			r->plan->variable_count++;
		else
			mistake(r, list->items[i].where, "variables", text,
				"write NAME=CLAIM, NAME of letters, digits, - and _, CLAIM one "
				"of sub, email, sid, iss");
	}
}

static void read_networks(struct reading *r, const char *key, const struct config_list *list,
			  struct network **out, size_t *count_out)
{
	*out = arena_alloc(r->mem, (list->count + 1) * sizeof(struct network));
	for (size_t i = 0; i < list->count; i++) {
		struct span text = span_of(list->items[i].text);
		if (network_parse(text, &(*out)[*count_out]))
			(*count_out)++;
		else
			mistake(r, list->items[i].where, key, text,
				"is not an address or network such as 10.0.0.0/8 or ::1");
	}
}

static bool read_algs(struct span text, unsigned *algs_out)
{
	struct span name;
	*algs_out = 0;
	while (span_next(&text, ',', &name)) {
		enum jws_alg alg = jws_alg_named(name);
		/* A foreign key set is public: an HMAC key in it is no secret. */
		if (alg == JWS_NONE || alg == JWS_HS256)
			return false;
		*algs_out |= 1u << alg;
	}
	return true;
}

static bool set_issuer_field(struct foreign_issuer *issuer, struct span name, struct span value)
{
	if (span_is(name, "url"))
		issuer->url = value;
	else if (span_is(name, "jwks"))
		issuer->jwks = value;
	else if (span_is(name, "aud"))
		issuer->audience = value;
	else if (span_is(name, "subject"))
		issuer->subject_claim = value;
	else if (span_is(name, "alg"))
		return read_algs(value, &issuer->algs);
	else if (span_is(name, "local"))
		issuer->local = span_is(value, "yes");
	else
		return false;
	return value.len > 0;
}

static bool is_fetchable(struct span url)
{
	return span_starts(url, SPAN("https://")) || span_starts(url, SPAN("http://127.0.0.1:")) ||
	       span_starts(url, SPAN("http://[::1]:")) ||
	       span_starts(url, SPAN("http://localhost:"));
}

static const char *read_issuer(struct span text, struct foreign_issuer *issuer)
{
	struct span part;
	*issuer = (struct foreign_issuer){ .subject_claim = SPAN_ABSENT };
	while (span_next(&text, ' ', &part)) {
		size_t equals = span_find(part, '=');
		if (part.len == 0)
			continue;
		if (span_is_absent(issuer->name))
			issuer->name = part;
		else if (!set_issuer_field(issuer, span_first(part, equals),
					   span_from(part, equals + 1)))
			return "write NAME url=… jwks=… aud=… alg=EdDSA|ES256|RS256[,…] "
			       "subject=CLAIM [local=yes]";
	}
	if (!is_variable_name(issuer->name))
		return "begin with a NAME of letters, digits, - and _";
	if (issuer->url.len == 0 || issuer->audience.len == 0 || issuer->algs == 0)
		return "url=, aud= and alg= are required";
	if (!is_fetchable(issuer->jwks))
		return "jwks= must be an https address (http only on loopback, with a port)";
	return NULL;
}

static void read_issuers(struct reading *r)
{
	const struct config_list *list = &r->config->issuers;
	r->plan->issuers = arena_alloc(r->mem, (list->count + 1) * sizeof(struct foreign_issuer));
	for (size_t i = 0; i < list->count; i++) {
		struct span text = arena_copy(r->mem, span_of(list->items[i].text));
		struct foreign_issuer *to = &r->plan->issuers[r->plan->issuer_count];
		const char *why = read_issuer(text, to);
		if (why == NULL)
			r->plan->issuer_count++;
		else
			mistake(r, list->items[i].where, "issuer", text, why);
	}
}

static int compare_spans(const void *left, const void *right)
{
	const struct span *a = left;
	const struct span *b = right;
	size_t common = a->len < b->len ? a->len : b->len;
	int order = common > 0 ? memcmp(a->at, b->at, common) : 0;
	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static void fill_blocklist(struct service_plan *plan, struct arena *mem, struct span text)
{
	size_t lines = 1;
	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	plan->blocklist = arena_alloc(mem, lines * sizeof(struct span));
	struct span line;
	while (span_next(&text, '\n', &line)) {
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (line.len > 0)
			plan->blocklist[plan->blocklist_count++] = line;
	}
	qsort(plan->blocklist, plan->blocklist_count, sizeof(struct span), compare_spans);
}

static void read_blocklist(struct reading *r)
{
	const struct config_text *path = &r->config->password_blocklist;
	struct span text;
	if (path->text == NULL)
		return;
	if (config_read_file(r->mem, path->text, &text) == STATUS_OK)
		fill_blocklist(r->plan, r->mem, text);
	else
		mistake(r, path->where, "password_blocklist", span_of(path->text),
			"cannot be read: name a file of refused passwords, one per line, "
			"of at most 1 MiB");
}

bool service_is_blocked(const struct service_plan *plan, struct span password)
{
	return plan->blocklist_count > 0 &&
	       bsearch(&password, plan->blocklist, plan->blocklist_count, sizeof(struct span),
		       compare_spans) != NULL;
}

enum status service_plan_make(const struct config *config, struct buf *mistakes,
			      struct service_plan **plan_out)
{
	struct arena *mem = arena_new(0);
	struct service_plan *plan = arena_alloc(mem, sizeof(*plan));
	struct reading r = { config, plan, mem, mistakes, false };
	plan->mem = mem;
	read_secrets(&r);
	read_url(&r, "database_url", &config->database_url);
	read_url(&r, "feed_database_url", &config->feed_database_url);
	read_routes(&r);
	read_variables(&r);
	read_networks(&r, "trusted_proxies", &config->trusted_proxies, &plan->proxies,
		      &plan->proxy_count);
	read_networks(&r, "rate_limit_trusted", &config->rate_limit_trusted, &plan->unlimited,
		      &plan->unlimited_count);
	read_networks(&r, "listen_peers", &config->listen_peers, &plan->peers, &plan->peer_count);
	read_issuers(&r);
	read_blocklist(&r);
	if (r.failed) {
		service_plan_free(&plan);
		return STATUS_INVALID;
	}
	*plan_out = plan;
	return STATUS_OK;
}

void service_plan_free(struct service_plan **plan)
{
	if (*plan == NULL)
		return;
	struct arena *mem = (*plan)->mem;
	arena_free(&mem);
	*plan = NULL;
}
