/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_hintfault.c - page-granular gaps between accesses, from NUMA hint faults.
 *
 * The kernel's NUMA balancing marks a stretch of a process's pages so that the next access to each
 * faults once. A software perf event on page faults delivers the address and time of each; a kprobe
 * on the function that marks (change_prot_numa) tells when which stretch was marked, and one on its
 * return how many pages that were. The difference is the page's gap, which is all that heat wants.
 * With a promotion rate limit of 0 the kernel only marks and reports, and moves next to nothing
 * itself.
 *
 * In tiering mode (2) the kernel marks pages of slow nodes only. Where all CPUs are on one node,
 * mode 3 marks fast pages too and still moves none (they are where their CPUs are); so cold pages
 * of the fast tier are seen as well.
 *
 * Every fault costs the target time. The sampler has a purse (hint_purse.h) that fills with what it
 * may cost (set_effort); each fault takes its price, that of a minor fault, measured at the
 * start and every five seconds while it marks.
 * While it is empty nothing is marked, and while it stays full, because marked pages are not
 * touched, more is.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <asm/perf_regs.h>
#define REG_ARG2 PERF_REG_X86_SI
#define REG_ARG3 PERF_REG_X86_DX
#define REG_RETURN PERF_REG_X86_AX
#elif defined(__aarch64__)
#include <asm/perf_regs.h>
#define REG_ARG2 PERF_REG_ARM64_X1
#define REG_ARG3 PERF_REG_ARM64_X2
#define REG_RETURN PERF_REG_ARM64_X0
#endif

#include "clock.h"
#include "fault_price.h"
#include "hint_purse.h"
#include "hint_scan.h"
#include "hint_windows.h"
#include "log.h"
#include "ops.h"
#include "perf_ring.h"
#include "procfs.h"

#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"
#define KPROBE_RETURN 1 /* bit 0 of config; its format folder says so */
#define MARKER "change_prot_numa"

#define SORT_MAX 65536
#define RUNS_MAX 64 /* with more, sorting is as quick */
#define NS_PER_S 1000000000ull
#define EASE_MOST 4.0
#define PACE_EVERY_NS (NS_PER_S / 2)
/* While pages move there is a read after each call, and the kernel's count costs more than that. */
#define PAY_EVERY_NS (NS_PER_S / 50)
/* Machines that others use too become twice or half as fast within seconds. */
#define PRICE_EVERY_NS (5 * NS_PER_S)
#define MARKING_MOST_NS (NS_PER_S / 4) /* longer than that its end was lost */

enum { EVENT_FAULT, EVENT_MARK, EVENT_MARKED };
/* Kind of a sample, till finish(): its `events` are the pages that were marked. */
#define MARKING_RETURNED UINT32_MAX

/* A sample with the thread that it happened in, which tells what belongs together. */
struct heard {
	struct sample sample;
	uint64_t marked_ns; /* of a marking: when it was done */
	int32_t thread;
};

struct hintfault {
	const struct ops_env *env;
	struct hint_scan scan;
	struct hint_windows windows;
	struct perf_rings *rings;
	struct hint_purse purse;
	double ease; /* how many marked pages there are to a fault, or fewer */
	uint64_t paced_ns;
	uint64_t mark_until_ns;
	uint64_t priced_ns;      /* when a fault's price was measured last */
	int counts;              /* the kernel tells how many pages a window marked */
	uint64_t kernel_faults;  /* hint faults of the machine that were paid for */
	uint64_t drained_faults; /* faults of targets since it was last paid, */
	uint64_t paid_ns;        /* at that time */

	struct heard *heard, *merged; /* drained, to be put in order of time; and room for that */
	size_t heard_count;
	struct sample *sorted; /* and then waiting to be handed out */
	size_t sorted_count, sorted_next;
	struct sampler_stats stats;
};

static size_t
cpu_nodes(const struct sluice_topology *topology)
{
	size_t count = 0;

	for (size_t i = 0; i < sluice_topology_node_count(topology); i++)
		count += sluice_topology_node(topology, i)->has_cpu != 0;
	return count;
}

static int
hintfault_probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	int64_t value;

	if (env->sysroot[0]) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "works on a live machine only, not under '%s'", env->sysroot);
		return -ENOTSUP;
	}
