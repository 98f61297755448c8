/* SPDX-License-Identifier: MIT */
#include "ctl/report.h"

#include "base/clock.h"

#include <stdio.h>

#define REPORT_MAX (64u << 20)

void report_begin(struct report *r, const struct ctl *ctl, const char *const *names)
{
	*r = (struct report){ .ctl = ctl, .names = names };
	buf_init(&r->text, ctl->mem, REPORT_MAX);
	jdoc_write(&r->w, &r->text);
	if (ctl->json)
		jdoc_put_array(&r->w, NULL);
	for (size_t i = 0; names[i] != NULL; i++)
		r->widths[i] = strlen(names[i]);
}

static struct span printable(const struct ctl *ctl, struct span value)
{
	char *copy = arena_text(ctl->mem, value);
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
			copy[i] = '?';
	return value.len > 0 ? span_make(copy, value.len) : SPAN("-");
}

void report_row(struct report *r, const struct span *values)
{
	r->rows++;
	if (r->ctl->json)
		jdoc_put_object(&r->w, NULL);
	for (size_t i = 0; r->names[i] != NULL; i++) {
		if (r->ctl->json) {
			jdoc_put_text(&r->w, r->names[i], values[i]);
			continue;
		}
		struct span text = printable(r->ctl, values[i]);
		if (text.len > r->widths[i])
			r->widths[i] = text.len;
		buf_add(&r->text, text);
		buf_byte(&r->text, '\0');
	}
	if (r->ctl->json)
		jdoc_end_object(&r->w);
}

static void print_line(const struct report *r, struct span *rest)
{
	for (size_t i = 0; r->names[i] != NULL; i++) {
		struct span value = SPAN("");
		(void)span_next(rest, '\0', &value);
		bool last = r->names[i + 1] == NULL;
		printf("%-*.*s%s", last ? 0 : (int)r->widths[i], SPAN_FMT(value),
		       last ? "\n" : "  ");
	}
}

void report_end(struct report *r)
{
	struct span rest = buf_span(&r->text);
	if (r->ctl->json) {
		jdoc_end_array(&r->w);
		rest = buf_span(&r->text);
		printf("%.*s\n", SPAN_FMT(rest));
		return;
	}
	for (size_t i = 0; r->names[i] != NULL; i++)
		printf("%-*s%s", r->names[i + 1] == NULL ? 0 : (int)r->widths[i], r->names[i],
		       r->names[i + 1] == NULL ? "\n" : "  ");
	for (size_t i = 0; i < r->rows; i++)
		print_line(r, &rest);
}

static void print_object(const struct ctl *ctl, const char *const *names, const struct span *values)
{
	struct buf text;
	struct jdoc_writer w;
	buf_init(&text, ctl->mem, REPORT_MAX);
	jdoc_write(&w, &text);
	jdoc_put_object(&w, NULL);
	for (size_t i = 0; names[i] != NULL; i++)
		jdoc_put_text(&w, names[i], values[i]);
	jdoc_end_object(&w);
	printf("%.*s\n", SPAN_FMT(buf_span(&text)));
}

void report_card(const struct ctl *ctl, const char *const *names, const struct span *values)
{
	if (ctl->json) {
		print_object(ctl, names, values);
		return;
	}
	for (size_t i = 0; names[i] != NULL; i++)
		printf("%-12s %.*s\n", names[i], SPAN_FMT(printable(ctl, values[i])));
}

void report_line(const struct ctl *ctl, const char *const *names, const struct span *values)
{
	if (ctl->json) {
		print_object(ctl, names, values);
		return;
	}
	for (size_t i = 0; names[i] != NULL; i++)
		if (values[i].len > 0)
			printf("%s%s=%.*s", i > 0 ? "  " : "", names[i],
			       SPAN_FMT(printable(ctl, values[i])));
	putchar('\n');
}

struct span report_time(const struct ctl *ctl, int64_t wall_ms)
{
	char *text = arena_alloc(ctl->mem, CLOCK_ISO_ROOM);
	return wall_ms < 0 ? SPAN_ABSENT : span_make(text, clock_iso_format(wall_ms, text));
}

void report_count(const struct ctl *ctl, const char *name, const char *sentence, size_t count)
{
	if (ctl->json)
		printf("{\"%s\":%zu}\n", name, count);
	else
		printf("%zu %s\n", count, sentence);
}
