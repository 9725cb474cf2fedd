/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_capture.c - a machine's files as one text, so that another machine can look at it.
 *
 * A capture holds what a load reads, no more: the load is watched. Of that, only files go in that
 * the tables below name, as they tell nothing of the machine's owner; all others are left out, and
 * the capture says so. So a new source of the topology is left out until somebody has thought about
 * it, and test_capture.c tells them.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/topology.h"
#include "sysroot.h"
#include "tree.h"

#define LINKS_MAX 40 /* of one path, as the kernel allows */
#define LEFT_OUT_MAX 32

/* Paths without links; '*' also stands for '/'. */
static const char *const harmless[] = {
	"sys/devices/system/node/*",
	"sys/devices/system/memory/block_size_bytes",
	"sys/devices/system/memory/memory*/online",
	"sys/devices/system/memory/memory*/state",
	"sys/devices/system/cpu/*",
	"sys/devices/virtual/memory_tiering/*",
	"sys/kernel/mm/*",
	"sys/module/zswap/parameters/*",
	"sys/devices/virtual/block/zram*/comp_algorithm",
	"sys/devices/virtual/block/zram*/mm_stat",
	"sys/block/zram*/comp_algorithm",
	"sys/block/zram*/mm_stat",
	"proc/meminfo",
	"proc/driver/nvidia/gpus/*/numa_status",
	/* Of devices: what they are and where they are, not which one of its kind. */
	"sys/*/align",
	"sys/*/class",
	"sys/*/commit",
	"sys/*/current_link_speed",
	"sys/*/current_link_width",
	"sys/*/decoders_committed",
	"sys/*/device",
	"sys/*/devtype",
	"sys/*/dpa_resource",
	"sys/*/dpa_size",
	"sys/*/force_raw",
	"sys/*/holder_class",
	"sys/*/initiators",
	"sys/*/interleave_granularity",
	"sys/*/interleave_ways",
	"sys/*/local_cpulist",
	"sys/*/local_cpus",
	"sys/*/locked",
	"sys/*/mapping[0-9]*",
	"sys/*/mappings",
	"sys/*/memmap_on_memory",
	"sys/*/modalias",
	"sys/*/mode",
	"sys/*/nstype",
	"sys/*/numa_node",
	"sys/*/online",
	"sys/*/payload_max",
	"sys/*/pmem/size",
	"sys/*/ram/size",
	"sys/*/resource",
	"sys/*/sector_size",
	"sys/*/set_cookie",
	"sys/*/size",
	"sys/*/start",
	"sys/*/state",
	"sys/*/target_list",
	"sys/*/target_node",
	"sys/*/target_type",
	"sys/*/target[0-9]*",
	"sys/*/type",
	"sys/*/vendor",
};

/* What is left out without the path being told, in words. */
static const struct {
	const char *pattern, *words;
} private_files[] = {
	{"etc/machine-id", "the machine's id"},
	{"sys/*/dmi/*", "vendor, product and serial numbers of the machine"},
	{"sys/firmware/*", "vendor, product and serial numbers of the machine"},
	{"proc/device-tree/*", "vendor, product and serial numbers of the machine"},
	{"sys/*/*serial*", "serial numbers of devices"},
	{"sys/*/*uuid*", "serial numbers of devices"},
	{"sys/*/unique_id", "serial numbers of devices"},
	{"sys/*/alt_name", "names of devices"},
};

/* Lines of /proc/cpuinfo that tell the model; others may hold a serial number. */
static const char *const cpu_lines[] = {
	"processor",       "vendor_id", "cpu family",  "model",        "model name", "stepping",
	"CPU implementer", "CPU part",  "CPU variant", "CPU revision", "cpu",        "machine",
};

struct capture {
	struct tree tree;
	int error;
	const char *left_out[LEFT_OUT_MAX]; /* words; borrowed, or of unknown */
	size_t left_out_count;
	struct tree unknown; /* paths of the rest */
	size_t unreadable, swap_count;
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
is_harmless(const char *path)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (fnmatch(harmless[i], path, 0) == 0)
			return true;
	}
	return false;
}

static bool
is_private(struct capture *capture, const char *path)
{
	for (size_t i = 0; i < sizeof(private_files) / sizeof(private_files[0]); i++) {
		if (fnmatch(private_files[i].pattern, path, 0) == 0) {
			leave_out(capture, private_files[i].words);
			return true;
		}
	}
	return false;
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

/* Only the lines of cpuinfo that tell the model. */
static char *
clean_cpuinfo(struct capture *capture, const char *text)
{
	char *clean = calloc(1, strlen(text) + 2), *out = clean;

	while (clean && *text) {
		size_t len = strcspn(text, "\n"), key = strcspn(text, ":\n");

		while (key > 0 && isspace((unsigned char)text[key - 1]))
			key--;
		for (size_t i = 0; i < sizeof(cpu_lines) / sizeof(cpu_lines[0]); i++) {
			if (strlen(cpu_lines[i]) == key && strncmp(cpu_lines[i], text, key) == 0) {
				memcpy(out, text, len);
				out += len;
				*out++ = '\n';
			}
		}
		text += len + (text[len] == '\n');
	}
	if (clean)
		leave_out(capture, "lines of /proc/cpuinfo that do not tell the model");
	return clean;
}

/* Folders, and names that people gave, become "/swap-1": kernel names stay. */
static char *
clean_swaps(struct capture *capture, const char *text)
{
	static const char *const devices[] = {"dm-", "sd", "nvme", "zram",   "vd",   "xvd",
					      "md",  "hd", "pmem", "mmcblk", "loop", "nbd"};
	/* A new name may be longer than the old one, by its number at most. */
	size_t size = strlen(text) + 1, lines = 0, written = 0;
	char *clean;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	size += (lines + 1) * sizeof("/swap-18446744073709551615\n");
	clean = calloc(1, size);
	for (bool heading = true; clean && *text; heading = false) {
		size_t len = strcspn(text, "\n"), name = strcspn(text, " \t\n");
		bool keep = heading;

		for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
			keep = keep || (strncmp(text, "/dev/", 5) == 0 &&
					strncmp(text + 5, devices[i], strlen(devices[i])) == 0 &&
					!memchr(text + 5, '/', name - 5));
		if (keep) {
			written += (size_t)snprintf(clean + written, size - written, "%.*s\n",
						    (int)len, text);
		} else {
			written += (size_t)snprintf(clean + written, size - written,
						    "/swap-%zu%.*s\n", ++capture->swap_count,
						    (int)(len - name), text + name);
			leave_out(capture, "names of swap files");
		}
		text += len + (text[len] == '\n');
	}
	return clean;
}

static void
on_file(void *userdata, int root, const char *path, const char *text)
{
	struct capture *capture = userdata;
	char real[PATH_MAX], *clean = NULL;

	if (resolve(capture, root, path, real) < 0 || is_private(capture, real))
		return;
	if (strcmp(real, "proc/cpuinfo") == 0) {
		clean = clean_cpuinfo(capture, text);
	} else if (strcmp(real, "proc/swaps") == 0) {
		clean = clean_swaps(capture, text);
	} else if (is_harmless(real)) {
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

/* Folders and links where the kernel gives the names, and no user. */
static bool
may_be_named(const char *path)
{
	return strncmp(path, "sys/", 4) == 0 || strncmp(path, "proc/driver/", 12) == 0;
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
	if (may_be_named(full) && !is_private(capture, full))
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
	if (may_be_named(full) && !is_private(capture, full))
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