#ifndef REG_ARG2
	snprintf(sentence, OPS_SENTENCE_BYTES, "is not ported to this processor");
	return -ENOTSUP;
#endif
	if (sluice_topology_node_count(env->topology) < 2) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "needs two memory nodes: the kernel marks no page on a machine with one");
		return -ENOTSUP;
	}
	if (geteuid() != 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES, "needs root, to steer NUMA balancing");
		return -EACCES;
	}
	if (procfs_number("", 0, HINT_MODE_FILE, &value) < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel was built without NUMA balancing (no " HINT_MODE_FILE ")");
		return -ENOTSUP;
	}
	if (access(HINT_RATE_LIMIT_FILE, F_OK) < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel cannot be kept from promoting by itself "
			 "(no " HINT_RATE_LIMIT_FILE ", in 6.1 and later)");
		return -ENOTSUP;
	}
	if (access(HINT_SCAN_DIR "scan_size_mb", F_OK) < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "no " HINT_SCAN_DIR
			 "; mount debugfs: mount -t debugfs none /sys/kernel/debug");
		return -ENOTSUP;
	}
	if (procfs_number("", 0, KPROBE_TYPE, &value) < 0) {
		snprintf(sentence, OPS_SENTENCE_BYTES,
			 "this kernel has no kprobe events, so it cannot be told when pages are "
			 "marked");
		return -ENOTSUP;
	}
	snprintf(
		sentence, OPS_SENTENCE_BYTES, "sees single 4 KiB pages of %s",
		cpu_nodes(env->topology) == 1
			? "all tiers"
			: "the slow tiers (with CPUs on several nodes, fast pages are left alone)");
	return 0;
}

static int
open_events(struct hintfault *self, struct sluice_err *reterr)
{
	struct perf_event_attr fault = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_ADDR,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	struct perf_event_attr mark = {
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_REGS_INTR,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	struct perf_event_attr marked = {0};
	struct sluice_err err = {0, ""};
	int64_t type;
	int r = procfs_number("", 0, KPROBE_TYPE, &type);

	if (r < 0)
		return sluice_fail(reterr, r, "cannot read " KPROBE_TYPE);
	mark.type = (uint32_t)type;
	mark.kprobe_func = (uint64_t)(uintptr_t)MARKER;
#ifdef REG_ARG2
	mark.sample_regs_intr = (1ull << REG_ARG2) | (1ull << REG_ARG3);
	marked = mark;
	marked.config = KPROBE_RETURN;
	marked.sample_regs_intr = 1ull << REG_RETURN;
#endif
	r = perf_rings_new(cpu_nodes(self->env->topology) > 2 ? 256u << 10 : 1u << 20, &self->rings,
			   reterr);
	if (r == 0)
		r = perf_rings_add(self->rings, EVENT_FAULT, &fault, "page-faults", reterr);
	if (r == 0)
		r = perf_rings_add(self->rings, EVENT_MARK, &mark, "kprobe on " MARKER, reterr);
	/* Without it windows are taken for what they should have been. */
	self->counts = r == 0 && perf_rings_add(self->rings, EVENT_MARKED, &marked,
						"return of " MARKER, &err) == 0;
	if (r == 0 && !self->counts)
		log_debug("hintfault", "how much is marked is not known: %s", err.msg);
	return r;
}

static void hintfault_stop(void *vself);

static int
hintfault_start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	struct hintfault *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return sluice_fail(reterr, -ENOMEM, "no memory for the hintfault sampler");
	self->env = env;
	self->heard = calloc(SORT_MAX, sizeof(*self->heard));
	self->merged = calloc(SORT_MAX, sizeof(*self->merged));
	self->sorted = calloc(SORT_MAX, sizeof(*self->sorted));
	hint_purse_init(&self->purse, 0.01, fault_price_ns(FAULT_PRICE_PAGES), clock_now_ns());
	self->priced_ns = self->purse.at_ns;
	self->ease = 1;
	if (!self->heard || !self->merged || !self->sorted)
		r = sluice_fail(reterr, -ENOMEM, "no memory for the hintfault sampler");
	else
		r = open_events(self, reterr);
	if (r == 0)
		r = hint_scan_open(&self->scan, env->sysroot, env->state_dir,
				   cpu_nodes(env->topology) == 1, reterr);
	if (r == 0)
		r = perf_rings_enable(self->rings, 1);
	if (r < 0) {
		hintfault_stop(self);
		return r;
	}
	hint_scan_faults(&self->kernel_faults);
	log_debug("hintfault", "a fault costs about %llu ns",
		  (unsigned long long)self->purse.fault_ns);
	*ret_self = self;
	return 0;
}

