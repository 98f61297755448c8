/* SPDX-License-Identifier: MIT */
/* A text form has one spelling: what decodes encodes to the same text. */
#include "fuzz/fuzz.h"

#include "base/encode.h"
#include "base/utf8.h"

#include <stdlib.h>

typedef enum status decoder(struct span text, void *out, size_t room, size_t *len_out);
typedef size_t encoder(const void *bytes, size_t len, char *out);

static void check(struct arena *mem, struct span text, decoder *decode, encoder *encode)
{
	char *bytes = arena_alloc(mem, text.len + 1), *again = arena_alloc(mem, 2 * text.len + 8);
	size_t len = 0;

	if (decode(text, bytes, text.len, &len) != STATUS_OK)
		return;
	size_t again_len = encode(bytes, len, again);
	if (!span_equal_nocase(text, span_make(again, again_len)))
		abort();
	if (decode != decode_hex && !span_equal(text, span_make(again, again_len)))
		abort();
	if (len > 0 && decode(text, bytes, len - 1, &len) != STATUS_TOO_LARGE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *mem = arena_new(0);
	struct span text = span_make((const char *)data, size), again = SPAN_ABSENT;

	check(mem, text, decode_base64, encode_base64);
	check(mem, text, decode_base64url, encode_base64url);
	check(mem, text, decode_hex, encode_hex);
	if (decode_percent(mem, encode_percent(mem, text), &again) != STATUS_OK ||
	    !span_equal(text, again))
		abort();
	struct span repaired = utf8_repair(mem, text);
	if (!utf8_is_valid(repaired) || repaired.len > 3 * text.len)
		abort();
	return 0;
}
