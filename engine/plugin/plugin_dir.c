/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_dir.c - which policy files lie in the folders, without opening any. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_internal.h"

static int
is_policy_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

static int
add(struct plugin_dir *dir, const char *folder, size_t index, const char *name)
{
	struct plugin_file *grown;
	char *path;

	grown = reallocarray(dir->files, dir->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	dir->files = grown;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	dir->files[dir->count++] = (struct plugin_file){
		.path = path, .name = path + strlen(folder) + 1, .folder = index};
	return 0;
}

static int
by_name(const void *left, const void *right)
{
	const struct plugin_file *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->folder > b->folder) - (a->folder < b->folder);
}

int
plugin_dir_read(const char *const *folders, struct plugin_dir *ret, struct sluice_err *reterr)
{
	struct plugin_dir dir = {0};
	int r = 0;

	for (size_t i = 0; folders && folders[i] && r == 0; i++) {
		struct dirent **entries;
		int count = scandir(folders[i], &entries, is_policy_file, NULL);

		if (count < 0 && errno == ENOENT)
			continue;
		if (count < 0) {
			r = sluice_fail(reterr, -errno, "cannot read the policy folder '%s': %s",
					folders[i], strerror(errno));
			break;
		}
		for (int k = 0; k < count; k++) {
			if (r == 0 && (r = add(&dir, folders[i], i, entries[k]->d_name)) < 0)
				sluice_fail(reterr, r, "no memory to list the policies");
			free(entries[k]);
		}
		free(entries);
	}
	if (r < 0) {
		plugin_dir_free(&dir);
		return r;
	}
	if (dir.count > 1)
		qsort(dir.files, dir.count, sizeof(*dir.files), by_name);
	*ret = dir;
	return 0;
}

void
plugin_dir_free(struct plugin_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++)
		free(dir->files[i].path);
	free(dir->files);
	*dir = (struct plugin_dir){0};
}