static int
hintfault_add(void *vself, int32_t pid, struct sluice_err *reterr)
{
	return hint_scan_add(&((struct hintfault *)vself)->scan, pid, reterr);
}

static void
hintfault_remove(void *vself, int32_t pid)
{
	hint_scan_remove(&((struct hintfault *)vself)->scan, pid);
}

static void
on_record(void *ctx, unsigned int event, const void *payload, size_t bytes)
{
	struct hintfault *self = ctx;
	const uint64_t *word = payload; /* pid and tid, time, then address or registers */
	int32_t pid;
	struct sample sample = {0};

	if (bytes < 24 || self->heard_count == SORT_MAX) {
		self->stats.lost += bytes >= 24;
		return;
	}
	memcpy(&pid, payload, sizeof(pid));
	if (!hint_scan_has(&self->scan, pid))
		return;
	sample.pid = pid;
	sample.time_ns = word[1];
	if (event == EVENT_FAULT) {
		sample.kind = SAMPLE_TOUCH;
		sample.addr = word[2] & ~(uint64_t)(HEAT_PAGE_BYTES - 1);
		self->drained_faults++;
	} else if (event == EVENT_MARK) {
		/* The ABI word of the registers, then the two in order of their number. */
		if (bytes < 40)
			return;
		sample.kind = SAMPLE_ARMED;
		sample.addr = word[3] < word[4] ? word[3] : word[4];
		sample.len_bytes = word[3] < word[4] ? word[4] - word[3] : word[3] - word[4];
	} else {
		if (bytes < 32)
			return;
		sample.kind = MARKING_RETURNED;
		sample.events = (float)word[3];
	}
	self->heard[self->heard_count++] =
		(struct heard){.sample = sample, .thread = (int32_t)(word[0] >> 32)};
}

static int
by_time(const void *va, const void *vb)
{
	const struct heard *a = va, *b = vb;

	return a->sample.time_ns < b->sample.time_ns ? -1 : a->sample.time_ns > b->sample.time_ns;
}

/* Each ring comes in order, so there are few runs to merge; sorting took most of a sample's time.
 */
static void
put_in_order(struct hintfault *self)
{
	struct heard *heard = self->heard;
	struct {
		size_t next, end;
	} run[RUNS_MAX];
	size_t runs = 0, count = self->heard_count;

	for (size_t i = 0; i < count; i++) {
		if (i && heard[i].sample.time_ns >= heard[i - 1].sample.time_ns) {
			run[runs - 1].end = i + 1;
			continue;
		}
		if (runs == RUNS_MAX) {
			qsort(heard, count, sizeof(*heard), by_time);
			return;
		}
		run[runs].next = i;
		run[runs++].end = i + 1;
	}
	if (runs < 2)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t first = 0;

		for (size_t r = 1; r < runs; r++) {
			if (heard[run[r].next].sample.time_ns <
			    heard[run[first].next].sample.time_ns)
				first = r;
		}
		self->merged[i] = heard[run[first].next++];
		if (run[first].next == run[first].end)
			memmove(&run[first], &run[first + 1], (--runs - first) * sizeof(*run));
	}
	self->heard = self->merged;
	self->merged = heard;
}

/* The marking that this thread was in when it returned, of which there is at most one, is complete.
 * Its pages count as marked from then on, unless the process went on meanwhile: then some were
 * touched before. */
static void
complete_marking(struct hintfault *self, size_t returned)
{
	const struct heard *end = &self->heard[returned];
	int went_on = 0;

	for (size_t i = returned; i-- > 0;) {
		struct heard *heard = &self->heard[i];

		if (heard->sample.kind == SAMPLE_ARMED && heard->thread == end->thread) {
			if (heard->sample.events >= 0)
				return;
			heard->sample.events = end->sample.events;
			heard->marked_ns = went_on ? heard->sample.time_ns : end->sample.time_ns;
			return;
		}
		went_on |=
			heard->sample.kind == SAMPLE_TOUCH && heard->sample.pid == end->sample.pid;
	}
}

