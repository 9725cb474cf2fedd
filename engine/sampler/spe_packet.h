/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spe_packet.h - the packets that Arm's Statistical Profiling Extension writes, put together to
 * records of one operation each (Arm Architecture Reference Manual, "Statistical Profiling
 * Extension sample record specification"). Pure.
 */
#ifndef SAMPLER_SPE_PACKET_H
#define SAMPLER_SPE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "pmu_sample.h"

/* Bits of an events packet. */
#define SPE_EVENT_L1_REFILL (1u << 3)
#define SPE_EVENT_LLC_ACCESS (1u << 8)
#define SPE_EVENT_LLC_MISS (1u << 9)
#define SPE_EVENT_REMOTE (1u << 10)

struct spe_record {
	uint64_t addr;      /* of the data, virtual; 0 none */
	uint64_t timestamp; /* of the system counter; 0 none */
	uint64_t events;    /* bits above */
	uint32_t latency;   /* cycles from dispatch to completion; 0 none */
	uint32_t context;   /* of the thread, where the kernel gives it; 0 none */
	uint16_t source;    /* who delivered the data: the processor's own numbers */
	uint8_t has_source, has_events;
	uint8_t is_load, is_store;
};

struct spe_tally {
	uint64_t records;
	uint64_t broken; /* packets that are none, or cut off; what follows is skipped to the next
			  * record's end */
};

/* Call `each` for every record in the bytes, in their order. A record ends with a timestamp or an
 * end packet; one that the bytes begin or end in the middle of counts as broken. */
void spe_walk(const unsigned char *bytes, size_t size,
	      void (*each)(void *ctx, const struct spe_record *record), void *ctx,
	      struct spe_tally *tally);

/* How a processor numbers its data sources. */
enum spe_sources {
	SPE_SOURCES_UNKNOWN,  /* only the events tell */
	SPE_SOURCES_NEOVERSE, /* Neoverse N1, N2, V1, V2 number them alike */
};
/* midr: the processor's main identification register. */
enum spe_sources spe_sources_of(uint64_t midr);
/* Which memory served the record's access, as far as it is told. */
enum pmu_served spe_served_by(const struct spe_record *record, enum spe_sources sources);

#endif
