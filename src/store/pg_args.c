/* SPDX-License-Identifier: MIT */
#include "store/pg.h"

#include <endian.h>

/* Of pg_catalog, the same in every database. */
enum { OID_BOOL = 16, OID_INT8 = 20, OID_TEXT = 25, OID_TIMESTAMPTZ = 1184 };

static size_t put(struct pg_args *args, unsigned type, const void *value, size_t len)
{
	if (args->count == PG_ARGS_MAX || len > INT32_MAX) {
		args->refused = true;
		return 0;
	}
	args->types[args->count] = type;
	args->values[args->count] = value;
	args->lengths[args->count] = (int)len;
	args->formats[args->count] = 1;
	return args->count++;
}

void pg_put_text(struct pg_args *args, struct span text)
{
	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		args->refused = true;
	put(args, OID_TEXT, text.at, text.len);
}

static void put_number(struct pg_args *args, unsigned type, int64_t value, size_t len)
{
	unsigned char *at = args->numbers[args->count % PG_ARGS_MAX];
	uint64_t wire = htobe64((uint64_t)value);
	memcpy(at, (unsigned char *)&wire + 8 - len, len);
	put(args, type, at, len);
}

void pg_put_bool(struct pg_args *args, bool value)
{
	put_number(args, OID_BOOL, value, 1);
}

void pg_put_int(struct pg_args *args, int64_t value)
{
	put_number(args, OID_INT8, value, 8);
}

void pg_put_ms(struct pg_args *args, int64_t wall_ms)
{
	if (wall_ms > PG_FAR_MS || wall_ms < PG_FIRST_MS) {
		args->refused = true;
		wall_ms = 0;
	}
	put_number(args, OID_TIMESTAMPTZ, (wall_ms - PG_EPOCH_MS) * 1000, 8);
}

void pg_put_no_ms(struct pg_args *args)
{
	put(args, OID_TIMESTAMPTZ, NULL, 0);
}