/* How many come before the first window that is still being marked: its end comes with the next
 * drain. Marking 128 MiB takes a tenth of a second where the kernel is emulated. */
static size_t
complete(const struct hintfault *self, uint64_t now_ns)
{
	/* What is kept is sorted again each time, and must leave room for what comes. */
	for (size_t i = 0;
	     self->counts && self->heard_count < SORT_MAX / 4 && i < self->heard_count; i++) {
		const struct sample *sample = &self->heard[i].sample;

		if (sample->kind == SAMPLE_ARMED && sample->events < 0 &&
		    now_ns < sample->time_ns + MARKING_MOST_NS)
			return i;
	}
	return self->heard_count;
}

/* What needs the order of time: how many pages a window marked, which tiers, and which window a
 * touch belongs to. A window of which it is not known how many it marked did not happen: pages that
 * are wrongly believed to be watched look cold. */
static void
finish(struct hintfault *self, uint64_t now_ns)
{
	size_t count = 0, end;

	put_in_order(self);
	for (size_t i = 0; i < self->heard_count; i++) {
		struct sample *sample = &self->heard[i].sample;

		if (sample->kind == SAMPLE_ARMED)
			sample->events = -1;
		else if (sample->kind == MARKING_RETURNED)
			complete_marking(self, i);
	}
	end = complete(self, now_ns);
	for (size_t i = 0; i < end; i++) {
		struct sample sample = self->heard[i].sample;

		if (sample.kind == MARKING_RETURNED)
			continue;
		if (sample.kind == SAMPLE_ARMED) {
			sample.tiers = hint_scan_marked(&self->scan, sample.pid, sample.len_bytes,
							sample.time_ns);
			if (!self->counts)
				sample.events = 0;
			else if (sample.events <= 0)
				continue;
			else
				sample.time_ns = self->heard[i].marked_ns;
			hint_purse_marked(&self->purse, self->counts ? (double)sample.events
								     : (double)sample.len_bytes /
									       HEAT_PAGE_BYTES);
			hint_windows_marked(&self->windows, sample.pid, sample.addr,
					    sample.addr + sample.len_bytes, sample.time_ns);
		} else {
			sample.time_ns = hint_windows_touched(&self->windows, sample.pid,
							      self->heard[i].thread, sample.addr,
							      sample.time_ns, self->purse.fault_ns);
		}
		self->sorted[count++] = sample;
	}
	self->heard_count -= end;
	memmove(self->heard, self->heard + end, self->heard_count * sizeof(*self->heard));
	self->sorted_count = count;
	self->stats.samples += count;
}

/* Pay for the hint faults since the last time. The kernel's own count, since page faults of other
 * kinds come through the ring too, and whoever else is marked pays as well. A kernel that does not
 * count makes all faults of targets ours, rather than none. */
static void
pay(struct hintfault *self, uint64_t now_ns)
{
	uint64_t counted, faults = self->drained_faults, ours;

	if (!self->drained_faults || now_ns - self->paid_ns < PAY_EVERY_NS)
		return;
	self->paid_ns = now_ns;
	if (hint_scan_faults(&counted) == 0) {
		faults = counted - self->kernel_faults;
		self->kernel_faults = counted;
	}
	ours = faults < self->drained_faults ? faults : self->drained_faults;
	self->drained_faults = 0;
	hint_purse_touched(&self->purse, ours, faults);
	self->stats.target_cost_ns += ours * self->purse.fault_ns;
}

static void
measure_price(struct hintfault *self, uint64_t now_ns)
{
	if (now_ns - self->priced_ns < PRICE_EVERY_NS || !self->scan.marking)
		return;
	self->priced_ns = now_ns;
	self->purse.fault_ns = fault_price_ns(FAULT_PRICE_AGAIN);
	log_debug("hintfault", "a fault costs about %llu ns now",
		  (unsigned long long)self->purse.fault_ns);
}

/* Mark for as long as the purse lasts if every marked page is touched at once. Each target has a
 * window at a time. */
