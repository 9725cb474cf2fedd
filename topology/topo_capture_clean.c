/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_capture_clean.c - what of a machine's files tells nothing of its owner, and may go into a
 * capture: those that the tables below name, two of them only in part. A new source of the topology
 * is left out until somebody has thought about it, and test_capture.c tells them.
 */
#include "topo_capture.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool
capture_harmless(const char *path)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (fnmatch(harmless[i], path, 0) == 0)
			return true;
	}
	return false;
}

const char *
capture_private(const char *path)
{
	for (size_t i = 0; i < sizeof(private_files) / sizeof(private_files[0]); i++) {
		if (fnmatch(private_files[i].pattern, path, 0) == 0)
			return private_files[i].words;
	}
	return NULL;
}

char *
capture_clean_cpuinfo(const char *text)
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
	return clean;
}

char *
capture_clean_swaps(const char *text, size_t *ret_renamed)
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
	*ret_renamed = 0;
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
			written +=
				(size_t)snprintf(clean + written, size - written, "/swap-%zu%.*s\n",
						 ++*ret_renamed, (int)(len - name), text + name);
		}
		text += len + (text[len] == '\n');
	}
	return clean;
}

bool
capture_may_be_named(const char *path)
{
	return strncmp(path, "sys/", 4) == 0 || strncmp(path, "proc/driver/", 12) == 0;
}
