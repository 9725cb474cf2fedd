/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_identity.c - a name for this machine's hardware, under which its measurements are kept.
 *
 * It is a hash of the machine id, the product and the processor: a disk that moves to another
 * machine takes no figures along, and a clone of the disk on other hardware neither. Nothing can be
 * read back from it. A capture without a machine id has a name too, though not the machine's.
 */
#include <stdio.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

static uint64_t
hash_add(uint64_t hash, const char *text)
{
	/* FNV-1a: names need to differ, not to resist attacks. The end counts as a byte. */
	do {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	} while (*text++);
	return hash;
}

static const char *
value_of(char *text, const char *key)
{
	char *line = strstr(text, key);

	if (!line)
		return "";
	line[strcspn(line, "\n")] = '\0';
	return line;
}

void
topo_read_identity(struct sluice_topology *topo)
{
	static const char *const files[] = {
		"etc/machine-id",
		"sys/class/dmi/id/sys_vendor",
		"sys/class/dmi/id/product_name",
		"sys/class/dmi/id/board_name",
		"proc/device-tree/model",
	};
	uint64_t hash = UINT64_C(14695981039346656037);
	char text[8192];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		sysroot_read(topo->root, text, sizeof(text), "%s", files[i]);
		hash = hash_add(hash, text);
	}
	sysroot_read_head(topo->root, text, sizeof(text), "proc/cpuinfo");
	hash = hash_add(hash, value_of(text, "model name"));
	snprintf(topo->identity, sizeof(topo->identity), "%016llx", (unsigned long long)hash);
}