static void
mark_for_now(struct hintfault *self, uint64_t now_ns)
{
	double targets = (double)hint_scan_running(&self->scan);
	double window_ns = targets * (double)hint_scan_window_pages(&self->scan) *
			   (double)self->purse.fault_ns;
	double windows = hint_purse_left(&self->purse) * self->ease / window_ns;

	self->mark_until_ns =
		now_ns + (windows > 1 ? (uint64_t)(windows * HINT_PERIOD_NS) : HINT_PERIOD_NS);
	hint_scan_mark(&self->scan, 1);
}

/* Marked pages become faults only when they are touched. While the purse stays full, more and more
 * are marked; when it is empty, as few as can be. */
static void
set_pace(struct hintfault *self, uint64_t now_ns)
{
	double most = hint_purse_most(&self->purse), left = hint_purse_left(&self->purse);
	double faults_per_s = self->purse.effort * (double)NS_PER_S / (double)self->purse.fault_ns;

	if (left > most / 2)
		mark_for_now(self, now_ns);
	else if (left <= 0 || now_ns >= self->mark_until_ns)
		hint_scan_mark(&self->scan, 0);
	/* Faults after all, say the first of a program that has just begun to use what it filled:
	 * back to small windows at once, or they cost far more than was allowed. */
	if (self->ease > 1 && self->purse.ns < most * 0.9) {
		self->ease = 1;
		self->paced_ns = 0;
	}
	if (now_ns - self->paced_ns < PACE_EVERY_NS && !self->scan.wait_fell)
		return;
	self->paced_ns = now_ns;
	if (left >= most && self->ease < EASE_MOST)
		self->ease *= 2;
	hint_scan_pace(&self->scan, faults_per_s * self->ease * HEAT_PAGE_BYTES);
}

static uint64_t
hintfault_due_ns(void *vself, uint64_t now_ns)
{
	const struct hintfault *self = vself;

	if (!self->scan.marking)
		return UINT64_MAX;
	return self->mark_until_ns > now_ns ? self->mark_until_ns - now_ns : 0;
}

static int
hintfault_read(void *vself, uint64_t now_ns, struct sample *samples, size_t capacity,
	       size_t *ret_count, struct sluice_err *reterr)
{
	struct hintfault *self = vself;
	size_t count;

	(void)reterr;
	if (self->sorted_next == self->sorted_count) {
		self->sorted_next = self->sorted_count = 0;
		hint_purse_fill(&self->purse, now_ns);
		self->stats.lost += perf_rings_drain(self->rings, on_record, self);
		pay(self, now_ns);
		finish(self, now_ns);
		set_pace(self, now_ns);
		measure_price(self, now_ns);
	}
	count = self->sorted_count - self->sorted_next;
	if (count > capacity)
		count = capacity;
	memcpy(samples, self->sorted + self->sorted_next, count * sizeof(*samples));
	self->sorted_next += count;
	*ret_count = count;
	return 0;
}

static void
hintfault_set_effort(void *vself, double cpu_share)
{
	struct hintfault *self = vself;

	if (cpu_share == self->purse.effort)
		return;
	/* At slow memory first, where what is hot now matters most. */
	if (cpu_share > 2 * self->purse.effort)
		hint_scan_slow_first(&self->scan);
	hint_purse_effort(&self->purse, cpu_share);
	self->paced_ns = 0;
}

static int
hintfault_moving(void *vself, int on, struct sluice_err *reterr)
{
	return hint_scan_moving(&((struct hintfault *)vself)->scan, on, reterr);
}

static void
hintfault_get_stats(void *vself, struct sampler_stats *ret)
{
	*ret = ((struct hintfault *)vself)->stats;
}

static void
hintfault_stop(void *vself)
{
	struct hintfault *self = vself;

	if (!self)
		return;
	hint_scan_close(&self->scan);
	perf_rings_free(self->rings);
	free(self->heard);
	free(self->merged);
	free(self->sorted);
	free(self);
}

const struct sampler_ops sampler_hintfault = {
	.name = "hintfault",
	.summary = "gaps between accesses of single pages, from NUMA hint faults",
	.page_granular = 1,
	.uses = SAMPLER_PAGE_MARKS,
	.probe = hintfault_probe,
	.start = hintfault_start,
	.add = hintfault_add,
	.remove = hintfault_remove,
	.read = hintfault_read,
	.set_effort = hintfault_set_effort,
	.due_ns = hintfault_due_ns,
	.moving = hintfault_moving,
	.get_stats = hintfault_get_stats,
	.stop = hintfault_stop,
};
