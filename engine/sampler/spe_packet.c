/* SPDX-License-Identifier: Apache-2.0 */
/* spe_packet.c - see spe_packet.h. */
#include "spe_packet.h"

#include <string.h>

/* First bytes of packets; with a mask where the rest of the byte tells size or index. */
#define HEAD_PAD 0x00
#define HEAD_END 0x01
#define HEAD_TIMESTAMP 0x71
#define HEAD_EVENTS 0x42    /* mask 0xcf */
#define HEAD_SOURCE 0x43    /* mask 0xcf */
#define HEAD_CONTEXT 0x64   /* mask 0xfc */
#define HEAD_OPERATION 0x48 /* mask 0xfc; the rest is its class */
#define HEAD_EXTENDED 0x20  /* mask 0xfc; one more byte follows, the rest is its index's top */
#define HEAD_ADDRESS 0xb0   /* mask 0xf8 */
#define HEAD_COUNTER 0x98   /* mask 0xf8 */

#define CLASS_LOAD_STORE 1
#define ADDRESS_DATA_VIRTUAL 2
#define COUNTER_TOTAL 0

static uint64_t
little_endian(const unsigned char *bytes, size_t size)
{
	uint64_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

/* Length of the packet at the beginning of the bytes; 0 it is none or cut off. head: its byte that
 * tells what it is; ret_at: where its payload begins. */
static size_t
packet_length(const unsigned char *bytes, size_t size, unsigned char *ret_head, size_t *ret_at)
{
	size_t at = 1, payload;
	unsigned char head = bytes[0];

	if (head == HEAD_PAD || head == HEAD_END) {
		*ret_head = head;
		*ret_at = 1;
		return 1;
	}
	if ((head & 0xfc) == HEAD_EXTENDED) {
		if (size < 2)
			return 0;
		head = bytes[at++];
		if (head == 0) {
			/* An alignment packet: zeros up to a boundary, which PADs are as well. */
			*ret_head = HEAD_PAD;
			*ret_at = 2;
			return 2;
		}
		/* Only these two have more than eight kinds. */
		if ((head & 0xf8) != HEAD_ADDRESS && (head & 0xf8) != HEAD_COUNTER)
			return 0;
	} else if (head != HEAD_TIMESTAMP && (head & 0xcf) != HEAD_EVENTS &&
		   (head & 0xcf) != HEAD_SOURCE && (head & 0xfc) != HEAD_CONTEXT &&
		   (head & 0xfc) != HEAD_OPERATION && (head & 0xf8) != HEAD_ADDRESS &&
		   (head & 0xf8) != HEAD_COUNTER) {
		return 0;
	}
	payload = (size_t)1 << (head >> 4 & 3);
	if (size < at + payload)
		return 0;
	*ret_head = head;
	*ret_at = at;
	return at + payload;
}

static void
packet_take(struct spe_record *record, const unsigned char *bytes, size_t at, size_t length,
	    unsigned char head)
{
	uint64_t value = little_endian(bytes + at, length - at);
	unsigned int index = (head & 7u) | (at == 2 ? (bytes[0] & 3u) << 3 : 0);

	if (head == HEAD_TIMESTAMP) {
		record->timestamp = value;
	} else if ((head & 0xf8) == HEAD_ADDRESS) {
		if (index == ADDRESS_DATA_VIRTUAL) {
			/* The top byte is the program's tag. */
			value &= (UINT64_C(1) << 56) - 1;
			record->addr = value >> 55 ? 0 : value;
		}
	} else if ((head & 0xf8) == HEAD_COUNTER) {
		if (index == COUNTER_TOTAL)
			record->latency = (uint32_t)value;
	} else if ((head & 0xfc) == HEAD_CONTEXT) {
		record->context = (uint32_t)value;
	} else if ((head & 0xfc) == HEAD_OPERATION) {
		if ((head & 3) == CLASS_LOAD_STORE) {
			record->is_store = value & 1;
			record->is_load = !record->is_store;
		}
	} else if ((head & 0xcf) == HEAD_EVENTS) {
		record->events = value;
		record->has_events = 1;
	} else if ((head & 0xcf) == HEAD_SOURCE) {
		record->source = (uint16_t)value;
		record->has_source = 1;
	}
}

void
spe_walk(const unsigned char *bytes, size_t size,
	 void (*each)(void *ctx, const struct spe_record *record), void *ctx,
	 struct spe_tally *tally)
{
	struct spe_record record = {0};
	int open = 0, lost = 0; /* in a record; in what is no packet */

	while (size > 0) {
		unsigned char head = 0;
		size_t at = 0, length = packet_length(bytes, size, &head, &at);

		if (length == 0) {
			tally->broken += !lost;
			lost = 1;
			open = 0;
			length = 1;
		} else if (head == HEAD_END || head == HEAD_TIMESTAMP) {
			if (!lost) {
				if (head == HEAD_TIMESTAMP)
					packet_take(&record, bytes, at, length, head);
				if (open) {
					tally->records++;
					each(ctx, &record);
				}
			}
			memset(&record, 0, sizeof(record));
			open = lost = 0;
		} else if (head != HEAD_PAD && !lost) {
			packet_take(&record, bytes, at, length, head);
			open = 1;
		}
		bytes += length;
		size -= length;
	}
	tally->broken += open;
}

enum spe_sources
spe_sources_of(uint64_t midr)
{
	/* Part numbers of Arm Ltd.'s processors, as the manuals of each give them. */
	static const struct {
		uint16_t part;
		const char *name;
	} neoverse[] = {
		{0xd0c, "N1"}, {0xd40, "V1"}, {0xd49, "N2"},
		{0xd4f, "V2"}, {0xd84, "V3"}, {0xd8e, "N3"},
	};

	if ((midr >> 24 & 0xff) != 'A')
		return SPE_SOURCES_UNKNOWN;
	for (size_t i = 0; i < sizeof(neoverse) / sizeof(neoverse[0]); i++) {
		if ((midr >> 4 & 0xfff) == neoverse[i].part)
			return SPE_SOURCES_NEOVERSE;
	}
	return SPE_SOURCES_UNKNOWN;
}

enum pmu_served
spe_served_by(const struct spe_record *record, enum spe_sources sources)
{
	/* "Data source packet" in the manuals of Neoverse: up to 0xc caches of this socket (0xb the
	 * system's). */
	enum { NEOVERSE_REMOTE = 0xd, NEOVERSE_DRAM = 0xe };

	if (record->has_source && sources == SPE_SOURCES_NEOVERSE) {
		if (record->source == NEOVERSE_DRAM)
			return PMU_SERVED_NEAR;
		if (record->source == NEOVERSE_REMOTE)
			return PMU_SERVED_REMOTE;
		return PMU_SERVED_CACHE;
	}
	if (!record->has_events)
		return PMU_SERVED_UNKNOWN;
	if (record->events & SPE_EVENT_REMOTE)
		return PMU_SERVED_REMOTE;
	if (record->events & SPE_EVENT_LLC_MISS)
		return PMU_SERVED_NEAR;
	if ((record->events & SPE_EVENT_LLC_ACCESS) || !(record->events & SPE_EVENT_L1_REFILL))
		return PMU_SERVED_CACHE;
	return PMU_SERVED_PAST_L1;
}
