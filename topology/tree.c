/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - a tree in memory: adding, tidying, and as text in both directions. See tree.h. */
#include "tree.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MAX 100000u /* folders that one line may stand for */

/* Relative, every part of it a name, and nothing in it that means something else in a line. */
static bool
is_path(const char *path)
{
	if (!*path || *path == '#' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *p = path; *p; p++) {
		if (*p <= ' ' || *p > '~' || *p == '[')
			return false;
	}
	for (const char *part = path; part; part = strchr(part, '/')) {
		size_t len;

		part += *part == '/' && part != path;
		len = strcspn(part, "/");
		if (len == 0 || len > NAME_MAX || (len == 1 && part[0] == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
	}
	return true;
}

int
tree_add(struct tree *tree, enum tree_type type, const char *path, const char *text)
{
	struct tree_entry *entry;

	if (!is_path(path))
		return -EINVAL;
	if (tree->count >= TREE_ENTRIES_MAX)
		return -E2BIG;
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 256;
		struct tree_entry *grown = realloc(tree->entries, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		tree->entries = grown;
		tree->capacity = capacity;
	}
	entry = &tree->entries[tree->count];
	*entry = (struct tree_entry){.type = type, .path = strdup(path)};
	if (text)
		entry->text = strdup(text);
	if (!entry->path || (text && !entry->text)) {
		free(entry->path);
		free(entry->text);
		return -ENOMEM;
	}
	tree->count++;
	return 0;
}

static void
entry_clear(struct tree_entry *entry)
{
	free(entry->path);
	free(entry->text);
}

void
tree_clear(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		entry_clear(&tree->entries[i]);
	free(tree->entries);
	*tree = (struct tree){0};
}

/* Numbers by their value, and '/' before all else, so that what is in a folder follows it. */
static int
compare_paths(const char *a, const char *b)
{
	while (*a || *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			size_t x, y;
			int r;

			a += strspn(a, "0");
			b += strspn(b, "0");
			x = strspn(a, "0123456789");
			y = strspn(b, "0123456789");
			r = x != y ? (x < y ? -1 : 1) : strncmp(a, b, x);
			if (r)
				return r;
			a += x;
			b += y;
		} else if (*a != *b) {
			int x = *a == '/' ? 1 : (unsigned char)*a + (*a != '\0');
			int y = *b == '/' ? 1 : (unsigned char)*b + (*b != '\0');

			return x - y;
		} else {
			a++;
			b++;
		}
	}
	return 0;
}

/* The one to keep of two with one path comes last. Paths that differ in leading zeros only are two.
 */
static int
compare_entries(const void *a, const void *b)
{
	const struct tree_entry *x = a, *y = b;
	int r = compare_paths(x->path, y->path);

	if (r == 0)
		r = strcmp(x->path, y->path);
	if (r == 0)
		r = (int)x->type - (int)y->type;
	if (r == 0 && x->text && y->text)
		r = strlen(x->text) < strlen(y->text) ? -1 : strlen(x->text) > strlen(y->text);
	return r;
}

/* Does b say that the folder a is there? */
static bool
implies(const struct tree_entry *b, const struct tree_entry *a)
{
	size_t len = strlen(a->path);

	return strncmp(b->path, a->path, len) == 0 && b->path[len] == '/';
}

void
tree_tidy(struct tree *tree)
{
	size_t kept = 0;

	if (tree->count == 0)
		return;
	qsort(tree->entries, tree->count, sizeof(*tree->entries), compare_entries);
	for (size_t i = 0; i < tree->count; i++) {
		struct tree_entry *entry = &tree->entries[i], *next = entry + 1;
		bool last = i + 1 == tree->count;

		if (!last && (strcmp(entry->path, next->path) == 0 ||
			      (entry->type == TREE_FOLDER && implies(next, entry))))
			entry_clear(entry);
		else
			tree->entries[kept++] = *entry;
	}
	tree->count = kept;
}

/* Where the number at the end of a folder's path begins; NULL when there is none that counts. */
static const char *
number_at_end(const struct tree_entry *entry)
{
	const char *p = entry->path + strlen(entry->path);

	if (entry->type != TREE_FOLDER)
		return NULL;
	while (p > entry->path && isdigit((unsigned char)p[-1]))
		p--;
	return *p && (*p != '0' || !p[1]) && strlen(p) < 10 ? p : NULL;
}

/* How many entries from here on are folders that differ in a number that counts up by one. */
static size_t
run_length(const struct tree *tree, size_t i)
{
	const char *first = number_at_end(&tree->entries[i]);
	size_t n = 1, stem;

	if (!first)
		return 1;
	stem = (size_t)(first - tree->entries[i].path);
	for (; i + n < tree->count && n < RUN_MAX; n++) {
		const struct tree_entry *entry = &tree->entries[i + n];
		const char *number = number_at_end(entry);

		if (!number || (size_t)(number - entry->path) != stem ||
		    strncmp(entry->path, tree->entries[i].path, stem) != 0 ||
		    strtoul(number, NULL, 10) != strtoul(first, NULL, 10) + n)
			break;
	}
	return n;
}

static void
put_text(FILE *stream, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", stream);
		else if (*text == '\\')
			fputs("\\\\", stream);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			fprintf(stream, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, stream);
	}
}

