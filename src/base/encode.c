/* SPDX-License-Identifier: MIT */
#include "base/encode.h"

#include <stdint.h>

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char standard[] = ALNUM "+/";
static const char url[] = ALNUM "-_";
static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* Sextet values with bit 6 set, so that 0 means "foreign byte" and one AND
 * over a group finds any. */
#define S(byte, value) [byte] = 64 + (value)
#define SEXTETS                                                                                   \
	S('A', 0), S('B', 1), S('C', 2), S('D', 3), S('E', 4), S('F', 5), S('G', 6), S('H', 7),   \
		S('I', 8), S('J', 9), S('K', 10), S('L', 11), S('M', 12), S('N', 13), S('O', 14), \
		S('P', 15), S('Q', 16), S('R', 17), S('S', 18), S('T', 19), S('U', 20),           \
		S('V', 21), S('W', 22), S('X', 23), S('Y', 24), S('Z', 25), S('a', 26),           \
		S('b', 27), S('c', 28), S('d', 29), S('e', 30), S('f', 31), S('g', 32),           \
		S('h', 33), S('i', 34), S('j', 35), S('k', 36), S('l', 37), S('m', 38),           \
		S('n', 39), S('o', 40), S('p', 41), S('q', 42), S('r', 43), S('s', 44),           \
		S('t', 45), S('u', 46), S('v', 47), S('w', 48), S('x', 49), S('y', 50),           \
		S('z', 51), S('0', 52), S('1', 53), S('2', 54), S('3', 55), S('4', 56),           \
		S('5', 57), S('6', 58), S('7', 59), S('8', 60), S('9', 61)

static const unsigned char standard_values[256] = { SEXTETS, S('+', 62), S('/', 63) };
static const unsigned char url_values[256] = { SEXTETS, S('-', 62), S('_', 63) };

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

/* The last two or three characters; unused bits must be zero. */
static enum status decode_tail(const unsigned char *in, size_t count, const unsigned char *values,
			       unsigned char *out)
{
	unsigned a = values[in[0]], b = values[in[1]], c = count > 2 ? values[in[2]] : 64;
	unsigned unused = count > 2 ? c & 3 : b & 15;

	if ((a & b & c & 64) == 0 || unused != 0)
		return STATUS_INVALID;
	out[0] = (unsigned char)(a << 2 | (b & 63) >> 4);
	if (count > 2)
		out[1] = (unsigned char)(b << 4 | (c & 63) >> 2);
	return STATUS_OK;
}

static enum status decode_sextets(struct span text, const unsigned char *values, void *out_bytes,
				  size_t room, size_t *len_out)
{
	const unsigned char *in = (const unsigned char *)text.at;
	unsigned char *out = out_bytes;
	size_t tail = text.len % 4, needed = text.len / 4 * 3 + (tail > 0 ? tail - 1 : 0);

	if (tail == 1)
		return STATUS_INVALID;
	if (needed > room)
		return STATUS_TOO_LARGE;
	for (size_t left = text.len / 4; left > 0; left--, in += 4, out += 3) {
		unsigned a = values[in[0]], b = values[in[1]];
		unsigned c = values[in[2]], d = values[in[3]];

		if ((a & b & c & d & 64) == 0)
			return STATUS_INVALID;
		out[0] = (unsigned char)(a << 2 | (b & 63) >> 4);
		out[1] = (unsigned char)(b << 4 | (c & 63) >> 2);
		out[2] = (unsigned char)(c << 6 | (d & 63));
	}
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
	return decode_sextets(text, standard_values, out, room, len_out);
}

enum status decode_base64url(struct span text, void *out, size_t room, size_t *len_out)
{
	return decode_sextets(text, url_values, out, room, len_out);
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
