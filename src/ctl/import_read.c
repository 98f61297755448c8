/* SPDX-License-Identifier: MIT */
#include "ctl/import.h"

#include "base/clock.h"
#include "base/jdoc.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "crypto/password.h"
#include "model/email.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define RECORD_MAX 65536
#define ID_MAX 64
#define HASH_NAMES 4

/* --- lines --- */

/* One line with its end; absent at the end of the file. */
static struct span read_line(struct import_file *in, struct arena *mem)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t got = getline(&line, &room, in->file);
	struct span copy = SPAN_ABSENT;
	if (got >= 0) {
		copy = arena_copy(mem, span_make(line, (size_t)got));
		in->lines++;
	}
	free(line);
	return copy;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (strchr(" \t\r\n", line.at[i]) == NULL)
			return false;
	return true;
}

static bool quotes_are_open(struct span text)
{
	bool open = false;
	for (size_t i = 0; i < text.len; i++)
		open ^= text.at[i] == '"';
	return open;
}

/* A record of CSV may go over several lines, between quotes. */
static struct span read_record(struct import_file *in, struct arena *mem)
{
	struct span line;
	do
		line = read_line(in, mem);
	while (!span_is_absent(line) && is_blank(line));
	in->line = in->lines;
	if (span_is_absent(line) || in->json)
		return line;
	struct buf record;
	buf_init(&record, mem, RECORD_MAX);
	buf_add(&record, line);
	while (quotes_are_open(buf_span(&record)) && !record.failed) {
		line = read_line(in, mem);
		if (span_is_absent(line))
			break;
		buf_add(&record, line);
	}
	return buf_span(&record);
}

/* --- CSV, as RFC 4180 --- */

static bool take_quoted(struct span *rest, struct arena *mem, struct span *out)
{
	char *to = arena_alloc(mem, rest->len);
	size_t len = 0, i = 1;
	for (; i < rest->len; i++) {
		if (rest->at[i] == '"' && !(i + 1 < rest->len && rest->at[i + 1] == '"'))
			break;
		i += rest->at[i] == '"';
		to[len++] = rest->at[i];
	}
	if (i >= rest->len)
		return false;
	*out = span_make(to, len);
	*rest = span_from(*rest, i + 1);
	return rest->len == 0 || rest->at[0] == ',';
}

/* Splits a record into at most IMPORT_COLUMNS_MAX fields; false: malformed. An
 * unquoted empty field is absent. */
static bool split(struct span record, struct arena *mem, struct span *fields, size_t *count_out)
{
	while (record.len > 0 && strchr("\r\n", record.at[record.len - 1]) != NULL)
		record = span_first(record, record.len - 1);
	for (*count_out = 0; *count_out < IMPORT_COLUMNS_MAX;) {
		struct span *field = &fields[(*count_out)++];
		if (record.len > 0 && record.at[0] == '"') {
			if (!take_quoted(&record, mem, field))
				return false;
		} else {
			size_t end = span_find(record, ',');
			*field = end > 0 ? span_first(record, end) : SPAN_ABSENT;
			record = span_from(record, end);
		}
		if (record.len == 0)
			return true;
		record = span_from(record, 1);
	}
	return false;
}

/* --- members by name --- */

struct record {
	const struct import_file *in;
	const struct span *fields;
	size_t field_count;
	struct jdoc *doc; /* JSON lines */
	const char *bad;  /* a member of the wrong type */
};

static struct span field_of(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->in->column_count && i < r->field_count; i++)
		if (span_is(r->in->columns[i], name))
			return r->fields[i];
	return SPAN_ABSENT;
}

static struct span text_of(struct record *r, struct arena *mem, const char *name)
{
	struct span text;
	if (r->doc == NULL)
		return field_of(r, name);
	enum jdoc_type type = jdoc_member(r->doc, name);
	if (type == JDOC_ABSENT || type == JDOC_NULL)
		return SPAN_ABSENT;
	if (!jdoc_text(r->doc, name, &text)) {
		r->bad = arena_format(mem, "%s is not text", name);
		return SPAN_ABSENT;
	}
	return arena_copy(mem, text);
}

static bool flag_of(struct record *r, struct arena *mem, const char *name)
{
	static const char *const yes[] = { "true", "t", "1", "yes" };
	bool value = false;
	if (r->doc != NULL && jdoc_bool(r->doc, name, &value))
		return value;
	int64_t number;
	if (r->doc != NULL && jdoc_int(r->doc, name, &number))
		return number != 0;
	struct span text = text_of(r, mem, name);
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		if (span_equal_nocase(text, span_of(yes[i])))
			return true;
	return false;
}

/* ISO, or milliseconds since 1970 as a number; now when absent. */
static int64_t time_of(struct record *r, struct arena *mem, const char *name)
{
	int64_t ms = clock_wall_ms();
	unsigned long long number;
	if (r->doc != NULL && jdoc_int(r->doc, name, &ms))
		return ms;
	struct span text = text_of(r, mem, name);
	if (span_is_absent(text))
		return ms;
	if (span_to_uint(text, &number))
		return (int64_t)number;
	if (clock_iso_parse(text, &ms) != STATUS_OK)
		r->bad = arena_format(mem, "%s is not a time such as 2026-11-20T23:54:39.746Z",
				      name);
	return ms;
}

