/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trackers.c - trackers that look at pages themselves, under a made-up /proc and /sys:
 * softdirty, idle, etmem, mglru; and the formats that they read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sampler/idle_pages.h"
#include "engine/sampler/lru_gen.h"
#include "engine/sampler/pagemap_runs.h"
#include "engine/sampler/sampler_registry.h"
#include "engine/sampler/scan_walk.h"
#include "fake_root.h"

#define S 1000000000ull
#define ADDR 0x10000000ull
#define PAGE 4096ull

static struct ops_env env = {.sysroot = fake_root, .state_dir = fake_root};
static struct sample got[8192];
static size_t got_count;

/* A process of one mapping of 4 MiB. */
static void
make_process(void)
{
	fake_put("proc/7/stat", "7 (a) S 1 7 7 0 -1 4194304 100 0");
	fake_put("proc/7/maps", "08000000-08200000 r-xp 00000000 fe:01 2 /bin/a\n"
				"10000000-10400000 rw-p 00000000 00:00 0 \n"
				"20000000-20200000 rw-s 00000000 00:00 0 \n");
	fake_put("proc/7/clear_refs", "");
}

static void
put_page(uint64_t page, uint64_t entry)
{
	fake_put_bytes("proc/7/pagemap", &entry, 8, (ADDR / PAGE + page) * 8);
}

/* Reads until nothing more comes. */
static void
read_all(const struct sampler_ops *ops, void *self, uint64_t now_ns)
{
	size_t count;

	got_count = 0;
	do {
		assert_int_equal(ops->read(self, now_ns, got + got_count, 4096, &count, NULL), 0);
		got_count += count;
	} while (count && got_count + 4096 <= sizeof(got) / sizeof(got[0]));
}

/* Pages seen accessed, as one bit each of the first 64. */
static uint64_t
seen(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < got_count; i++) {
		for (uint64_t at = 0; got[i].kind == SAMPLE_SEEN && at < got[i].len_bytes;
		     at += PAGE) {
			uint64_t page = (got[i].addr + at - ADDR) / PAGE;

			if (page < 64)
				bits |= 1ull << page;
		}
	}
	return bits;
}

static uint64_t
armed_bytes(void)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < got_count; i++)
		bytes += got[i].kind == SAMPLE_ARMED ? got[i].len_bytes : 0;
	return bytes;
}

static void
walk_in_slices(void **state)
{
	struct scan_walk walk;
	struct scan_slice slice;
	struct sluice_err err;
	int count = 0;

	(void)state;
	make_process();
	fake_put("proc/7/maps", "101ff000-10201000 rw-p 00000000 00:00 0 \n"
				"10300000-10301000 rw-p 00000000 00:00 0 [vvar]\n"
				"10400000-10800000 rw-p 00000000 00:00 0 [heap]\n");
	assert_int_equal(scan_walk_init(&walk, fake_root, &err), 0);
	assert_int_equal(scan_walk_add(&walk, "x", 99, &err), -ESRCH);
	assert_int_equal(scan_walk_add(&walk, "x", 7, &err), 0);
	assert_int_equal(scan_walk_add(&walk, "x", 7, &err), 0);
	scan_walk_begin(&walk);
	while (scan_walk_next(&walk, &slice)) {
		static const uint64_t starts[] = {0x101ff000, 0x10200000, 0x10400000, 0x10600000};

		assert_true(count < 4 && slice.addr == starts[count++] && slice.pid == 7);
		assert_int_equal(slice.pages, count <= 2 ? 1 : 512);
	}
	assert_int_equal(count, 4);
	/* Every other one, and then the others. */
	for (walk.stride = 2, walk.phase = 0; walk.phase < 2; walk.phase++) {
		scan_walk_begin(&walk);
		for (count = 0; scan_walk_next(&walk, &slice); count++)
			assert_int_equal((slice.addr >> 21) & 1, walk.phase);
		assert_int_equal(count, 2);
	}
	scan_walk_remove(&walk, 7);
	scan_walk_begin(&walk);
	assert_int_equal(scan_walk_next(&walk, &slice), 0);
	scan_walk_destroy(&walk);
}

