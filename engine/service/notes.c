/* SPDX-License-Identifier: Apache-2.0 */
/* notes.c - see notes.h. */
#include "notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heat.h"
#include "parse.h"

#define NS_PER_S 1000000000ull
#define KEEP_NS (10 * NS_PER_S)
#define SETTLED_NS (5 * NS_PER_S) /* before that little was looked at, and nothing is strange */
#define FEW_PAGES 256             /* less is no matter for an operator */
#define FEW_BYTES ((uint64_t)FEW_PAGES * HEAT_PAGE_BYTES)

void
notes_look(struct notes *notes, uint64_t now_ns, const struct round_stats *round,
	   const struct sampler_stats *sampling)
{
	if (notes->newer.at_ns && now_ns - notes->newer.at_ns < KEEP_NS)
		return;
	notes->older = notes->newer;
	notes->newer = (struct notes_past){now_ns, *round, *sampling};
	if (!notes->older.at_ns)
		notes->older = notes->newer;
}

/* One more sentence, as long as it fits whole. */
__attribute__((format(printf, 2, 3))) static void
say(struct engine_status *status, const char *format, ...)
{
	size_t used = strlen(status->note);
	char sentence[sizeof(status->note)];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (used + strlen(sentence) + 3 > sizeof(status->note))
		return;
	if (used)
		used = (size_t)(stpcpy(status->note + used, "; ") - status->note);
	strcpy(status->note + used, sentence);
}

struct lately {
	uint64_t moved, unmoved, busy, full, failed; /* pages */
	uint64_t promoted, demoted, planned;         /* bytes */
	uint64_t refused[ROUND_REFUSALS];
	uint64_t samples, lost;
};

static struct lately
lately(const struct notes_past *past, const struct engine_status *status)
{
	const struct round_stats *now = &status->round, *then = &past->round;
	struct lately all = {
		.moved = now->outcome_pages[MOVE_MOVED] - then->outcome_pages[MOVE_MOVED],
		.busy = now->outcome_pages[MOVE_BUSY] - then->outcome_pages[MOVE_BUSY],
		.full = now->outcome_pages[MOVE_NOMEM] - then->outcome_pages[MOVE_NOMEM],
		.failed = now->outcome_pages[MOVE_FAILED] - then->outcome_pages[MOVE_FAILED],
		.promoted = now->promoted_bytes - then->promoted_bytes,
		.demoted = now->demoted_bytes - then->demoted_bytes,
		.planned = now->planned_bytes - then->planned_bytes,
		.samples = status->sampling.samples - past->sampling.samples,
		.lost = status->sampling.lost - past->sampling.lost,
	};

	for (int i = 0; i < ROUND_REFUSALS; i++)
		all.refused[i] = now->refused_bytes[i] - then->refused_bytes[i];
	all.unmoved = all.busy + all.full + all.failed;
	return all;
}

static void
say_outcomes(struct engine_status *status, const struct lately *all)
{
	if (all->unmoved < FEW_PAGES || all->unmoved <= all->moved)
		return;
	if (all->full >= all->busy && all->full >= all->failed)
		say(status, "most moves found no free page in the other tier");
	else if (all->busy >= all->failed)
		say(status, "most pages that were to move are pinned, or in use by the kernel");
	else
		say(status, "the kernel refuses most moves");
}

/* Why nothing goes up although there is memory below. */
static void
say_full(struct engine_status *status, const struct lately *all)
{
	const struct sluice_tier *fast = &status->tiers[0];
	const uint64_t *resident = status->round.heat.resident_bytes;
	uint64_t held = fast->total_bytes - fast->free_bytes, others, slow = 0;
	char others_text[16], left[16];

	for (uint32_t t = 1; t < status->tier_count; t++)
		slow += resident[t];
	if (slow == 0 && resident[0]) {
		say(status, "all that may be moved is in fast memory: nothing to gain");
		return;
	}
	/* A full tier lives a little above its watermark. */
	if (fast->room_bytes >= fast->total_bytes / 100 || slow == 0)
		return;
	others = held > resident[0] ? held - resident[0] : 0;
	format_size(others, others_text, sizeof(others_text));
	format_size(all->refused[REFUSED_PAYBACK], left, sizeof(left));
	if (resident[0] < fast->total_bytes / 20)
		say(status, "fast memory is full: %s of it is not the targets', and stays",
		    others_text);
	else if (all->promoted + all->demoted >= FEW_BYTES)
		return; /* it is full, and pages change places */
	else if (all->refused[REFUSED_PAYBACK])
		say(status,
		    "fast memory is full, and moving what is a little hotter would cost more than "
		    "it saves");
	else
		say(status,
		    "fast memory is full, and nothing below is hotter than what is in it: nothing "
		    "to gain");
}

#define FAULT_NOTE_MS 60000u /* how long a fault is told of that is over */

/* First of all, since then nothing is decided but what is safe. */
static void
say_policy(struct engine_status *status)
{
	const struct isolate_status *process = &status->policy_process;

	if (!status->isolated || !process->fault[0])
		return;
	if (process->benched_ms)
		say(status,
		    "the policy is benched for %llu s more, and nothing but shortage moves memory: "
		    "%.140s",
		    (unsigned long long)process->benched_ms / 1000 + 1, process->fault);
	else if (process->safe || process->fault_age_ms < FAULT_NOTE_MS)
		say(status, "the policy failed %llu s ago, and was replaced for a round: %.140s",
		    (unsigned long long)process->fault_age_ms / 1000, process->fault);
}

void
notes_write(const struct notes *notes, uint64_t now_ns, struct engine_status *status)
{
	struct lately all = lately(&notes->older, status);
	uint64_t pinned = 0, resident = 0;
	char size[16];

	say_policy(status);
	if (!notes->older.at_ns || status->target_count == 0 ||
	    now_ns - notes->older.at_ns < SETTLED_NS)
		return;
	for (size_t i = 0; i < status->target_count; i++)
		pinned += status->targets[i].pinned_bytes;
	for (uint32_t t = 0; t < status->tier_count; t++)
		resident += status->round.heat.resident_bytes[t];
	if (resident == 0 && pinned) {
		say(status, "nothing may be moved: the owners placed or locked all of it (%s)",
		    format_size(pinned, size, sizeof(size)));
		return;
	}
	if (all.lost > FEW_PAGES && all.lost * 10 > all.samples)
		say(status,
		    "the kernel dropped %.0f %% of the samples lately, so heat is less sure",
		    100.0 * (double)all.lost / (double)(all.lost + all.samples));
	say_outcomes(status, &all);
	if (all.refused[REFUSED_BUDGET] > all.planned && all.planned)
		say(status, "more is worth moving than --rate, or moving itself, lets through");
	if (status->tier_count > 1)
		say_full(status, &all);
}

void
notes_target(struct engine_target *target)
{
	uint64_t resident = 0;

	for (size_t t = 0; t < SLUICE_TIERS_MAX; t++)
		resident += target->resident_bytes[t];
	if (!target->note[0] && resident == 0 && target->pinned_bytes)
		snprintf(target->note, sizeof(target->note),
			 "placed by its owner: nothing may move");
}
