/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_capture.c - a machine's files as one text, so that another machine can look at it.
 *
 * A capture holds what a load reads, no more: the load is watched. Of that, what
 * topo_capture_clean.c lets through goes in; all else is left out, and the capture says so.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/topology.h"
#include "sysroot.h"
#include "topo_capture.h"
#include "tree.h"

#define LINKS_MAX 40 /* of one path, as the kernel allows */
#define LEFT_OUT_MAX 32

struct capture {
	struct tree tree;
	int error;
	const char *left_out[LEFT_OUT_MAX]; /* words; borrowed, or of unknown */
	size_t left_out_count;
	struct tree unknown; /* paths of the rest */
	size_t unreadable;
	char folder[PATH_MAX], real_folder[PATH_MAX]; /* as listed last */
};

/* A name that the capture cannot hold is none of the kernel's. */
static void
keep_error(struct capture *capture, int r)
{
	if (r < 0 && r != -EINVAL && capture->error == 0)
		capture->error = r;
}

static void
leave_out(struct capture *capture, const char *words)
{
	for (size_t i = 0; i < capture->left_out_count; i++) {
		if (strcmp(capture->left_out[i], words) == 0)
			return;
	}
	if (capture->left_out_count < LEFT_OUT_MAX)
		capture->left_out[capture->left_out_count++] = words;
}

static bool
is_private(struct capture *capture, const char *path)
{
	const char *words = capture_private(path);

	if (words)
		leave_out(capture, words);
	return words != NULL;
}

