/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_internal.h - what the files of this folder share; nobody else includes it. */
#ifndef PLUGIN_INTERNAL_H
#define PLUGIN_INTERNAL_H

#include <stddef.h>

#include "sluice/err.h"

/* Open a policy file after checking all that can be checked from outside: who may write it, and
 * that it is a complete shared object for this machine. Returns a descriptor of exactly the file
 * that was checked, or -errno as in plugin.h. */
int plugin_file_open(const char *path, struct sluice_err *reterr);

struct plugin_file {
	char *path;       /* FOLDER/NAME.so */
	const char *name; /* points at NAME.so in path */
	size_t folder;    /* index of its folder */
};

struct plugin_dir {
	struct plugin_file *files; /* by name, then in the order of the folders */
	size_t count;
};

/* What *.so lie in the folders (ends with NULL); a folder that does not exist is empty. */
int plugin_dir_read(const char *const *folders, struct plugin_dir *ret, struct sluice_err *reterr);
void plugin_dir_free(struct plugin_dir *dir);

#endif
