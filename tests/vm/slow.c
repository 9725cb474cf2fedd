/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU plugin: makes memory nodes slow, and counts from outside the guest which node served each
 * access of the guest's user space.
 *
 * After every load and store of a user-space instruction the physical address is looked up. It
 * names a node; the node is counted, and where a delay is set for that virtual CPU and node the
 * virtual CPU waits that many nanoseconds of host time. Kernel code is neither counted nor slowed.
 *
 * Software emulation has no caches, so without care a loop over one cache line would pay the full
 * latency for every byte. Two small rules make slow nodes behave as memory behind caches does: an
 * access to one of the last few lines is free, and one to the line that follows such a line costs a
 * quarter, as a prefetcher would have it. A random reader meets neither.
 *
 * Arguments: control=FIFO, truth=FILE (optional), lo=ADDR and hi=ADDR (the virtual range of which
 * a second count is kept). Lines read from the FIFO:
 *     range NODE LO HI      physical [LO, HI) belongs to NODE, multiples of 128 MiB
 *     delay VCPU NODE NS    accesses of VCPU to NODE take NS nanoseconds longer
 *     start                 counting for the truth file starts now, at zero
 *
 * QEMU's header for plugins does not come with Debian's package; what is used of it is declared
 * below, as plugin interface version 4 (QEMU 9.2 to 10.x) defines it.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- What QEMU offers. ---------------------------------------------------------------------- */

#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_info_t; /* not looked into */

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

typedef void (*qemu_plugin_tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_mem_cb)(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
				   void *user);
typedef void (*qemu_plugin_udata_cb)(qemu_plugin_id_t id, void *user);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_tb_trans_cb cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb cb, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_mem_cb cb,
				      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
				      void *user);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *addr);

/* ---- Layout and counters. ------------------------------------------------------------------- */

#define BLOCK_SHIFT 27 /* physical memory is told apart in blocks of 128 MiB, as Linux does */
#define N_BLOCKS 1024u /* 128 GiB of guest-physical addresses */
#define N_NODES 8u
#define NODE_OTHER N_NODES /* devices, and memory that no line named */
#define N_VCPUS 16u
#define LINE_SHIFT 6
#define N_LINES 64u /* lines remembered for each virtual CPU */

struct counts {
	uint64_t all[N_NODES + 1];
	uint64_t in_range[N_NODES + 1];
};

/* Written by its virtual CPU's thread alone; the truth thread reads the counts while they grow. */
struct vcpu {
	struct counts counts;
	uint64_t delay_ticks[N_NODES + 1]; /* written by the control thread */
	uint64_t lines[N_LINES];
} __attribute__((aligned(128)));

static struct vcpu vcpus[N_VCPUS];
static uint8_t node_of_block[N_BLOCKS];
static uint64_t range_lo, range_len;
static bool node_known[N_NODES];

static double ticks_per_ns;
static uint64_t overshoot_ticks; /* what waiting takes on top of the time asked for */
static FILE *truth;
static pthread_mutex_t truth_lock = PTHREAD_MUTEX_INITIALIZER;
static bool truth_started; /* this and the next two: under truth_lock */
static struct counts truth_last;
static double truth_start_s;

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static inline uint64_t
ticks_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
#endif
}

