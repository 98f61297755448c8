/* SPDX-License-Identifier: MIT */
#include "base/encode.h"

#include <stdint.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char standard[] = ALNUM "+/";
static const char url[] = ALNUM "-_";
static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* What a character adds to a group of four: its six bits in place, and one in
 * the top byte, so that a group without a foreign byte counts to four there. */
#define GOOD (1u << 24)
#define S(byte, value, shift) [byte] = GOOD | (uint32_t)(value) << (shift)
#define SEXTETS(shift)                                                                            \
	S('A', 0, shift), S('B', 1, shift), S('C', 2, shift), S('D', 3, shift), S('E', 4, shift), \
		S('F', 5, shift), S('G', 6, shift), S('H', 7, shift), S('I', 8, shift),           \
		S('J', 9, shift), S('K', 10, shift), S('L', 11, shift), S('M', 12, shift),        \
		S('N', 13, shift), S('O', 14, shift), S('P', 15, shift), S('Q', 16, shift),       \
		S('R', 17, shift), S('S', 18, shift), S('T', 19, shift), S('U', 20, shift),       \
		S('V', 21, shift), S('W', 22, shift), S('X', 23, shift), S('Y', 24, shift),       \
		S('Z', 25, shift), S('a', 26, shift), S('b', 27, shift), S('c', 28, shift),       \
		S('d', 29, shift), S('e', 30, shift), S('f', 31, shift), S('g', 32, shift),       \
		S('h', 33, shift), S('i', 34, shift), S('j', 35, shift), S('k', 36, shift),       \
		S('l', 37, shift), S('m', 38, shift), S('n', 39, shift), S('o', 40, shift),       \
		S('p', 41, shift), S('q', 42, shift), S('r', 43, shift), S('s', 44, shift),       \
		S('t', 45, shift), S('u', 46, shift), S('v', 47, shift), S('w', 48, shift),       \
		S('x', 49, shift), S('y', 50, shift), S('z', 51, shift), S('0', 52, shift),       \
		S('1', 53, shift), S('2', 54, shift), S('3', 55, shift), S('4', 56, shift),       \
		S('5', 57, shift), S('6', 58, shift), S('7', 59, shift), S('8', 60, shift),       \
		S('9', 61, shift)
#define TABLE(shift, c62, c63)                                       \
	{                                                            \
		SEXTETS(shift), S(c62, 62, shift), S(c63, 63, shift) \
	}
#define TABLES(c62, c63)                                                                         \
	{                                                                                        \
		TABLE(18, c62, c63), TABLE(12, c62, c63), TABLE(6, c62, c63), TABLE(0, c62, c63) \
	}

struct sextets {
	uint32_t at[4][256]; /* by place in the group, then character */
};

static const struct sextets standard_values = { TABLES('+', '/') };
static const struct sextets url_values = { TABLES('-', '_') };

/* Without padding. */
static char *encode_sextets(const unsigned char *in, size_t len, const char *alphabet, char *out)
{
	for (; len >= 3; in += 3, len -= 3) {
		*out++ = alphabet[in[0] >> 2];
		*out++ = alphabet[(in[0] << 4 | in[1] >> 4) & 63];
		*out++ = alphabet[(in[1] << 2 | in[2] >> 6) & 63];
		*out++ = alphabet[in[2] & 63];
	}
	if (len > 0) {
		unsigned second = len > 1 ? in[1] : 0;

		*out++ = alphabet[in[0] >> 2];
		*out++ = alphabet[(in[0] << 4 | second >> 4) & 63];
		if (len > 1)
			*out++ = alphabet[second << 2 & 63];
	}
	return out;
}

size_t encode_base64(const void *bytes, size_t len, char *out)
{
	char *end = encode_sextets(bytes, len, standard, out);

	while ((end - out) % 4 != 0)
		*end++ = '=';
	*end = '\0';
	return (size_t)(end - out);
}

size_t encode_base64url(const void *bytes, size_t len, char *out)
{
	char *end = encode_sextets(bytes, len, url, out);

	*end = '\0';
	return (size_t)(end - out);
}

size_t encode_hex(const void *bytes, size_t len, char *out)
{
	const unsigned char *in = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex_lower[in[i] >> 4];
		out[2 * i + 1] = hex_lower[in[i] & 15];
	}
	out[2 * len] = '\0';
	return 2 * len;
}