char *
tree_format(const struct tree *tree, const char *head)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fputs(head, stream);
	for (size_t i = 0, n; i < tree->count; i += n) {
		const struct tree_entry *entry = &tree->entries[i];
		const char *number = number_at_end(entry);

		n = run_length(tree, i);
		if (n > 1)
			fprintf(stream, "%.*s[%s-%lu]/\n", (int)(number - entry->path), entry->path,
				number, strtoul(number, NULL, 10) + n - 1);
		else if (entry->type == TREE_FOLDER)
			fprintf(stream, "%s/\n", entry->path);
		else
			fprintf(stream, "%s %s ", entry->path,
				entry->type == TREE_LINK ? "->" : "=");
		if (entry->type == TREE_FOLDER)
			continue;
		put_text(stream, entry->text);
		fputc('\n', stream);
	}
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Undoes put_text in place. */
static bool
take_text(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		unsigned byte;

		if (*p != '\\') {
			*out++ = *p;
		} else if (p[1] == 'n' || p[1] == '\\') {
			*out++ = p[1] == 'n' ? '\n' : '\\';
			p++;
		} else if (p[1] == 'x' && isxdigit((unsigned char)p[2]) &&
			   isxdigit((unsigned char)p[3]) && sscanf(p + 2, "%2x", &byte) == 1 &&
			   byte != 0) {
			*out++ = (char)byte;
			p += 3;
		} else {
			return false;
		}
	}
	*out = '\0';
	return true;
}

/* "memory[3-17]" as a folder for each number, anything else as one. */
static int
add_folders(struct tree *tree, char *path)
{
	char *open = strchr(path, '['), each[PATH_MAX];
	unsigned long first, last;
	int used = 0, r = 0;

	if (!open)
		return tree_add(tree, TREE_FOLDER, path, NULL);
	if (sscanf(open, "[%9lu-%9lu]%n", &first, &last, &used) != 2 || used == 0 || open[used] ||
	    first > last || last - first >= RUN_MAX)
		return -EINVAL;
	*open = '\0';
	for (; r == 0 && first <= last; first++) {
		if (snprintf(each, sizeof(each), "%s%lu", path, first) >= (int)sizeof(each))
			return -EINVAL;
		r = tree_add(tree, TREE_FOLDER, each, NULL);
	}
	return r;
}

static int
parse_line(struct tree *tree, char *line)
{
	char *equals = strstr(line, " = "), *arrow = strstr(line, " -> "), *text;
	size_t len = strlen(line);

	/* Whichever comes first: the text of a file may hold the other. */
	if (equals && arrow && equals < arrow)
		arrow = NULL;
	else if (arrow)
		equals = NULL;
	if (!equals && !arrow) {
		/* A file without text, whose last blank an editor took. */
		if (len > 2 && strcmp(line + len - 2, " =") == 0) {
			line[len - 2] = '\0';
			return tree_add(tree, TREE_FILE, line, "");
		}
		if (len < 2 || line[len - 1] != '/')
			return -EINVAL;
		line[len - 1] = '\0';
		return add_folders(tree, line);
	}
	text = equals ? equals + strlen(" = ") : arrow + strlen(" -> ");
	*(equals ? equals : arrow) = '\0';
	if (!take_text(text) || (arrow && !*text))
		return -EINVAL;
	return tree_add(tree, equals ? TREE_FILE : TREE_LINK, line, text);
}

int
tree_parse(const char *text, struct tree *ret, struct sluice_err *reterr)
{
	size_t number = 0;
	int r = 0;

	while (r == 0 && *text) {
		size_t len = strcspn(text, "\n");
		char *line = strndup(text, len);

		if (!line)
			return sluice_fail(reterr, -ENOMEM, "no memory for the capture");
		number++;
		if (*line && *line != '#')
			r = parse_line(ret, line);
		free(line);
		text += len + (text[len] == '\n');
	}
	if (r == -EINVAL)
		return sluice_fail(reterr, r,
				   "line %zu is not 'path = text', 'path -> target' or 'path/'",
				   number);
	return r < 0 ? sluice_fail(reterr, r, "the capture is too large, or memory is short") : 0;
}
