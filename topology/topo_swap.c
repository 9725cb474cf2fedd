/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topo_swap.c - swap as a tier: the devices of /proc/swaps with their kinds, zram's own figures,
 * and zswap, which compresses in memory before anything reaches a device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysroot.h"
#include "topo.h"

#define ZSWAP_DIR "sys/module/zswap/parameters"
#define DEVICES_MAX 64 /* the kernel's own limit is 29 or less */

struct sluice_swap_device *
topo_add_swap(struct sluice_topology *topo, enum sluice_swap_kind kind, const char *name,
	      uint64_t total_bytes, uint64_t used_bytes, int32_t priority)
{
	struct sluice_swap_device *device =
		topo_list_add(topo, &topo->swap_devices, sizeof(*device));

	*device = (struct sluice_swap_device){
		.kind = kind,
		.priority = priority,
		.total_bytes = total_bytes,
		.used_bytes = used_bytes < total_bytes ? used_bytes : total_bytes,
		.name = name,
		.detail = "",
	};
	return device;
}

static const char *
next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");

	*line = word + strcspn(word, " \t");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

static bool
next_kib(char **line, uint64_t *ret_bytes)
{
	const char *word = next_word(line);
	uint64_t kib;

	if (!sysroot_number(&word, UINT64_MAX >> 12, &kib) || *word)
		return false;
	*ret_bytes = kib * 1024;
	return true;
}

/* The word inside [ ] of "lzo [zstd] lz4", or the whole of a single word. */
static const char *
chosen_word(char *text)
{
	char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	if (close) {
		*close = '\0';
		return open + 1;
	}
	return strpbrk(text, " \t\n") ? "" : text;
}

/* mm_stat: bytes stored, compressed, taken in all, ... */
static void
read_zram(struct sluice_topology *topo, struct sluice_swap_device *device, const char *block)
{
	char text[256], algorithm[128];
	const char *p = text;
	uint64_t figures[3];

	if (sysroot_read(topo->root, algorithm, sizeof(algorithm), "sys/block/%s/comp_algorithm",
			 block) < 0)
		algorithm[0] = '\0';
	device->detail = topo_say(topo, "%s", chosen_word(algorithm));
	if (sysroot_read_head(topo->root, text, sizeof(text), "sys/block/%s/mm_stat", block) < 0)
		return;
	for (size_t i = 0; i < 3; i++) {
		p += strspn(p, " \t");
		if (!sysroot_number(&p, UINT64_MAX >> 1, &figures[i]))
			return;
	}
	device->held_bytes = figures[2];
	if (figures[0] && figures[2])
		device->detail = topo_say(topo, "%s%s%.1f times smaller", device->detail,
					  *device->detail ? ", " : "",
					  (double)figures[0] / (double)figures[2]);
}

/* NAME TYPE SIZE USED PRIORITY; blanks in a file's name come as \040. */
static void
read_line(struct sluice_topology *topo, char *line)
{
	const char *name = next_word(&line), *type = next_word(&line), *priority, *base;
	uint64_t total_bytes, used_bytes, number;
	struct sluice_swap_device *device;
	enum sluice_swap_kind kind;
	uint32_t zram;
	bool negative;

	if (!next_kib(&line, &total_bytes) || !next_kib(&line, &used_bytes) || total_bytes == 0)
		return;
	priority = next_word(&line);
	negative = *priority == '-';
	priority += negative;
	if (!sysroot_number(&priority, INT32_MAX, &number))
		number = 0;
	base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	kind = strcmp(type, "file") == 0                       ? SLUICE_SWAP_FILE
	       : sysroot_numbered(base, "zram", 100000, &zram) ? SLUICE_SWAP_ZRAM
							       : SLUICE_SWAP_PARTITION;
	device = topo_add_swap(topo, kind, topo_say(topo, "%s", name), total_bytes, used_bytes,
			       negative ? -(int32_t)number : (int32_t)number);
	if (kind == SLUICE_SWAP_ZRAM)
		read_zram(topo, device, base);
	topo_fact_number(topo, SLUICE_SOURCE_SWAP, SLUICE_NO_NODE, device->name, total_bytes,
			 "proc/swaps")
		->fact.verdict = SLUICE_FACT_USED;
}

