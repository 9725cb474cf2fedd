/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - the memory that the engine and a policy's process share; both are of one build.
 *
 * Two files without a name (memfd). The view's: the engine writes, the policy's process can only
 * map it to read (sealed). The plan's: the policy's process writes, and may write anything at any
 * time, so the engine copies what it reads, once, and checks the copy.
 *
 * Each side has a number that it counts up and the other waits for, with futex(2): `asked` when
 * there is something to do, `answered` when it is done. Who is about to sleep says so first, so
 * that nobody is woken who looks anyway.
 */
#ifndef PLUGIN_CHANNEL_H
#define PLUGIN_CHANNEL_H

#include <stdatomic.h>
#include <stdint.h>

#include "policy_card.h"
#include "sluice/err.h"
#include "sluice/policy.h"

/* The descriptors that the host program is started with. */
#define CHANNEL_POLICY_FD 3
#define CHANNEL_VIEW_FD 4
#define CHANNEL_PLAN_FD 5

/* Looking for so long before sleeping: the policy's process in case that more comes at once, the
 * engine as long as it takes to wake that process and to decide on little. */
#define CHANNEL_SPIN_NS 20000u
#define CHANNEL_SPIN_ENGINE_NS 100000u
#define CHANNEL_PAGE 4096u
#define CHANNEL_TIERS_BYTES 8192u

enum channel_verb { CHANNEL_DECIDE = 1, CHANNEL_QUIT };

/* What the policy's process is at, for sentences on why it ended there. */
enum channel_phase {
	CHANNEL_STARTING,
	CHANNEL_LOADING, /* constructors, and what the dynamic linker says */
	CHANNEL_CHECKED, /* the card is filled in */
	CHANNEL_INIT,
	CHANNEL_WAITING,
	CHANNEL_DECIDING,
	CHANNEL_ENDING
};

/* At the start of the view's file; what policies read lies behind it. A member of struct
 * sluice_view that is a pointer has its offset here, from the start of the file. */
struct channel_view {
	uint32_t asked_verb; /* enum channel_verb */
	uint32_t reserved;
	uint64_t tiers_offset, regions_offset;
	struct sluice_view view;
	_Alignas(8) unsigned char tiers[CHANNEL_TIERS_BYTES];
};
#define CHANNEL_VIEW_BYTES                                                                         \
	((sizeof(struct channel_view) + CHANNEL_PAGE - 1) / CHANNEL_PAGE * CHANNEL_PAGE)

struct channel_move {
	uint64_t region;
	uint32_t tier;
	float gain;
};

/* At the start of the plan's file; the moves lie behind it. */
struct channel_plan {
	_Alignas(64) _Atomic uint32_t asked; /* the engine's; it believes its own copy only */
	_Atomic uint32_t policy_sleeps;
	_Alignas(64) _Atomic uint32_t answered;
	_Atomic uint32_t engine_sleeps;
	uint32_t phase; /* enum channel_phase */
	int32_t result; /* of starting or deciding */
	struct sluice_err err;
	uint64_t move_count;
	uint64_t wrong_count; /* asks that the host's move() refused, and the first of them */
	struct channel_move wrong;
	/* A signal that ended the process; signal is set last, 0: none. */
	uint64_t fault_addr, view_addr;
	uint32_t fault_syscall;
	_Atomic uint32_t signal;
	struct policy_card card;
};
#define CHANNEL_PLAN_BYTES                                                                         \
	((sizeof(struct channel_plan) + CHANNEL_PAGE - 1) / CHANNEL_PAGE * CHANNEL_PAGE)

#endif
