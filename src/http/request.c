/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include "http/form.h"

#include <stdint.h>

/* Up to PARAM_CONTENT_TYPE the web server's own, then headers. */
enum param {
	PARAM_OTHER = 0,
	PARAM_MODE,
	PARAM_METHOD,
	PARAM_TARGET,
	PARAM_REDIRECT_URI,
	PARAM_REMOTE_ADDR,
	PARAM_CONTENT_LENGTH,
	PARAM_CONTENT_TYPE,
	PARAM_HTTP_CONTENT_TYPE,
	PARAM_AUTHORIZATION,
	PARAM_COOKIE,
	PARAM_ORIGIN,
	PARAM_REFERER,
	PARAM_USER_AGENT,
	PARAM_FORWARDED_FOR,
	PARAM_FETCH_SITE,
	PARAM_FETCH_MODE,
	PARAM_FETCH_DEST,
	PARAM_COUNT_,
};

#define IS(literal) span_equal(name, SPAN(literal))

/* Lengths first: of the thirty parameters of a request most fall out without a
 * comparison. The gate does this for every request that it judges. */
static enum param param_of(struct span name)
{
	switch (name.len) {
	case 11:
		return IS("REQUEST_URI")   ? PARAM_TARGET
		       : IS("REMOTE_ADDR") ? PARAM_REMOTE_ADDR
		       : IS("HTTP_COOKIE") ? PARAM_COOKIE
		       : IS("HTTP_ORIGIN") ? PARAM_ORIGIN
					   : PARAM_OTHER;
	case 12:
		return IS("CONTENT_TYPE")   ? PARAM_CONTENT_TYPE
		       : IS("HTTP_REFERER") ? PARAM_REFERER
		       : IS("REDIRECT_URI") ? PARAM_REDIRECT_URI
					    : PARAM_OTHER;
	case 14:
		return IS("REQUEST_METHOD")   ? PARAM_METHOD
		       : IS("CONTENT_LENGTH") ? PARAM_CONTENT_LENGTH
					      : PARAM_OTHER;
	case 15:
		return IS("AUTHBRIDGE_MODE")   ? PARAM_MODE
		       : IS("HTTP_USER_AGENT") ? PARAM_USER_AGENT
					       : PARAM_OTHER;
	case 17:
		return IS("HTTP_CONTENT_TYPE") ? PARAM_HTTP_CONTENT_TYPE : PARAM_OTHER;
	case 18:
		return IS("HTTP_AUTHORIZATION") ? PARAM_AUTHORIZATION : PARAM_OTHER;
	case 19:
		return IS("HTTP_SEC_FETCH_SITE")   ? PARAM_FETCH_SITE
		       : IS("HTTP_SEC_FETCH_MODE") ? PARAM_FETCH_MODE
		       : IS("HTTP_SEC_FETCH_DEST") ? PARAM_FETCH_DEST
						   : PARAM_OTHER;
	case 20:
		return IS("HTTP_X_FORWARDED_FOR") ? PARAM_FORWARDED_FOR : PARAM_OTHER;
	default:
		return PARAM_OTHER;
	}
}

/* Splits "NAME=value"; the value's length is only measured where it is used. */
static enum param param_split(const char *text, const char **value_out)
{
	const char *equals = strchr(text, '=');
	if (equals == NULL)
		return PARAM_OTHER;
	*value_out = equals + 1;
	return param_of(span_make(text, (size_t)(equals - text)));
}

/* --- the mode --- */

static enum request_mode mode_of_word(struct span word)
{
	static const struct {
		const char *word;
		enum request_mode mode;
	} modes[] = {
		{ "authorize", REQUEST_AUTHORIZE },
		{ "metrics", REQUEST_METRICS },
		{ "ready", REQUEST_READY },
		{ "live", REQUEST_LIVE },
	};
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		if (span_is(word, modes[i].word))
			return modes[i].mode;
	return REQUEST_NONE;
}

/* The authorizer's role wins over any word: with it every 200 opens a
 * resource, so metrics must not answer one. Two different words are a
 * configuration that contradicts itself. */
static enum request_mode mode_decide(const struct request_field *word, bool authorizer)
{
	if (authorizer)
		return REQUEST_AUTHORIZE;
	if (span_is_absent(word->value))
		return REQUEST_RESPOND;
	return word->repeated ? REQUEST_NONE : mode_of_word(word->value);
}

/* What the web server itself sets may come twice with one value, when its
 * parameters are included twice. A header never may: no client needs that. */
static void field_take(struct request_field *field, enum param param, const char *value)
{
	if (span_is_absent(field->value))
		field->value = span_of(value);
	else if (param > PARAM_CONTENT_TYPE || !span_is(field->value, value))
		field->repeated = true;
}

enum request_mode request_mode_of(const char *const *params, bool authorizer)
{
	struct request_field word = { SPAN_ABSENT, false };
	for (; *params != NULL; params++) {
		const char *value;
		if (param_split(*params, &value) == PARAM_MODE)
			field_take(&word, PARAM_MODE, value);
	}
	return mode_decide(&word, authorizer);
}

