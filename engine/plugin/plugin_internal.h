/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_internal.h - what the files of this folder share; nobody else includes it. */
#ifndef PLUGIN_INTERNAL_H
#define PLUGIN_INTERNAL_H

#include <limits.h>
#include <stddef.h>

#include "plugin.h"
#include "sluice/err.h"

/* Open a policy file after checking all that can be checked from outside: who may write it, and
 * that it is a complete shared object for this machine. Returns a descriptor of exactly the file
 * that was checked, or -errno as in plugin.h. */
int plugin_file_open(const char *path, struct sluice_err *reterr);

/* Look a policy up as plugin_load() does, and open its file as above; path is the file's. */
int plugin_find(const char *name, const char *const *folders, char path[PATH_MAX],
		struct sluice_err *reterr);

/* The two halves of plugin_load(): load and check an opened file (the descriptor is the plugin's
 * from now on), which runs nothing but constructors; then its init(). On failure of the second the
 * plugin is still to be unloaded. */
int plugin_open(int fd, const char *path, struct plugin **ret, struct sluice_err *reterr);
int plugin_init(struct plugin *plugin, const struct plugin_setting *settings, size_t setting_count,
		const struct sluice_host *host, struct sluice_err *reterr);

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