static void
softdirty(void **state)
{
	const struct sampler_ops *ops = &sampler_softdirty;
	const uint64_t dirty = PAGEMAP_PRESENT | PAGEMAP_SOFT_DIRTY;
	char sentence[OPS_SENTENCE_BYTES], path[64];
	struct sampler_stats stats;
	struct sluice_err err;
	uint64_t now_ns = 100 * S;
	void *self;

	(void)state;
	make_process();
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	fake_put_bytes(path, "\0\0\0\0\0\0\0\x80", 8, 0);
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "CONFIG_MEM_SOFT_DIRTY"));
	fake_put_bytes(path, &dirty, 8, 0);
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP); /* no clear_refs */
	snprintf(path, sizeof(path), "proc/%d/clear_refs", (int)getpid());
	fake_put(path, "");
	assert_int_equal(ops->probe(&env, sentence), 0);

	for (uint64_t p = 0; p < 1024; p++)
		put_page(p, PAGEMAP_PRESENT);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	ops->set_effort(self, 1);
	assert_int_equal(ops->add(self, 7, &err), 0);
	read_all(ops, self, now_ns); /* the purse begins */
	assert_int_equal(got_count, 0);
	now_ns += S / 10;
	read_all(ops, self, now_ns);
	assert_string_equal(fake_get("proc/7/clear_refs"), "4");
	assert_int_equal(armed_bytes(), 4 << 20);
	assert_true(got[0].time_ns == now_ns && got[0].spread > 0);
	assert_true(ops->due_ns(self, now_ns) <= 80000000);
	/* Pages 3, 4 and 9 are written; 10 is dirty and gone. */
	put_page(3, dirty);
	put_page(4, dirty);
	put_page(9, dirty);
	put_page(10, PAGEMAP_SOFT_DIRTY);
	now_ns += S / 10;
	read_all(ops, self, now_ns);
	assert_true(seen() == ((1ull << 3) | (1ull << 4) | (1ull << 9)));
	assert_int_equal(got_count, 2);
	/* Before they are cleared again, what else was written is read. */
	put_page(20, dirty);
	fake_put("proc/7/clear_refs", "");
	now_ns += S;
	read_all(ops, self, now_ns);
	assert_true(seen() & (1ull << 20));
	assert_int_equal(armed_bytes(), 4 << 20);
	assert_string_equal(fake_get("proc/7/clear_refs"), "4");
	ops->get_stats(self, &stats);
	assert_true(stats.target_cost_ns > 0 && stats.samples > 3);
	/* Paused. */
	fake_put("proc/7/clear_refs", "");
	ops->set_effort(self, 0);
	for (int i = 0; i < 20; i++) {
		now_ns += S;
		read_all(ops, self, now_ns);
	}
	assert_string_equal(fake_get("proc/7/clear_refs"), "");
	ops->remove(self, 7);
	ops->stop(self);
	ops->stop(NULL);
}

/* More mappings than samples fit into one look: all are told as armed, before anything that was
 * seen in them. */
static void
softdirty_many_mappings(void **state)
{
	enum { MAPPINGS = 20000 };
	const struct sampler_ops *ops = &sampler_softdirty;
	char *maps = malloc(MAPPINGS * 64), *at = maps;
	uint64_t now_ns = 100 * S, bytes = 0, seen_first = 0;
	size_t armed = 0, count;
	struct sluice_err err;
	void *self;

	(void)state;
	assert_non_null(maps);
	make_process();
	for (uint64_t i = 0; i < MAPPINGS; i++)
		at += sprintf(at, "%llx-%llx rw-p 00000000 00:00 0 \n",
			      (unsigned long long)(ADDR + i * 2 * PAGE),
			      (unsigned long long)(ADDR + i * 2 * PAGE + PAGE));
	fake_put("proc/7/maps", maps);
	free(maps);
	for (uint64_t p = 0; p < 1024; p++)
		put_page(p, PAGEMAP_PRESENT | PAGEMAP_SOFT_DIRTY);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	ops->set_effort(self, 1);
	assert_int_equal(ops->add(self, 7, &err), 0);
	read_all(ops, self, now_ns);
	now_ns += S / 10;
	do {
		assert_int_equal(ops->read(self, now_ns, got, 4096, &count, NULL), 0);
		for (size_t i = 0; i < count; i++) {
			armed += got[i].kind == SAMPLE_ARMED;
			bytes += got[i].kind == SAMPLE_ARMED ? got[i].len_bytes : 0;
			seen_first |= got[i].kind == SAMPLE_SEEN && armed < MAPPINGS;
		}
		now_ns += S / 10;
	} while (count);
	assert_int_equal(armed % MAPPINGS, 0);
	assert_true(armed >= MAPPINGS && bytes == armed * PAGE && !seen_first);
	ops->stop(self);
}