/* --- the declared length --- */

struct length {
	size_t bytes;
	bool known, wrong;
};

/* nginx sends the client's length and then an empty one when told to pass no
 * body, and the same one twice when its parameters are included twice. */
static void length_take(struct length *length, const char *value)
{
	size_t bytes = 0;
	if (*value == '\0')
		return;
	for (const char *c = value; *c != '\0'; c++) {
		size_t digit = (size_t)(*c - '0');
		if (*c < '0' || *c > '9') {
			length->wrong = true;
			return;
		}
		bytes = bytes > (SIZE_MAX - digit) / 10 ? SIZE_MAX : bytes * 10 + digit;
	}
	if (length->known && length->bytes != bytes)
		length->wrong = true;
	length->known = true;
	length->bytes = bytes;
}

enum status request_body_length(const char *const *params, size_t *length_out)
{
	struct length length = { 0 };
	for (; *params != NULL; params++) {
		const char *value;
		if (param_split(*params, &value) == PARAM_CONTENT_LENGTH)
			length_take(&length, value);
	}
	if (length.wrong)
		return STATUS_INVALID;
	*length_out = length.bytes;
	return STATUS_OK;
}

/* --- the request --- */

struct walk {
	struct request_field fields[PARAM_COUNT_];
	struct length length;
};

static void walk_params(struct walk *walk, const char *const *params)
{
	for (; *params != NULL; params++) {
		const char *value;
		enum param param = param_split(*params, &value);
		if (param == PARAM_CONTENT_LENGTH)
			length_take(&walk->length, value);
		else if (param != PARAM_OTHER)
			field_take(&walk->fields[param], param, value);
	}
}

/* nginx sends an empty CONTENT_TYPE for a request without one; lighttpd's
 * authorizer sends the header alone. */
static struct request_field content_type_of(const struct walk *walk)
{
	struct request_field type = walk->fields[PARAM_CONTENT_TYPE];
	if (span_is_absent(type.value))
		type = walk->fields[PARAM_HTTP_CONTENT_TYPE];
	if (type.value.len == 0)
		type = (struct request_field){ SPAN_ABSENT, false };
	return type;
}

static enum status take_body(struct request *r, const struct length *length, struct span body)
{
	if (r->mode == REQUEST_AUTHORIZE)
		return STATUS_OK;
	if (length->wrong)
		return STATUS_INVALID;
	if (length->bytes > REQUEST_BODY_MAX) {
		r->body_too_large = true;
		return STATUS_OK;
	}
	if (length->bytes == 0)
		return STATUS_OK;
	if (body.len != length->bytes)
		return STATUS_INVALID;
	r->body = body;
	return STATUS_OK;
}

static void take_fields(struct request *r, const struct walk *walk)
{
	const struct request_field *f = walk->fields;

	r->method = f[PARAM_METHOD].value;
	r->target = f[PARAM_TARGET].value;
	r->remote_addr = f[PARAM_REMOTE_ADDR].value;
	r->redirect_uri = f[PARAM_REDIRECT_URI];
	r->authorization = f[PARAM_AUTHORIZATION];
	r->cookie = f[PARAM_COOKIE];
	r->origin = f[PARAM_ORIGIN];
	r->referer = f[PARAM_REFERER];
	r->content_type = content_type_of(walk);
	r->user_agent = f[PARAM_USER_AGENT];
	r->forwarded_for = f[PARAM_FORWARDED_FOR];
	r->fetch_site = f[PARAM_FETCH_SITE];
	r->fetch_mode = f[PARAM_FETCH_MODE];
	r->fetch_dest = f[PARAM_FETCH_DEST];

	size_t cut = span_find(r->target, '?');
	r->path = span_first(r->target, cut);
	r->query = cut < r->target.len ? span_from(r->target, cut + 1) : SPAN_ABSENT;
}

enum status request_parse(struct arena *mem, const char *const *params, bool authorizer,
			  struct span body, struct request *request_out)
{
	struct walk walk = { 0 };
	struct request r = { .mem = mem };

	walk_params(&walk, params);
	r.mode = mode_decide(&walk.fields[PARAM_MODE], authorizer);
	take_fields(&r, &walk);
	if (r.method.len == 0 || r.target.len == 0)
		return STATUS_INVALID;
	if (walk.fields[PARAM_METHOD].repeated || walk.fields[PARAM_TARGET].repeated)
		return STATUS_INVALID;
	TRY(take_body(&r, &walk.length, body));
	*request_out = r;
	return STATUS_OK;
}

bool request_query(const struct request *request, const char *name, struct span *value_out)
{
	struct span rest = request->query, key, value;
	while (form_next(request->mem, &rest, &key, &value)) {
		if (span_is(key, name)) {
			*value_out = value;
			return true;
		}
	}
	return false;
}
