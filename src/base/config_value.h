/* SPDX-License-Identifier: MIT */
/*
 * config_value: one value of the configuration, from text into its field. For
 * config.c alone.
 *
 * A reader writes the field at `option->at` of the configuration, or records
 * its mistake, which never shows the value of a secret.
 */
#ifndef BASE_CONFIG_VALUE_H
#define BASE_CONFIG_VALUE_H

#include "base/config.h"

struct config_option;

struct config_reading {
	struct config *config;
	struct arena *mem;     /* the configuration's own */
	struct arena *scratch; /* what is wiped once all is read */
	struct buf *mistakes;
	struct span plain_secret; /* of the key `secret` */
	const char *plain_where;
	bool failed;
};

typedef void config_value_reader(struct config_reading *r, const struct config_option *option,
				 struct span value, const char *where);

enum config_flag {
	CONFIG_REQUIRED = 1,
	CONFIG_SECRET = 2,   /* has _FILE forms, is never shown */
	CONFIG_REPEATED = 4, /* in the environment separated by ';' */
};

struct config_option {
	const char *key;
	const char *standard; /* NULL: none */
	config_value_reader *read;
	size_t at;
	int64_t min, max;  /* numbers; durations in the unit of the field */
	const char *words; /* "off|on": the position is the value */
	unsigned flags;
	const char *environment; /* the conventional name, or NULL */
};

config_value_reader config_read_text, config_read_list, config_read_item;
config_value_reader config_read_int, config_read_mode, config_read_word, config_read_switch;
config_value_reader config_read_seconds, config_read_seconds_or_off, config_read_ms;
config_value_reader config_read_origin, config_read_path;
config_value_reader config_read_secret, config_read_secrets;

/* Records a mistake of `key` at `where`. */
void config_refuse(struct config_reading *r, const char *where, const char *key, const char *format,
		   ...) PRINTF_LIKE(4, 5);

/* Adds a key that signs or verifies; refuses it when short. */
void config_add_secret(struct config_reading *r, const char *key, unsigned version,
		       struct span bytes, const char *where);

#endif