#define BITMAP "sys/kernel/mm/page_idle/bitmap"
#define PFN 0x4000ull

static uint64_t
bitmap_word(uint64_t at)
{
	uint64_t word = 0;
	int fd = open(fake_path(BITMAP), O_RDONLY);

	if (fd < 0 || pread(fd, &word, 8, (off_t)(at * 8)) != 8)
		word = 0;
	close(fd);
	return word;
}

static void
put_word(uint64_t at, uint64_t word)
{
	fake_put_bytes(BITMAP, &word, 8, at * 8);
}

static void
idle(void **state)
{
	const struct sampler_ops *ops = &sampler_idle;
	const uint64_t tail = 1ull << 16, known = PAGEMAP_PRESENT | 5;
	char sentence[OPS_SENTENCE_BYTES], path[64];
	struct sluice_err err;
	uint64_t now_ns = 100 * S;
	void *self;

	(void)state;
	make_process();
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "CONFIG_IDLE_PAGE_TRACKING"));
	for (uint64_t w = 0; w < 16; w++)
		put_word(PFN / 64 + w, 0);
	snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
	fake_put_bytes(path, "\0\0\0\0\0\0\0\x80", 8, 0);
	assert_int_equal(ops->probe(&env, sentence), -EACCES);
	fake_put_bytes(path, &known, 8, 0);
	assert_int_equal(ops->probe(&env, sentence), 0);

	/* 8 single pages, and a large page of 4. */
	for (uint64_t p = 0; p < 12; p++)
		put_page(p, PAGEMAP_PRESENT | (PFN + p));
	put_page(1023, 0);
	for (uint64_t p = 9; p < 12; p++)
		fake_put_bytes("proc/kpageflags", &tail, 8, (PFN + p) * 8);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	ops->set_effort(self, 1);
	assert_int_equal(ops->add(self, 7, &err), 0);
	read_all(ops, self, now_ns);
	now_ns += S / 10;
	read_all(ops, self, now_ns);
	/* Marked: 8 pages and the head. */
	assert_true(bitmap_word(PFN / 64) == 0x1ff);
	assert_int_equal(armed_bytes(), 4 << 20);
	/* Pages 2 and 3 are accessed, and the large page. */
	put_word(PFN / 64, 0x1ff & ~0x10cull);
	now_ns += S / 10;
	read_all(ops, self, now_ns);
	assert_true(seen() == 0xf0c);
	assert_int_equal(armed_bytes(), 0); /* only a look */
	/* The next pass marks them again. */
	now_ns += S;
	read_all(ops, self, now_ns);
	assert_true(bitmap_word(PFN / 64) == 0x10c || bitmap_word(PFN / 64) == 0x1ff);
	assert_int_equal(armed_bytes(), 4 << 20);
	ops->remove(self, 7);
	now_ns += S;
	read_all(ops, self, now_ns);
	assert_int_equal(got_count, 0);
	ops->stop(self);
	ops->stop(NULL);
}