static inline void
relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Until earlier loads have come: otherwise a delay passes beside the access that it follows. */
static inline void
loads_done(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* ---- The hot path. -------------------------------------------------------------------------- */

static inline void
count(uint64_t *counter)
{
	/* One writer: no atomic addition is needed, only that a reader never sees half a value. */
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static inline uint64_t *
line_slot(struct vcpu *v, uint64_t line)
{
	return &v->lines[line % N_LINES];
}

static void
spin(uint64_t ticks)
{
	uint64_t start, spent;

	loads_done();
	start = ticks_now();
	/* Near the end no pause, one takes up to 150 ticks and would make short delays coarse. */
	while ((spent = ticks_now() - start) < ticks) {
		if (ticks - spent > 300)
			relax();
	}
}

static __attribute__((noinline)) void
stall(struct vcpu *v, uint64_t paddr, uint64_t delay)
{
	const uint64_t line = paddr >> LINE_SHIFT;

	if (*line_slot(v, line) == line)
		return;
	*line_slot(v, line) = line;
	if (*line_slot(v, line - 1) == line - 1)
		delay /= 4;
	spin(delay);
}

static void
on_access(unsigned int index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *user)
{
	struct vcpu *v = &vcpus[index % N_VCPUS];
	const struct qemu_plugin_hwaddr *hw = qemu_plugin_get_hwaddr(info, vaddr);
	uint64_t paddr, delay;
	unsigned int node;

	(void)user;
	if (!hw)
		return;
	paddr = qemu_plugin_hwaddr_phys_addr(hw);
	node = paddr >> BLOCK_SHIFT < N_BLOCKS ? node_of_block[paddr >> BLOCK_SHIFT] : NODE_OTHER;
	count(&v->counts.all[node]);
	if (vaddr - range_lo < range_len)
		count(&v->counts.in_range[node]);
	delay = v->delay_ticks[node];
	if (delay)
		stall(v, paddr, delay);
}

static void
on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		/* The upper half of the address space is the kernel's. */
		if (qemu_plugin_insn_vaddr(insn) >> 63)
			return;
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
	}
}

/* ---- Calibration: how fast the tick counter runs, and how far waiting overshoots. ----------- */

static uint64_t
spin_cost(uint64_t ticks)
{
	uint64_t best = UINT64_MAX;

	/* The best of a few: whatever disturbs the measurement only makes it longer. */
	for (int round = 0; round < 8; round++) {
		const uint64_t start = ticks_now();

		for (int i = 0; i < 500; i++)
			spin(ticks + (uint64_t)i);
		if (ticks_now() - start < best)
			best = ticks_now() - start;
	}
	return best / 500;
}

static void
calibrate(void)
{
	const double start_s = now_s();
	const uint64_t start = ticks_now();
	uint64_t asked, cost;

	while (now_s() - start_s < 0.01)
		relax();
	ticks_per_ns = (double)(ticks_now() - start) / ((now_s() - start_s) * 1e9);
	asked = (uint64_t)(400 * ticks_per_ns);
	cost = spin_cost(asked);
	overshoot_ticks = cost > asked + 250 ? cost - asked - 250 : 0;
}

/* ---- The truth file: one line a second. ----------------------------------------------------- */

static void
counts_sum(struct counts *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int v = 0; v < N_VCPUS; v++) {
		for (unsigned int n = 0; n <= N_NODES; n++) {
			ret->all[n] += __atomic_load_n(&vcpus[v].counts.all[n], __ATOMIC_RELAXED);
			ret->in_range[n] +=
				__atomic_load_n(&vcpus[v].counts.in_range[n], __ATOMIC_RELAXED);
		}
	}
}

static void
truth_nodes(const uint64_t *now, const uint64_t *last)
{
	const char *comma = "";

	for (unsigned int n = 0; n < N_NODES; n++) {
		if (!node_known[n])
			continue;
		fprintf(truth, "%s\"node%u\":%" PRIu64, comma, n, now[n] - last[n]);
		comma = ",";
	}
}

static void
truth_line(void)
{
	struct counts now;

	pthread_mutex_lock(&truth_lock);
	if (truth && truth_started) {
		counts_sum(&now);
		fprintf(truth, "{\"t_s\":%.3f,", now_s() - truth_start_s);
		truth_nodes(now.all, truth_last.all);
		fprintf(truth, ",\"range\":{");
		truth_nodes(now.in_range, truth_last.in_range);
		fprintf(truth, "}}\n");
		fflush(truth);
		truth_last = now;
	}
	pthread_mutex_unlock(&truth_lock);
}

static void *
truth_main(void *arg)
{
	double next_s = 0;

	(void)arg;
	for (;;) {
		double start_s, wait_s;
		bool started;
		struct timespec ts;

		pthread_mutex_lock(&truth_lock);
		started = truth_started;
		start_s = truth_start_s;
		pthread_mutex_unlock(&truth_lock);
		if (started && next_s == 0)
			next_s = start_s + 1;
		wait_s = started ? next_s - now_s() : 0.02;
		if (wait_s > 0) {
			ts.tv_sec = (time_t)wait_s;
			ts.tv_nsec = (long)((wait_s - (double)ts.tv_sec) * 1e9);
			nanosleep(&ts, NULL);
			continue;
		}
		truth_line();
		next_s += 1;
	}
	return NULL;
}

