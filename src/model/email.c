/* SPDX-License-Identifier: MIT */
#include "model/email.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool local_is_valid(struct span local)
{
	if (local.len == 0 || local.at[0] == '.')
		return false;
	for (size_t i = 0; i < local.len; i++) {
		char c = local.at[i];
		if (!is_alnum(c) && (c == '\0' || strchr("_'+-.", c) == NULL))
			return false;
		if (c == '.' && i > 0 && local.at[i - 1] == '.')
			return false;
	}
	char last = local.at[local.len - 1];
	return last != '.' && last != '\'';
}

static bool label_is_valid(struct span label)
{
	if (label.len == 0 || label.at[0] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_alnum(label.at[i]) && label.at[i] != '-')
			return false;
	}
	return true;
}

static bool top_is_valid(struct span top)
{
	for (size_t i = 0; i < top.len; i++) {
		if (!is_letter(top.at[i]))
			return false;
	}
	return top.len >= 2;
}

bool email_is_valid(struct span address)
{
	size_t at = span_find(address, '@');
	if (at == address.len || !local_is_valid(span_first(address, at)))
		return false;

	struct span domain = span_from(address, at + 1);
	size_t dot = span_find_last(domain, '.');
	if (dot == domain.len || !top_is_valid(span_from(domain, dot + 1)))
		return false;

	struct span labels = span_first(domain, dot), label;
	while (span_next(&labels, '.', &label)) {
		if (!label_is_valid(label))
			return false;
	}
	return true;
}

struct span email_lower(struct arena *mem, struct span address)
{
	char *text = arena_text(mem, address);
	for (size_t i = 0; i < address.len; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] | 0x20);
	}
	return span_make(text, address.len);
}