static void
idle_pages_format(void **state)
{
	/* At 0x10000000: 2 accessed, 1 idle, 3 holes; at 0x10200000 a huge page, then 512 idle. */
	static const uint8_t good[] = {0xa0, 0, 0, 0, 0, 0x10, 0,    0, 0, 0x02, 0x51, 0x83,
				       0xa0, 0, 0, 0, 0, 0x10, 0x20, 0, 0, 0x11, 0x71};
	struct idle_pages pages = idle_pages_begin(good, sizeof(good));
	struct idle_pages_run run;
	int bad;

	(void)state;
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 1);
	assert_true(run.start == 0x10000000 && run.end == 0x10002000 &&
		    run.state == IDLE_PAGES_ACCESSED);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 1);
	assert_true(run.end == 0x10003000 && run.state == IDLE_PAGES_IDLE);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 1);
	assert_true(run.end == 0x10006000 && run.state == IDLE_PAGES_HOLE);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 1);
	assert_true(run.start == 0x10200000 && run.end == 0x10400000);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 1);
	assert_true(run.end == 0x10600000 && run.state == IDLE_PAGES_IDLE);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 0);
	assert_int_equal(bad, 0);
	for (size_t cut = 1; cut < 9; cut++) {
		pages = idle_pages_begin(good, cut);
		assert_int_equal(idle_pages_next(&pages, &run, &bad), 0);
		assert_int_equal(bad, 1);
	}
	/* No address, an unknown kind, an address that goes back. */
	pages = idle_pages_begin(good + 9, 1);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 0);
	assert_int_equal(bad, 1);
	pages = idle_pages_begin((const uint8_t *)"\xb1", 1);
	assert_int_equal(idle_pages_next(&pages, &run, &bad), 0);
	assert_int_equal(bad, 1);
}

static void
etmem(void **state)
{
	static const uint8_t first[] = {0xa0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x02, 0x51, 0x31, 0x54};
	const struct sampler_ops *ops = &sampler_etmem;
	char sentence[OPS_SENTENCE_BYTES], path[64];
	struct sluice_err err;
	uint64_t now_ns = 100 * S;
	void *self;

	(void)state;
	make_process();
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "etmem_scan"));
	snprintf(path, sizeof(path), "proc/%d/idle_pages", (int)getpid());
	fake_put(path, "");
	assert_int_equal(ops->probe(&env, sentence), 0);
	fake_put_bytes("proc/7/idle_pages", first, sizeof(first), ADDR);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	ops->set_effort(self, 1);
	assert_int_equal(ops->add(self, 7, &err), 0);
	read_all(ops, self, now_ns);
	now_ns += S / 10;
	read_all(ops, self, now_ns);
	/* Accessed: 0 and 1, and 3, which is dirty too. */
	assert_true(seen() == 0xb);
	assert_int_equal(armed_bytes(), 8 * PAGE);
	/* Nonsense is survived. */
	fake_put_bytes("proc/7/idle_pages", "\xff\xff\xff", 3, ADDR);
	now_ns += 5 * S;
	read_all(ops, self, now_ns);
	assert_true(seen() == 0);
	ops->remove(self, 7);
	ops->stop(self);
	ops->stop(NULL);
}

static void
lru_gen_format(void **state)
{
	char memcg[] = "memcg    16 /system.slice/a b", node[] = " node     1",
	     gen[] = "          5      12034        100         20 ", gone[] = "   6 1 7x 8",
	     bad[] = "   6 1 7", huge[] = "6 1 7 99999999999999999999";
	struct lru_gen_line line;

	(void)state;
	lru_gen_parse(memcg, &line);
	assert_true(line.kind == LRU_GEN_MEMCG && line.memcg == 16);
	assert_string_equal(line.path, "/system.slice/a b");
	lru_gen_parse(node, &line);
	assert_true(line.kind == LRU_GEN_NODE && line.node == 1);
	lru_gen_parse(gen, &line);
	assert_true(line.kind == LRU_GEN_GENERATION && line.number == 5 && line.age_ms == 12034 &&
		    line.anon_pages == 100 && line.file_pages == 20);
	lru_gen_parse(gone, &line);
	assert_true(line.kind == LRU_GEN_GENERATION && line.anon_pages == 0);
	lru_gen_parse(bad, &line);
	assert_int_equal(line.kind, LRU_GEN_OTHER);
	lru_gen_parse(huge, &line);
	assert_int_equal(line.kind, LRU_GEN_OTHER);
}