/* The path behind all links, "" at the root; each link on the way goes into the capture. */
static int
resolve(struct capture *capture, int root, const char *path, char ret[PATH_MAX])
{
	char rest[PATH_MAX], name[NAME_MAX + 1], target[PATH_MAX], longer[2 * PATH_MAX];
	int links = 0;

	snprintf(rest, sizeof(rest), "%s", path);
	ret[0] = '\0';
	while (rest[0]) {
		size_t used = strlen(ret), len = strcspn(rest, "/");

		if (len > NAME_MAX || used + len + 2 > PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(name, rest, len);
		name[len] = '\0';
		memmove(rest, rest + len + (rest[len] == '/'),
			strlen(rest + len) + 1 - (rest[len] == '/'));
		if (len == 0 || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			char *slash = strrchr(ret, '/');

			*(slash ? slash : ret) = '\0';
			continue;
		}
		snprintf(ret + used, PATH_MAX - used, "%s%s", used ? "/" : "", name);
		if (sysroot_read_link(root, target, sizeof(target), "%s", ret) <= 0)
			continue;
		if (!is_private(capture, ret))
			keep_error(capture, tree_add(&capture->tree, TREE_LINK, ret, target));
		if (++links > LINKS_MAX)
			return -ELOOP;
		ret[target[0] == '/' ? 0 : used] = '\0';
		len = (size_t)snprintf(longer, sizeof(longer), "%s/%s", target, rest);
		if (len >= sizeof(rest))
			return -ENAMETOOLONG;
		memcpy(rest, longer, len + 1);
	}
	return 0;
}

static void
on_file(void *userdata, int root, const char *path, const char *text)
{
	struct capture *capture = userdata;
	char real[PATH_MAX], *clean = NULL;
	size_t swap_count = 0;

	if (resolve(capture, root, path, real) < 0 || is_private(capture, real))
		return;
	if (strcmp(real, "proc/cpuinfo") == 0) {
		clean = capture_clean_cpuinfo(text);
		leave_out(capture, "lines of /proc/cpuinfo that do not tell the model");
	} else if (strcmp(real, "proc/swaps") == 0) {
		clean = capture_clean_swaps(text, &swap_count);
		if (swap_count > 0)
			leave_out(capture, "names of swap files");
	} else if (capture_harmless(real)) {
		clean = calloc(1, strlen(text) + 2);
		if (clean)
			sprintf(clean, "%s\n", text);
	} else {
		keep_error(capture, tree_add(&capture->unknown, TREE_FOLDER, real, NULL));
		return;
	}
	keep_error(capture, clean ? tree_add(&capture->tree, TREE_FILE, real, clean) : -ENOMEM);
	free(clean);
}

static void
on_link(void *userdata, int root, const char *path, const char *target)
{
	struct capture *capture = userdata;
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], real[PATH_MAX], full[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (resolve(capture, root, folder, real) < 0 ||
	    snprintf(full, sizeof(full), "%s%s%s", real, real[0] ? "/" : "",
		     slash ? slash + 1 : path) >= PATH_MAX)
		return;
	if (capture_may_be_named(full) && !is_private(capture, full))
		keep_error(capture, tree_add(&capture->tree, TREE_LINK, full, target));
}

/* Names without a number are attributes, of which those that matter are read. A folder's entries
 * come one after the other: it is resolved once. */
static void
on_entry(void *userdata, int root, const char *path, const char *name)
{
	struct capture *capture = userdata;
	char full[PATH_MAX];

	if (name && !strpbrk(name, "0123456789"))
		return;
	if (strcmp(capture->folder, path) != 0) {
		capture->folder[0] = '\0';
		if (resolve(capture, root, path, capture->real_folder) < 0)
			return;
		snprintf(capture->folder, sizeof(capture->folder), "%s", path);
	}
	if (snprintf(full, sizeof(full), "%s%s%s", capture->real_folder, name ? "/" : "",
		     name ? name : "") >= PATH_MAX)
		return;
	if (capture_may_be_named(full) && !is_private(capture, full))
		keep_error(capture, tree_add(&capture->tree, TREE_FOLDER, full, NULL));
}

static void
on_unreadable(void *userdata, const char *path)
{
	struct capture *capture = userdata;

	(void)path;
	capture->unreadable++;
}

/* The head of the capture: what it is, and what is not in it. */
static char *
make_head(struct capture *capture)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fputs("# A machine's files as 'sluice topology --sysroot FILE' reads them.\n", stream);
	for (size_t i = 0; i < capture->left_out_count; i++)
		fprintf(stream, "# Left out: %s.\n", capture->left_out[i]);
	tree_tidy(&capture->unknown);
	for (size_t i = 0; i < capture->unknown.count; i++)
		fprintf(stream, "# Left out: %s, which nobody has said is harmless.\n",
			capture->unknown.entries[i].path);
	if (capture->unreadable)
		fprintf(stream, "# Left out: %zu file%s that only root can read.\n",
			capture->unreadable, capture->unreadable == 1 ? "" : "s");
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int
sluice_topology_capture(const char *sysroot, char **ret, struct sluice_err *reterr)
{
	struct sluice_topology_options options = {.sysroot = sysroot};
	struct sluice_topology *topology = NULL;
	struct capture capture = {0};
	const struct sysroot_watcher watcher = {.file = on_file,
						.link = on_link,
						.entry = on_entry,
						.unreadable = on_unreadable,
						.userdata = &capture};
	char *head = NULL, *text = NULL;
	int r;

	sysroot_watch(&watcher);
	r = sluice_topology_load(&options, &topology, reterr);
	sysroot_watch(NULL);
	sluice_topology_free(topology);
	if (r == 0 && capture.error == 0) {
		head = make_head(&capture);
		tree_tidy(&capture.tree);
		text = head ? tree_format(&capture.tree, head) : NULL;
	}
	free(head);
	tree_clear(&capture.tree);
	tree_clear(&capture.unknown);
	if (r < 0)
		return r;
	if (capture.error < 0)
		return sluice_fail(reterr, capture.error, "cannot capture the machine: %s",
				   strerror(-capture.error));
	if (!text)
		return sluice_fail(reterr, -ENOMEM, "no memory for the capture");
	*ret = text;
	return 0;
}
