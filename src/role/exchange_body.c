/* SPDX-License-Identifier: MIT */
#include "role/exchange.h"

#include "http/form.h"
#include "model/email.h"

#include <stdarg.h>
#include <stdio.h>

static struct span media_type(const struct exchange *x)
{
	struct span type = x->request->content_type.value;
	char *lower = arena_text(x->mem, span_trim(span_first(type, span_find(type, ';'))));
	for (char *c = lower; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return span_of(lower);
}

static void refuse_media_type(struct exchange *x)
{
	struct jdoc_writer w;
	struct buf message;
	bool form = (x->route->flags & ROUTE_FORM) != 0;
	buf_init(&message, x->mem, REPLY_BODY_MAX);
	buf_text(&message, "Content-Type \"");
	buf_add(&message, x->request->content_type.value);
	buf_text(&message, "\" is not allowed. Allowed types: ");
	buf_text(&message,
		 form ? "application/x-www-form-urlencoded, application/json" : "application/json");
	reply_status(x->reply, 415);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "message", buf_span(&message));
	jdoc_put_text(&w, "code", SPAN("UNSUPPORTED_MEDIA_TYPE"));
	jdoc_end_object(&w);
}

/* A body without a type, or of no bytes, is no body: the contract's rule. */
bool exchange_read_body(struct exchange *x)
{
	struct request *request = x->request;
	struct span text = request->body;
	if (request->body_too_large) {
		exchange_error(x, ERROR_BODY_TOO_LARGE);
		return false;
	}
	if (!span_is(request->method, "POST") || text.len == 0 ||
	    request->content_type.value.len == 0)
		return true;
	struct span type = media_type(x);
	bool form = span_is(type, "application/x-www-form-urlencoded");
	if (!span_is(type, "application/json") && !(form && (x->route->flags & ROUTE_FORM))) {
		refuse_media_type(x);
		return false;
	}
	if (form && form_to_json(x->mem, text, &text) != STATUS_OK) {
		exchange_error(x, ERROR_BAD_REQUEST);
		return false;
	}
	enum status parsed = jdoc_parse(text, &x->body);
	if (parsed == STATUS_INVALID) {
		exchange_error(x, ERROR_INVALID_JSON);
		return false;
	}
	if (parsed != STATUS_OK)
		exchange_failed(x, parsed);
	return parsed == STATUS_OK;
}

struct issues {
	struct buf text;
	size_t count;
};

static void add_issue(struct issues *issues, const char *field, const char *format, ...)
	PRINTF_LIKE(3, 4);

static void add_issue(struct issues *issues, const char *field, const char *format, ...)
{
	char text[160];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (issues->count++ > 0)
		buf_text(&issues->text, "; ");
	buf_text(&issues->text, "[body");
	if (field != NULL)
		buf_format(&issues->text, ".%s", field);
	buf_format(&issues->text, "] %s", text);
}

static void check_form(struct issues *issues, const struct exchange *x, const struct field *field)
{
	struct span text = exchange_text(x, field->name);
	if (field->form == FIELD_EMAIL && !email_is_valid(text))
		add_issue(issues, field->name, "Invalid email address");
	if (field->form == FIELD_NOT_EMPTY && text.len == 0)
		add_issue(issues, field->name, "Too small: expected string to have >=1 characters");
	if (field->max > 0 && text.len > field->max)
		add_issue(issues, field->name, "Too big: expected string to have <=%zu bytes",
			  field->max);
}

static void check_field(struct issues *issues, const struct exchange *x, const struct field *field)
{
	enum jdoc_type type = jdoc_member(x->body, field->name);
	if (type == JDOC_ABSENT && field->need == FIELD_OPTIONAL)
		return;
	if (type == field->type)
		check_form(issues, x, field);
	else
		add_issue(issues, field->name, "Invalid input: expected %s, received %s",
			  jdoc_type_word(field->type), jdoc_type_word(type));
}

static void check_object(struct issues *issues, const struct exchange *x)
{
	const char *got = jdoc_type_word(jdoc_type(x->body));
	if (x->route->fields != NULL)
		add_issue(issues, NULL, "Invalid input: expected object, received %s", got);
	if (x->route->fields == NULL || (x->route->flags & ROUTE_RECORD))
		add_issue(issues, NULL, "Invalid input: expected record, received %s", got);
}

bool exchange_check_schema(struct exchange *x)
{
	struct issues issues = { .count = 0 };
	struct jdoc_writer w;
	if (!(x->route->flags & ROUTE_BODY) &&
	    !((x->route->flags & ROUTE_MAYBE_BODY) && x->body != NULL))
		return true;
	buf_init(&issues.text, x->mem, REPLY_BODY_MAX);
	if (jdoc_type(x->body) != JDOC_OBJECT)
		check_object(&issues, x);
	else
		for (const struct field *f = x->route->fields; f != NULL && f->name != NULL; f++)
			check_field(&issues, x, f);
	if (issues.count == 0)
		return true;
	reply_status(x->reply, 400);
	exchange_json(x, &w);
	jdoc_put_object(&w, NULL);
	jdoc_put_text(&w, "message", buf_span(&issues.text));
	jdoc_put_text(&w, "code", SPAN("VALIDATION_ERROR"));
	jdoc_end_object(&w);
	return false;
}

struct span exchange_text(const struct exchange *x, const char *name)
{
	struct span text = SPAN_ABSENT;
	if (x->body == NULL || !jdoc_text(x->body, name, &text))
		return SPAN_ABSENT;
	return text;
}

bool exchange_flag(const struct exchange *x, const char *name, bool otherwise)
{
	bool value = otherwise;
	if (x->body == NULL || !jdoc_bool(x->body, name, &value))
		return otherwise;
	return value;
}