static void
on_exit_of_qemu(qemu_plugin_id_t id, void *user)
{
	(void)id;
	(void)user;
	truth_line();
}

/* ---- The control lines. --------------------------------------------------------------------- */

static void
control_line(const char *line)
{
	unsigned int vcpu, node;
	uint64_t lo, hi, ns, ticks;

	if (sscanf(line, "range %u %" SCNx64 " %" SCNx64, &node, &lo, &hi) == 3) {
		if (node >= N_NODES || lo >= hi || hi >> BLOCK_SHIFT > N_BLOCKS) {
			fprintf(stderr, "slow.so: range outside what is known: %s", line);
			return;
		}
		for (uint64_t b = lo >> BLOCK_SHIFT; b < hi >> BLOCK_SHIFT; b++)
			node_of_block[b] = (uint8_t)node;
		node_known[node] = true;
	} else if (sscanf(line, "delay %u %u %" SCNu64, &vcpu, &node, &ns) == 3) {
		if (vcpu >= N_VCPUS || node >= N_NODES) {
			fprintf(stderr, "slow.so: no such virtual CPU or node: %s", line);
			return;
		}
		ticks = (uint64_t)((double)ns * ticks_per_ns);
		if (ns)
			ticks = ticks > overshoot_ticks ? ticks - overshoot_ticks : 1;
		__atomic_store_n(&vcpus[vcpu].delay_ticks[node], ticks, __ATOMIC_RELAXED);
	} else if (!strncmp(line, "start", 5)) {
		pthread_mutex_lock(&truth_lock);
		counts_sum(&truth_last);
		truth_start_s = now_s();
		truth_started = true;
		pthread_mutex_unlock(&truth_lock);
	} else {
		fprintf(stderr, "slow.so: unknown control line: %s", line);
	}
}

static void *
control_main(void *path)
{
	char line[160];
	FILE *in = fopen(path, "r"); /* waits for the writer */

	if (!in) {
		fprintf(stderr, "slow.so: cannot open %s: %s\n", (char *)path, strerror(errno));
		return NULL;
	}
	while (fgets(line, sizeof(line), in))
		control_line(line);
	fclose(in);
	return NULL;
}

/* ---- Entry. --------------------------------------------------------------------------------- */

PLUGIN_EXPORT int qemu_plugin_version = 4;

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
				      char **argv);

PLUGIN_EXPORT int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	static char *control;
	uint64_t lo = 0, hi = 0;
	pthread_t thread;

	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "control=", 8)) {
			control = strdup(argv[i] + 8);
		} else if (!strncmp(argv[i], "truth=", 6)) {
			truth = fopen(argv[i] + 6, "w");
			if (!truth) {
				fprintf(stderr, "slow.so: cannot write %s: %s\n", argv[i] + 6,
					strerror(errno));
				return -1;
			}
		} else if (!strncmp(argv[i], "lo=", 3)) {
			lo = strtoull(argv[i] + 3, NULL, 0);
		} else if (!strncmp(argv[i], "hi=", 3)) {
			hi = strtoull(argv[i] + 3, NULL, 0);
		} else {
			fprintf(stderr, "slow.so: unknown argument %s\n", argv[i]);
			return -1;
		}
	}
	if (!control) {
		fprintf(stderr, "slow.so: control=FIFO is missing\n");
		return -1;
	}
	range_lo = lo;
	range_len = hi > lo ? hi - lo : 0;
	memset(node_of_block, NODE_OTHER, sizeof(node_of_block));
	calibrate();
	if (pthread_create(&thread, NULL, control_main, control) ||
	    (truth && pthread_create(&thread, NULL, truth_main, NULL))) {
		fprintf(stderr, "slow.so: cannot start a thread\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