static void put_three(unsigned char *out, uint32_t group)
{
	out[0] = (unsigned char)(group >> 16);
	out[1] = (unsigned char)(group >> 8);
	out[2] = (unsigned char)group;
}

/* The last two or three characters; unused bits must be zero. */
static enum status decode_tail(const unsigned char *in, size_t count, const struct sextets *values,
			       unsigned char *out)
{
	uint32_t group = values->at[0][in[0]] + values->at[1][in[1]] +
			 (count > 2 ? values->at[2][in[2]] : GOOD) + GOOD;
	unsigned char bytes[3];

	put_three(bytes, group);
	if (group >> 24 != 4 || (count > 2 ? bytes[2] : bytes[1] | bytes[2]) != 0)
		return STATUS_INVALID;
	out[0] = bytes[0];
	if (count > 2)
		out[1] = bytes[1];
	return STATUS_OK;
}

/* Judged once at the end: a branch for each group costs as much as decoding. */
static enum status decode_sextets(struct span text, const struct sextets *values, void *out_bytes,
				  size_t room, size_t *len_out)
{
	const unsigned char *in = (const unsigned char *)text.at;
	unsigned char *out = out_bytes;
	size_t tail = text.len % 4, needed = text.len / 4 * 3 + (tail > 0 ? tail - 1 : 0);
	uint32_t foreign = 0;

	if (tail == 1)
		return STATUS_INVALID;
	if (needed > room)
		return STATUS_TOO_LARGE;
	for (size_t left = text.len / 4; left > 0; left--, in += 4, out += 3) {
		uint32_t group = values->at[0][in[0]] + values->at[1][in[1]] +
				 values->at[2][in[2]] + values->at[3][in[3]];

		foreign |= group >> 24 ^ 4;
		put_three(out, group);
	}
	if (foreign != 0)
		return STATUS_INVALID;
	if (tail > 0)
		TRY(decode_tail(in, tail, values, out));
	*len_out = needed;
	return STATUS_OK;
}

enum status decode_base64(struct span text, void *out, size_t room, size_t *len_out)
{
	if (text.len % 4 != 0)
		return STATUS_INVALID;
	for (int i = 0; i < 2 && text.len > 0 && text.at[text.len - 1] == '='; i++)
		text.len--;
	return decode_sextets(text, &standard_values, out, room, len_out);
}

enum status decode_base64url(struct span text, void *out, size_t room, size_t *len_out)
{
	return decode_sextets(text, &url_values, out, room, len_out);
}

/* 0 to 15, or 16 for a foreign byte. */
static unsigned nibble(char byte)
{
	if (byte >= '0' && byte <= '9')
		return (unsigned)(byte - '0');
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a' + 10) : 16;
}

static bool hex_pair(const char *at, unsigned char *out)
{
	unsigned high = nibble(at[0]), low = nibble(at[1]);

	*out = (unsigned char)(high << 4 | low);
	return (high | low) < 16;
}

enum status decode_hex(struct span text, void *out, size_t room, size_t *len_out)
{
	unsigned char *bytes = out;

	if (text.len % 2 != 0)
		return STATUS_INVALID;
	if (text.len / 2 > room)
		return STATUS_TOO_LARGE;
	for (size_t i = 0; i < text.len / 2; i++)
		if (!hex_pair(text.at + 2 * i, &bytes[i]))
			return STATUS_INVALID;
	*len_out = text.len / 2;
	return STATUS_OK;
}

static bool is_unreserved(char byte)
{
	return byte != '\0' && strchr(ALNUM "-_.!~*'()", byte) != NULL;
}

struct span encode_percent(struct arena *mem, struct span bytes)
{
	char *text = arena_alloc(mem, bytes.len * 3 + 1);
	size_t len = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.at[i];

		if (is_unreserved(bytes.at[i])) {
			text[len++] = bytes.at[i];
			continue;
		}
		text[len++] = '%';
		text[len++] = hex_upper[byte >> 4];
		text[len++] = hex_upper[byte & 15];
	}
	return span_make(text, len);
}

enum status decode_percent(struct arena *mem, struct span text, struct span *out)
{
	char *bytes = arena_alloc(mem, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.at[i];

		if (byte == '%') {
			if (text.len - i < 3 || !hex_pair(text.at + i + 1, &byte))
				return STATUS_INVALID;
			i += 2;
		}
		bytes[len++] = (char)byte;
	}
	*out = span_make(bytes, len);
	return STATUS_OK;
}