static bool
zswap_is_on(const struct sluice_topology *topo)
{
	char text[16];

	return sysroot_read(topo->root, text, sizeof(text), ZSWAP_DIR "/enabled") > 0 &&
	       (text[0] == 'Y' || text[0] == '1');
}

/* "Key:   123 kB" of a file such as /proc/meminfo. */
static uint64_t
meminfo_bytes(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	uint64_t kib;

	if (!p)
		return 0;
	p += strlen(key);
	p += strspn(p, " \t");
	return sysroot_number(&p, UINT64_MAX >> 12, &kib) ? kib * 1024 : 0;
}

static void
read_zswap(struct sluice_topology *topo, struct sluice_swap *swap)
{
	char text[4096];
	uint64_t percent;

	swap->zswap = 1;
	if (sysroot_read(topo->root, text, 64, ZSWAP_DIR "/compressor") > 0)
		swap->zswap_compressor = topo_say(topo, "%s", text);
	topo_fact(topo, SLUICE_SOURCE_SWAP, SLUICE_NO_NODE, "zswap", swap->zswap_compressor,
		  ZSWAP_DIR "/enabled")
		->fact.verdict = SLUICE_FACT_USED;
	if (sysroot_read_head(topo->root, text, sizeof(text), "proc/meminfo") < 0)
		return;
	swap->zswap_held_bytes = meminfo_bytes(text, "\nZswap:");
	swap->zswap_stored_bytes = meminfo_bytes(text, "\nZswapped:");
	if (sysroot_read_number(topo->root, 0, 100, &percent, ZSWAP_DIR "/max_pool_percent") == 0)
		swap->zswap_pool_bytes_max = meminfo_bytes(text, "MemTotal:") / 100 * percent;
}

static int
compare(const void *a, const void *b)
{
	const struct sluice_swap_device *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

static const char *
find_reason(struct sluice_topology *topo, const struct sluice_swap *swap)
{
	size_t counts[SLUICE_SWAP_ZRAM + 1] = {0};
	char devices[128];
	size_t length = 0;

	devices[0] = '\0';
	for (size_t i = 0; i < topo->swap_devices.count; i++)
		counts[((struct sluice_swap_device *)topo->swap_devices.items[i])->kind]++;
	for (uint32_t kind = 0; kind <= SLUICE_SWAP_ZRAM; kind++)
		if (counts[kind])
			length += (size_t)snprintf(devices + length, sizeof(devices) - length,
						   "%s%zu %s", length ? ", " : "", counts[kind],
						   sluice_swap_kind_name(kind));
	return topo_say(topo,
			"Swap (%s): a page here costs a fault, not a load, so it ranks after all "
			"memory.%s",
			devices,
			swap->zswap ? " zswap compresses in memory first, and writes to a device "
				      "what it cannot keep."
				    : "");
}

void
topo_read_swap(struct sluice_topology *topo)
{
	char text[16384], *save = NULL;
	struct sluice_swap *swap;
	bool heading = true;

	if (topo->root >= 0 &&
	    sysroot_read_head(topo->root, text, sizeof(text), "proc/swaps") >= 0) {
		for (char *line = strtok_r(text, "\n", &save);
		     line && topo->swap_devices.count < DEVICES_MAX;
		     line = strtok_r(NULL, "\n", &save)) {
			if (!heading)
				read_line(topo, line);
			heading = false;
		}
	}
	if (topo->swap_devices.count == 0)
		return;
	qsort(topo->swap_devices.items, topo->swap_devices.count, sizeof(void *), compare);
	swap = topo_alloc(topo, sizeof(*swap));
	swap->zswap_compressor = "";
	swap->device_count = (uint32_t)topo->swap_devices.count;
	for (size_t i = 0; i < topo->swap_devices.count; i++) {
		const struct sluice_swap_device *device = topo->swap_devices.items[i];

		swap->total_bytes += device->total_bytes;
		swap->free_bytes += device->total_bytes - device->used_bytes;
	}
	if (topo->root >= 0 && zswap_is_on(topo))
		read_zswap(topo, swap);
	swap->reason = find_reason(topo, swap);
	topo->swap = swap;
}