static struct span hash_of(struct record *r, struct arena *mem)
{
	static const char *const names[HASH_NAMES] = { "password", "passwordHash", "password_hash",
						       "hash" };
	for (size_t i = 0; i < HASH_NAMES; i++) {
		struct span text = text_of(r, mem, names[i]);
		if (text.len > 0)
			return text;
	}
	return SPAN_ABSENT;
}

/* --- judging --- */

static const char *refuse_hash(struct span hash)
{
	if (hash.len == 0 || password_kind_of(hash) != PASSWORD_UNKNOWN)
		return NULL;
	if (span_starts(hash, SPAN("$2")))
		return "a bcrypt hash cannot be verified: import without it, and let the user"
		       " have a new password";
	return "the password is no argon2id or scrypt hash that can be verified (and never a"
	       " plain one)";
}

static bool is_text(struct span text)
{
	return text.len == 0 || (utf8_is_valid(text) && memchr(text.at, 0, text.len) == NULL);
}

static const char *refuse(const struct new_user *new)
{
	const struct user *user = &new->user;
	if (!email_is_valid(user->email) || user->email.len > USER_EMAIL_MAX)
		return "the address is missing, or is none";
	if (user->name.len > USER_NAME_MAX || user->image.len > USER_IMAGE_MAX ||
	    user->id.len > ID_MAX || new->hash.len > PASSWORD_HASH_MAX)
		return "a value is too long";
	if (!is_text(user->name) || !is_text(user->image) || !is_text(user->id))
		return "a value is not UTF-8 text";
	if (user->created_ms < 0 || user->created_ms > INT64_C(253402300799999))
		return "createdAt is out of range";
	return refuse_hash(new->hash);
}

static struct span new_id(struct arena *mem)
{
	char *id = arena_alloc(mem, RNG_ID_LEN + 1);
	rng_id(&rng_system, id);
	return span_make(id, RNG_ID_LEN);
}

static const char *fill(struct record *r, struct arena *mem, struct new_user *out)
{
	struct span id = text_of(r, mem, "id"), name = text_of(r, mem, "name");
	*out = (struct new_user){
		.user = {
			.id = id.len > 0 ? id : new_id(mem),
			.name = span_is_absent(name) ? SPAN("") : name,
			.email = email_lower(mem, text_of(r, mem, "email")),
			.image = text_of(r, mem, "image"),
			.email_verified = flag_of(r, mem, "emailVerified"),
			.created_ms = time_of(r, mem, "createdAt"),
		},
		.account_id = new_id(mem),
		.hash = hash_of(r, mem),
		.id_is_given = id.len > 0,
	};
	return r->bad != NULL ? r->bad : refuse(out);
}

/* --- */

static const char *read_json(struct import_file *in, struct span line, struct arena *mem,
			     struct new_user *out)
{
	CLEANUP(jdoc_free) struct jdoc *doc = NULL;
	if (jdoc_parse(line, &doc) != STATUS_OK || jdoc_type(doc) != JDOC_OBJECT)
		return "not one JSON object on one line";
	struct record record = { .in = in, .doc = doc };
	return fill(&record, mem, out);
}

static const char *read_csv(struct import_file *in, struct span line, struct arena *mem,
			    struct new_user *out)
{
	struct span fields[IMPORT_COLUMNS_MAX];
	struct record record = { .in = in, .fields = fields };
	if (!split(line, mem, fields, &record.field_count) ||
	    record.field_count != in->column_count)
		return "not as many fields as the first line has, or quotes that do not match";
	return fill(&record, mem, out);
}

/* The first byte tells JSON lines from CSV, whose first line names columns. */
static const char *begin(struct import_file *in)
{
	int first = getc(in->file);
	in->begun = true;
	if (first == 0xef && getc(in->file) == 0xbb && getc(in->file) == 0xbf)
		first = getc(in->file);
	if (first != EOF)
		ungetc(first, in->file);
	in->json = first == '{';
	if (in->json)
		return NULL;
	struct span head = read_record(in, in->mem);
	if (span_is_absent(head) || !split(head, in->mem, in->columns, &in->column_count))
		return "the first line does not name the columns";
	for (size_t i = 0; i < in->column_count; i++)
		if (span_is(in->columns[i], "email"))
			return NULL;
	return "the first line has no column `email`";
}

bool import_next(struct import_file *in, struct arena *mem, struct new_user *out,
		 const char **why_out)
{
	*why_out = in->begun ? NULL : begin(in);
	if (*why_out != NULL) {
		fseek(in->file, 0, SEEK_END); /* there is nothing to read it by */
		while (getc(in->file) != EOF)
			continue;
		return true;
	}
	struct span line = read_record(in, mem);
	if (span_is_absent(line))
		return false;
	if (line.len >= RECORD_MAX)
		*why_out = "the line is too long";
	else
		*why_out = in->json ? read_json(in, line, mem, out) : read_csv(in, line, mem, out);
	return true;
}
