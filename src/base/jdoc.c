/* SPDX-License-Identifier: MIT */
#include "base/jdoc.h"

#include "base/jrepair.h"
#include "base/secret.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

/* A jdoc is jansson's json_t under another name: documents and their members
 * are one type, and children borrow by nature. */
static const json_t *node(const struct jdoc *doc)
{
	return (const json_t *)doc;
}

static const struct jdoc *borrow(const json_t *json)
{
	return (const struct jdoc *)json;
}

/* Plain malloc stays underneath, because libjwt releases texts that jansson
 * made with free(3). */
static void wiping_free(void *at)
{
	if (at == NULL)
		return;
	secret_wipe(at, malloc_usable_size(at));
	free(at);
}

void jdoc_start(void)
{
	json_set_alloc_funcs(malloc, wiping_free);
}

static enum status load(struct span text, size_t flags, struct jdoc **doc_out)
{
	json_error_t error;
	json_t *json = json_loadb(text.at, text.len, JSON_DECODE_ANY | flags, &error);

	if (json == NULL)
		return json_error_code(&error) == json_error_out_of_memory ? STATUS_NO_MEMORY
									   : STATUS_INVALID;
	*doc_out = (struct jdoc *)json;
	return STATUS_OK;
}

enum status jdoc_parse(struct span text, struct jdoc **doc_out)
{
	size_t len = 0, room = JREPAIR_ROOM(text.len);
	char *repaired = malloc(room);

	if (repaired == NULL)
		return STATUS_NO_MEMORY;
	enum status status = jrepair(text, repaired, &len);
	if (status == STATUS_OK)
		status = load(span_make(repaired, len), JSON_ALLOW_NUL, doc_out);
	secret_wipe(repaired, room);
	free(repaired);
	return status;
}

/* Brackets outside strings; what is no JSON at all is the reader's to refuse. */
static bool is_too_deep(struct span text)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char byte = text.at[i];

		if (in_string && byte == '\\')
			i++;
		else if (byte == '"')
			in_string = !in_string;
		else if (!in_string && (byte == '{' || byte == '['))
			depth++;
		else if (!in_string && (byte == '}' || byte == ']') && depth > 0)
			depth--;
		if (depth > JREPAIR_DEPTH_MAX)
			return true;
	}
	return false;
}

enum status jdoc_parse_strict(struct span text, struct jdoc **doc_out)
{
	if (text.len == 0 || is_too_deep(text))
		return STATUS_INVALID;
	return load(text, JSON_REJECT_DUPLICATES, doc_out);
}

void jdoc_free(struct jdoc **doc)
{
	json_decref((json_t *)*doc);
	*doc = NULL;
}

enum jdoc_type jdoc_type(const struct jdoc *doc)
{
	if (doc == NULL)
		return JDOC_ABSENT;
	switch (json_typeof(node(doc))) {
	case JSON_OBJECT:
		return JDOC_OBJECT;
	case JSON_ARRAY:
		return JDOC_ARRAY;
	case JSON_STRING:
		return JDOC_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return JDOC_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JDOC_BOOL;
	case JSON_NULL:
		return JDOC_NULL;
	}
	return JDOC_ABSENT;
}

static const json_t *member(const struct jdoc *doc, const char *name)
{
	return json_object_get(node(doc), name);
}

enum jdoc_type jdoc_member(const struct jdoc *doc, const char *name)
{
	return jdoc_type(borrow(member(doc, name)));
}

const char *jdoc_type_word(enum jdoc_type type)
{
	static const char *const words[] = {
		[JDOC_ABSENT] = "undefined", [JDOC_NULL] = "null",     [JDOC_BOOL] = "boolean",
		[JDOC_NUMBER] = "number",    [JDOC_STRING] = "string", [JDOC_ARRAY] = "array",
		[JDOC_OBJECT] = "object",
	};
	return words[type];
}

static bool text_of(const json_t *json, struct span *out)
{
	if (!json_is_string(json))
		return false;
	*out = span_make(json_string_value(json), json_string_length(json));
	return true;
}

bool jdoc_text(const struct jdoc *doc, const char *name, struct span *out)
{
	return text_of(member(doc, name), out);
}

bool jdoc_own_text(const struct jdoc *doc, struct span *out)
{
	return text_of(node(doc), out);
}

bool jdoc_bool(const struct jdoc *doc, const char *name, bool *out)
{
	const json_t *json = member(doc, name);

	if (!json_is_boolean(json))
		return false;
	*out = json_is_true(json);
	return true;
}

bool jdoc_int(const struct jdoc *doc, const char *name, int64_t *out)
{
	/* 2^53: beyond it a double no longer holds every whole number */
	const double exact = 9007199254740992.0;
	const json_t *json = member(doc, name);

	if (json_is_integer(json)) {
		*out = json_integer_value(json);
		return true;
	}
	double value = json_is_real(json) ? json_real_value(json) : 0.5;
	if (value < -exact || value > exact || value != (double)(int64_t)value)
		return false;
	*out = (int64_t)value;
	return true;
}

const struct jdoc *jdoc_child(const struct jdoc *doc, const char *name)
{
	return borrow(member(doc, name));
}

size_t jdoc_count(const struct jdoc *doc)
{
	return json_array_size(node(doc));
}

const struct jdoc *jdoc_at(const struct jdoc *doc, size_t index)
{
	return borrow(json_array_get(node(doc), index));
}
