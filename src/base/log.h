/* SPDX-License-Identifier: MIT */
/*
 * log: one event per line on stderr, as `key=value` text or as JSON. A line is
 * written with one write(2); control bytes and quotes are escaped, values over
 * 256 bytes are cut, so no value can forge a line. Thread-safe.
 *
 * Never log a password, a token, a cookie or an e-mail address.
 *
 *     log_warn("sign-in refused", LOG_SPAN("user", id), LOG_TEXT("reason", r));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
	const char *name; /* NULL ends a list */
	struct span text; /* absent: the field is left out */
	int64_t number;   /* used when text is { NULL, 1 } */
};

#define LOG_TEXT(name, value) ((struct log_field){ (name), span_of(value), 0 })
#define LOG_SPAN(name, value) ((struct log_field){ (name), (value), 0 })
#define LOG_INT(name, value) ((struct log_field){ (name), { NULL, 1 }, (value) })
#define LOG_STATUS(status) LOG_TEXT("status", status_word(status))
#define LOG_ERRNO(number) LOG_TEXT("errno", log_errno_word(number))

/* Before threads. The default is info and text. */
void log_configure(enum log_level level, bool json);

void log_event(enum log_level level, const char *event, const struct log_field *fields);

/* "ENOENT"-like name of an errno value. */
const char *log_errno_word(int number);

#define LOG_AT(level, event, ...) \
	log_event((level), (event), (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_debug(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_LEVEL_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(event, ...) LOG_AT(LOG_LEVEL_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_LEVEL_ERROR, event __VA_OPT__(, ) __VA_ARGS__)

#endif
