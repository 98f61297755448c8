/* SPDX-License-Identifier: MIT */
#include "store/feed_read.h"

#include <stdio.h>

#define PAGE_TEXT "10000"
#define PAGE 10000
#define TRIGGERS 7

#define EPOCH "'1970-01-01Z'::timestamptz"
#define FAR "'9999-12-31Z'::timestamptz"
#define UNTIL_S "ceil(extract(epoch FROM least(until, " FAR ")))::int8"
#define NOT_BEFORE_S \
	"ceil(extract(epoch FROM least(greatest(not_before, " EPOCH "), " FAR ")))::int8"

#define CUT_OFFS                                          \
	"SELECT 'c', user_id, " NOT_BEFORE_S ", " UNTIL_S \
	" FROM authbridge.cutoff WHERE xid >= $1::xid8"   \
	" UNION ALL SELECT 'd', user_id, 0, 0"            \
	" FROM authbridge.disabled_user WHERE disabled AND xid >= $1::xid8"

/* Everything but the revocations, which come in pages. One snapshot. */
static const struct pg_statement head = {
	"feed_head",
	"SELECT 'h', pg_snapshot_xmin(pg_current_snapshot())::text,"
	" floor(extract(epoch FROM now()) * 1000)::int8,"
	" (SELECT count(*) FROM pg_catalog.pg_trigger t WHERE t.tgenabled = 'A'"
	" AND t.tgrelid IN ('public.session'::regclass, 'public.\"user\"'::regclass)"
	" AND t.tgname IN ('authbridge_session_deleted', 'authbridge_session_truncated',"
	" 'authbridge_session_changed', 'authbridge_session_made', 'authbridge_user_deleted',"
	" 'authbridge_user_truncated', 'authbridge_user_renamed'))"
	" UNION ALL SELECT 'g', NULL, keys, reload FROM authbridge.generation"
	" UNION ALL " CUT_OFFS " UNION ALL SELECT 's', session_id, 0, " UNTIL_S
	" FROM authbridge.shortened"
	" WHERE since <= now() AND (since > $2 OR xid >= $1::xid8)",
};

static const struct pg_statement cut_offs = { "feed_cut_offs", CUT_OFFS };

static const struct pg_statement page = {
	"feed_page",
	"SELECT r.id, r.xid::text, r.session_id, " UNTIL_S " FROM authbridge.revocation r"
	" WHERE (r.xid, r.id) > ($1::xid8, $2) ORDER BY r.xid, r.id LIMIT " PAGE_TEXT,
};

static void keep_xid(char out[24], struct span xid)
{
	snprintf(out, 24, "%.*s", SPAN_FMT(xid));
}

/* Rows on their way to `take`. Their texts are a result's: none may stay here
 * when it goes. */
struct batch {
	feed_take *take;
	void *state;
	size_t count;
	struct feed_row rows[FEED_ROWS];
};

static enum status give(struct batch *batch)
{
	size_t count = batch->count;
	batch->count = 0;
	return count > 0 ? batch->take(batch->state, batch->rows, count) : STATUS_OK;
}

static enum status add(struct batch *batch, const struct feed_row *row)
{
	batch->rows[batch->count++] = *row;
	return batch->count == FEED_ROWS ? give(batch) : STATUS_OK;
}

static enum status take_head_row(const struct pg_result *rows, size_t i, struct feed_mark *mark,
				 struct batch *batch)
{
	struct feed_row row = { .id = pg_text(rows, i, 1) };
	int64_t a = pg_int(rows, i, 2), b = pg_int(rows, i, 3);
	switch (pg_text(rows, i, 0).at[0]) {
	case 'h':
		keep_xid(mark->xmin, row.id);
		mark->now_ms = a;
		mark->armed = b == TRIGGERS;
		return STATUS_OK;
	case 'g':
		mark->keys = (uint64_t)a;
		mark->reload = (uint64_t)b;
		return STATUS_OK;
	case 'c':
		row.kind = FEED_CUT_OFF;
		row.not_before = a;
		row.until = b;
		return add(batch, &row);
	case 'd':
		row.kind = FEED_DISABLED;
		return add(batch, &row);
	default:
		row.kind = FEED_SESSION;
		row.until = b;
		return add(batch, &row);
	}
}

static enum status read_head(struct pg *pg, const struct feed_mark *from, struct feed_mark *mark,
			     struct batch *batch)
{
	struct pg_args args = { 0 };
	pg_put_text(&args, span_of(from->xmin));
	pg_put_ms(&args, from->now_ms);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(pg, &head, &args, &rows));
	for (size_t i = 0; i < pg_count(rows); i++)
		TRY(take_head_row(rows, i, mark, batch));
	return give(batch);
}

/* The next page after (xid, id), which move on; *more: it was a full one. */
static enum status read_page(struct pg *pg, char xid[24], int64_t *id, bool *more,
			     struct batch *batch)
{
	struct pg_args args = { 0 };
	pg_put_text(&args, span_of(xid));
	pg_put_int(&args, *id);
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(pg, &page, &args, &rows));
	size_t count = pg_count(rows);
	for (size_t i = 0; i < count; i++) {
		struct feed_row row = {
			.kind = FEED_SESSION,
			.id = pg_text(rows, i, 2),
			.until = pg_int(rows, i, 3),
		};
		TRY(add(batch, &row));
	}
	*more = count == PAGE;
	if (count > 0) {
		*id = pg_int(rows, count - 1, 0);
		keep_xid(xid, pg_text(rows, count - 1, 1));
	}
	return give(batch);
}

enum status feed_read(struct pg *pg, struct feed_mark *mark, feed_take *take, void *state)
{
	struct batch batch = { .take = take, .state = state };
	struct feed_mark next = { 0 };
	TRY(read_head(pg, mark, &next, &batch));
	char xid[24];
	int64_t id = 0;
	bool more = true;
	memcpy(xid, mark->xmin, sizeof(xid));
	while (more)
		TRY(read_page(pg, xid, &id, &more, &batch));
	*mark = next;
	return STATUS_OK;
}

enum status feed_read_cut_offs(struct pg *pg, feed_take *take, void *state)
{
	struct batch batch = { .take = take, .state = state };
	struct pg_args args = { 0 };
	struct feed_mark unmoved;
	pg_put_text(&args, SPAN("0"));
	CLEANUP(pg_rows_free) struct pg_result *rows = NULL;
	TRY(pg_run(pg, &cut_offs, &args, &rows));
	for (size_t i = 0; i < pg_count(rows); i++)
		TRY(take_head_row(rows, i, &unmoved, &batch));
	return give(&batch);
}

static enum status apply(struct revocation_set *set, const struct feed_row *row)
{
	switch (row->kind) {
	case FEED_SESSION:
		return revocation_add_session(set, row->id, row->until);
	case FEED_CUT_OFF:
		return revocation_cut_off(set, row->id, row->not_before, row->until);
	default:
		return revocation_cut_off(set, row->id, INT64_MAX, INT64_MAX);
	}
}

enum status feed_rows_apply(struct revocation_set *set, const struct feed_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		TRY(apply(set, &rows[i]));
	return STATUS_OK;
}
