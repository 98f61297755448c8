/* SPDX-License-Identifier: MIT */
/* The first line of the input is a variable of the environment, the rest the
 * file. Either there are mistakes and no configuration, or the other way. */
#include "fuzz/fuzz.h"

#include "base/config.h"

#include <stdlib.h>

static enum status no_file(struct arena *mem, const char *path, struct span *text_out)
{
	(void)path;
	*text_out = arena_copy(mem, SPAN("0123456789abcdef0123456789abcdef\n"));
	return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	CLEANUP(config_free) struct config *config = NULL;
	struct span text = span_make((const char *)data, size), line = SPAN_ABSENT;
	struct buf mistakes;

	span_next(&text, '\n', &line);
	char *environment[] = { arena_text(mem, line), NULL };
	buf_init(&mistakes, mem, 1 << 20);
	enum status status = config_parse(text, "fuzz", environment, no_file, &mistakes, &config);
	if ((status == STATUS_OK) != (config != NULL) ||
	    (status == STATUS_OK) != (mistakes.len == 0 && !mistakes.failed))
		abort();
	if (config != NULL && (config->secret_count == 0 || config->secrets[0].secret.len < 32 ||
			       config->base_url.text == NULL || config->jwt_ttl_s < 1 ||
			       config->password_min > config->password_max))
		abort();
	return 0;
}
