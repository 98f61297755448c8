/* SPDX-License-Identifier: MIT */
#include "store/audit_store.h"

#include "base/jdoc.h"
#include "store/run.h"

#define LINE_MAX 1024

static void put_line(struct jdoc_writer *w, const struct audit_line *line)
{
	jdoc_put_object(w, NULL);
	jdoc_put_int(w, "at", line->at_ms);
	jdoc_put_text(w, "event", span_of(line->event));
	jdoc_put_text(w, "user_id", line->user_id);
	jdoc_put_text(w, "address", line->address);
	jdoc_put_text(w, "reason", span_of(line->reason));
	jdoc_put_int(w, "times", line->times);
	jdoc_end_object(w);
}

enum status store_audit(struct store *store, struct arena *mem, const struct audit_line *lines,
			size_t count)
{
	static const struct pg_statement add = {
		"audit",
		"INSERT INTO authbridge.audit (at, event, user_id, address, reason, times)"
		" SELECT to_timestamp(l.at / 1000.0), l.event, l.user_id, l.address, l.reason,"
		" l.times FROM json_to_recordset($1::json) AS l (at bigint, event text,"
		" user_id text, address text, reason text, times bigint)",
	};
	struct buf text;
	struct jdoc_writer w;
	struct pg_args args = { 0 };
	buf_init(&text, mem, AUDIT_LINES_MAX * LINE_MAX);
	jdoc_write(&w, &text);
	jdoc_put_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		put_line(&w, &lines[i]);
	jdoc_end_array(&w);
	struct span json;
	TRY(buf_finish(&text, &json));
	pg_put_text(&args, json);
	return run_write(store, &add, &args, NULL);
}
