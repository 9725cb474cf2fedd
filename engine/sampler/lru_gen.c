/* SPDX-License-Identifier: Apache-2.0 */
/* lru_gen.c - see lru_gen.h. */
#include "lru_gen.h"

#include <ctype.h>
#include <string.h>

#define NUMBER_MOST (1ull << 52)
#define NODES_MOST 65536

static char *
skip_blanks(char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

/* A decimal number, which may have an 'x' behind it: the generation is gone for that kind of page.
 * NULL: there is none, or it is too large to be true. */
static char *
number_parse(char *text, uint64_t *ret)
{
	uint64_t number = 0;

	text = skip_blanks(text);
	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > NUMBER_MOST)
			return NULL;
	}
	if (*text == 'x') {
		number = 0;
		text++;
	}
	if (*text && *text != ' ' && *text != '\t')
		return NULL;
	*ret = number;
	return text;
}

static int
memcg_parse(char *text, struct lru_gen_line *ret)
{
	text = number_parse(text, &ret->memcg);
	if (!text)
		return 0;
	text = skip_blanks(text);
	ret->path = text;
	text[strcspn(text, "\n")] = '\0';
	return 1;
}

static int
generation_parse(char *text, struct lru_gen_line *ret)
{
	uint64_t *const fields[] = {&ret->number, &ret->age_ms, &ret->anon_pages, &ret->file_pages};

	for (int i = 0; text && i < 4; i++)
		text = number_parse(text, fields[i]);
	return text && *skip_blanks(text) == '\0';
}

void
lru_gen_parse(char *line, struct lru_gen_line *ret)
{
	uint64_t node;
	char *text = skip_blanks(line);

	*ret = (struct lru_gen_line){.kind = LRU_GEN_OTHER, .path = ""};
	if (strncmp(text, "memcg", 5) == 0 && memcg_parse(text + 5, ret)) {
		ret->kind = LRU_GEN_MEMCG;
	} else if (strncmp(text, "node", 4) == 0 && number_parse(text + 4, &node) &&
		   node < NODES_MOST) {
		ret->kind = LRU_GEN_NODE;
		ret->node = (int)node;
	} else if (generation_parse(text, ret)) {
		ret->kind = LRU_GEN_GENERATION;
	}
}
