/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - files of /sys and /proc as one text, which people can read before they hand it on.
 *
 * A line per file, "path = text"; per link, "path -> target"; per folder that has to be there even
 * if nothing in it is, "path/". Empty lines and those that begin with # are comments. In a text \n
 * is a line end, \\ a backslash, \xNN any other byte. A folder "memory[3-17]/" stands for one of
 * each number. Paths are relative to the root, and of printable ASCII without blanks or [, as the
 * kernel's are.
 */
#ifndef TREE_H
#define TREE_H

#include <stddef.h>

#include "sluice/err.h"

#define TREE_BYTES_MAX (64u << 20)
#define TREE_ENTRIES_MAX 200000u

enum tree_type { TREE_FOLDER, TREE_LINK, TREE_FILE };

struct tree {
	struct tree_entry *entries;
	size_t count, capacity;
};

struct tree_entry {
	enum tree_type type;
	char *path, *text; /* text: of a file, or a link's target; NULL for folders */
};

/* Adds a copy. -ENOMEM, -E2BIG beyond the bounds, -EINVAL for a path that a text cannot hold. An
 * all-zero tree is an empty one. */
int tree_add(struct tree *tree, enum tree_type type, const char *path, const char *text);
void tree_clear(struct tree *tree); /* frees the entries */

/* Sorts, keeps one entry for each path (of two files the longer text), and drops folders that
 * others imply. */
void tree_tidy(struct tree *tree);

/* The tree as text after a head (may be ""), the caller's to free; NULL when there is no memory. */
char *tree_format(const struct tree *tree, const char *head);

/* -EINVAL with the line's number for what is not such a text, paths that are absolute or lead
 * outside among it. -ENOMEM, -E2BIG. *ret is to be cleared by the caller, even after a failure. */
int tree_parse(const char *text, struct tree *ret, struct sluice_err *reterr);

/* Makes the tree's files in an empty folder. Never follows a link, so that no text writes outside
 * of it. 0 or -errno. */
int tree_unpack(const struct tree *tree, int folder, struct sluice_err *reterr);

/* Removes a folder with all that is in it, following no link. */
void tree_remove_folder(const char *path);

#endif