/* Reads until the file of generations has a text in it, at most ten seconds. */
static int
asks_for(const struct sampler_ops *ops, void *self, uint64_t now_ns, const char *text)
{
	struct sampler_stats before, after;

	ops->get_stats(self, &before);
	for (int i = 0; i < 10000; i++) {
		read_all(ops, self, now_ns);
		assert_int_equal(got_count, 0);
		ops->get_stats(self, &after);
		if (after.kernel_cpu_ns > before.kernel_cpu_ns)
			return strstr(fake_get("sys/kernel/debug/lru_gen"), text) != NULL;
		usleep(1000);
	}
	return 0;
}

#define GENERATIONS                                                                                \
	"memcg 5 /job\n node 0\n 2 9000 10 0\n 3 100 20 5\n"                                       \
	" node 1\n 7 50 3 0\n"

static void
mglru(void **state)
{
	const struct sampler_ops *ops = &sampler_mglru;
	struct sampler_working_set sets[SAMPLER_WORKING_SETS_MAX];
	char sentence[OPS_SENTENCE_BYTES];
	struct sluice_err err;
	uint64_t now_ns = 100 * S;
	void *self;

	(void)state;
	make_process();
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	fake_put("sys/kernel/mm/lru_gen/enabled", "0x0000\n");
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "echo y"));
	fake_put("sys/kernel/mm/lru_gen/enabled", "0x0007\n");
	assert_int_equal(ops->probe(&env, sentence), -ENOTSUP);
	assert_non_null(strstr(sentence, "debugfs"));
	fake_put("sys/kernel/debug/lru_gen", "memcg 1 /\n node 0\n 1 900 1 1\n" GENERATIONS);
	fake_put("proc/7/cgroup", "0::/job\n");
	assert_int_equal(ops->probe(&env, sentence), 0);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	assert_int_equal(ops->working_sets(self, sets, 8), 0);
	ops->set_effort(self, 0.5);
	assert_int_equal(ops->add(self, 7, &err), 0);
	read_all(ops, self, now_ns);
	/* Nothing is asked for while the purse is empty. */
	assert_null(strstr(fake_get("sys/kernel/debug/lru_gen"), "+"));
	/* A look is asked for on each node: "+ 5 0 3 1 1", "+ 5 1 7 1 1". The file is a plain one
	 * here: what is asked for overwrites its beginning. */
	assert_true(asks_for(ops, self, now_ns + S, "+ 5 1 7 1 1"));
	ops->remove(self, 7);
	read_all(ops, self, now_ns + 2 * S);
	assert_int_equal(ops->working_sets(self, sets, 8), 0);
	ops->stop(self);
	ops->stop(NULL);
}

/* Where a look takes the kernel long, as here for ever, nobody waits: the engine's lock is held
 * meanwhile. A FIFO blocks who opens it. */
static void
mglru_slow(void **state)
{
	const struct sampler_ops *ops = &sampler_mglru;
	struct sampler_working_set sets[SAMPLER_WORKING_SETS_MAX];
	char path[512];
	struct sluice_err err;
	void *self;
	int fd;

	(void)state;
	make_process();
	fake_put("proc/7/cgroup", "0::/job\n");
	fake_put("sys/kernel/debug/lru_gen", "");
	snprintf(path, sizeof(path), "%s/sys/kernel/debug/lru_gen", fake_root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(ops->start(&env, &self, &err), 0);
	ops->set_effort(self, 1);
	assert_int_equal(ops->add(self, 7, &err), 0);
	for (uint64_t s = 100; s < 140; s++)
		read_all(ops, self, s * S);
	assert_int_equal(ops->working_sets(self, sets, 8), 0);
	ops->stop(self);
	/* The look that was left ends when the kernel lets it. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	usleep(50000);
	close(fd);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(walk_in_slices),
		TEST(softdirty),
		TEST(softdirty_many_mappings),
		TEST(idle),
		TEST(idle_pages_format),
		TEST(etmem),
		TEST(lru_gen_format),
		TEST(mglru),
		TEST(mglru_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
