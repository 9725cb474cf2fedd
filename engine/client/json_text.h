/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - text of strangers (process names, paths) as JSON, which takes only UTF-8. */
#ifndef CLIENT_JSON_TEXT_H
#define CLIENT_JSON_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* Bytes that are not UTF-8 make the whole text lose its non-ASCII bytes to '?'. */
static inline json_t *
json_text(const char *text)
{
	json_t *string = json_string(text);
	char plain[4096];
	size_t i;

	if (string)
		return string;
	for (i = 0; text[i] && i < sizeof(plain) - 1; i++)
		plain[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
	plain[i] = '\0';
	return json_string(plain);
}

#endif
