/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t = { 0 };

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

enum { DAY_MS = 86400000, ERA_DAYS = 146097, EPOCH_DAYS = 719468 };

/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
static const int64_t first_ms = -62167219200000, last_ms = 253402300799999;

/* Days since 1970 of a proleptic Gregorian date. Years begin in March here, so
 * that a leap day is a year's last and months follow one linear rule. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, in_era = year - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	days += EPOCH_DAYS;
	int64_t era = (days >= 0 ? days : days - ERA_DAYS + 1) / ERA_DAYS;
	int64_t in_era = days - era * ERA_DAYS;
	int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;

	*day = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

static void put(char *at, int64_t value, int digits)
{
	while (digits-- > 0) {
		at[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

static const char iso_form[] = "0000-00-00T00:00:00.000Z";

size_t clock_iso_format(int64_t wall_ms, char out[CLOCK_ISO_ROOM])
{
	int64_t year, month, day;

	wall_ms = wall_ms < first_ms ? first_ms : wall_ms > last_ms ? last_ms : wall_ms;
	int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - DAY_MS + 1) / DAY_MS;
	int64_t ms = wall_ms - days * DAY_MS;
	date_of(days, &year, &month, &day);
	memcpy(out, iso_form, sizeof(iso_form));
	put(out, year, 4);
	put(out + 5, month, 2);
	put(out + 8, day, 2);
	put(out + 11, ms / 3600000, 2);
	put(out + 14, ms / 60000 % 60, 2);
	put(out + 17, ms / 1000 % 60, 2);
	put(out + 20, ms % 1000, 3);
	return sizeof(iso_form) - 1;
}

static int64_t number(struct span text, size_t start, size_t digits)
{
	int64_t value = 0;

	for (size_t i = start; i < start + digits; i++)
		value = value * 10 + (text.at[i] - '0');
	return value;
}

static bool has_iso_form(struct span text)
{
	if (text.len != sizeof(iso_form) - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool digit = text.at[i] >= '0' && text.at[i] <= '9';

		if (iso_form[i] == '0' ? !digit : text.at[i] != iso_form[i])
			return false;
	}
	return true;
}

enum status clock_iso_parse(struct span text, int64_t *wall_ms_out)
{
	char again[CLOCK_ISO_ROOM];

	if (!has_iso_form(text))
		return STATUS_INVALID;
	int64_t days = days_of(number(text, 0, 4), number(text, 5, 2), number(text, 8, 2));
	int64_t ms = number(text, 11, 2) * 3600000 + number(text, 14, 2) * 60000 +
		     number(text, 17, 2) * 1000 + number(text, 20, 3) + days * DAY_MS;
	/* One comparison instead of a range check per field: month 13, 30
	 * February and 24:00 come back as another text. */
	clock_iso_format(ms, again);
	if (!span_is(text, again))
		return STATUS_INVALID;
	*wall_ms_out = ms;
	return STATUS_OK;
}
