/* SPDX-License-Identifier: Apache-2.0 */
/* test_samplers.c - the registry, the fake sampler, and smaps under a made-up /proc. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sampler/sampler_fake.h"
#include "engine/sampler/sampler_registry.h"
#include "engine/sampler/smaps_entry.h"
#include "fake_root.h"

#define S 1000000000ull

static struct ops_env env = {.sysroot = fake_root, .state_dir = fake_root};

static void
registry(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sampler_count(); i++) {
		const struct sampler_ops *ops = sampler_at(i);

		assert_ptr_equal(sampler_by_name(ops->name), ops);
		assert_true(ops->probe && ops->start && ops->add && ops->remove && ops->read);
		assert_true(ops->get_stats && ops->stop && ops->summary);
	}
	assert_null(sampler_at(sampler_count()));
	assert_null(sampler_by_name("none"));
	assert_non_null(sampler_by_name("smaps"));
}

static void
fake_hands_over_in_time(void **unused)
{
	const struct sample queue[] = {
		{.addr = 0x1000, .time_ns = 10, .pid = 7, .kind = SAMPLE_TOUCH},
		{.addr = 0x2000, .time_ns = 20, .pid = 8, .kind = SAMPLE_TOUCH},
		{.addr = 0x3000, .time_ns = 30, .pid = 7, .kind = SAMPLE_TOUCH},
		{.addr = 0x4000, .time_ns = 99, .pid = 7, .kind = SAMPLE_TOUCH},
	};
	struct sampler_stats stats;
	struct sample got[4];
	char sentence[OPS_SENTENCE_BYTES];
	size_t count = 7;
	void *self;

	(void)unused;
	sampler_fake_reset(0);
	assert_int_equal(sampler_fake.probe(&env, sentence), -ENOTSUP);
	assert_int_equal(sampler_fake.start(&env, &self, NULL), -ENOTSUP);
	sampler_fake_reset(1);
	assert_int_equal(sampler_fake.probe(&env, sentence), 0);
	assert_int_equal(sampler_fake.start(&env, &self, NULL), 0);
	assert_int_equal(sampler_fake_running(), 1);
	assert_int_equal(sampler_fake_push(queue, 4), 0);
	assert_int_equal(sampler_fake.add(self, 7, NULL), 0);
	assert_true(sampler_fake_watches(7) && !sampler_fake_watches(8));
	assert_int_equal(sampler_fake.read(self, 5, got, 4, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(sampler_fake.read(self, 50, got, 1, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(sampler_fake.read(self, 50, got, 4, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_true(got[0].addr == 0x3000);
	sampler_fake_fail(-EIO, 1);
	assert_int_equal(sampler_fake.read(self, 99, got, 4, &count, NULL), -EIO);
	sampler_fake.remove(self, 7);
	assert_int_equal(sampler_fake.read(self, 99, got, 4, &count, NULL), 0);
	assert_int_equal(count, 0);
	sampler_fake.set_effort(self, 0.25);
	assert_true(sampler_fake_effort() > 0.24 && sampler_fake_effort() < 0.26);
	sampler_fake.get_stats(self, &stats);
	assert_int_equal(stats.samples, 2);
	sampler_fake.stop(self);
	assert_int_equal(sampler_fake_running(), 0);
	sampler_fake_reset(0);
}

static int
feed(const char *const *lines, size_t count, double watched_s, struct sample *ret)
{
	struct smaps_entry entry = {0};
	int found = 0;

	for (size_t i = 0; i < count; i++)
		found += smaps_entry_line(&entry, lines[i], watched_s, ret);
	return found;
}

static void
smaps_entries(void **unused)
{
	static const char *const half[] = {"10000000-10200000 rw-p 00000000 00:00 0 ",
					   "Size:  2048 kB", "Rss:   800 kB",
					   "Referenced:   400 kB", "Referenced:   400 kB"};
	static const char *const all[] = {"10000000-10200000 rw-p 00000000 00:00 0 ",
					  "Rss:   800 kB", "Referenced:   99999999 kB"};
	static const char *const code[] = {"10000000-10200000 r-xp 00000000 fe:01 2 /bin/a",
					   "Rss:   800 kB", "Referenced:   400 kB"};
	static const char *const empty[] = {"10000000-10200000 rw-p 00000000 00:00 0 ",
					    "Rss:   0 kB", "Referenced:   0 kB"};
	static const char *const headless[] = {"Rss:   800 kB", "Referenced:   400 kB", "", "x-y"};
	struct sample sample;

	(void)unused;
	assert_int_equal(feed(half, 5, 2.0, &sample), 1);
	assert_true(sample.addr == 0x10000000 && sample.len_bytes == 2 << 20);
	assert_int_equal(sample.kind, SAMPLE_RATE);
	assert_true(sample.events > 0.692f && sample.events < 0.694f);
	assert_true(sample.exposure_s > 1.99f && sample.exposure_s < 2.01f);
	assert_int_equal(feed(all, 3, 2.0, &sample), 1);
	assert_true(sample.events > 5.9f && sample.events < 6.1f); /* ln 400 */
	assert_int_equal(feed(code, 3, 2.0, &sample), 0);
	assert_int_equal(feed(empty, 3, 2.0, &sample), 0);
	assert_int_equal(feed(headless, 4, 2.0, &sample), 0);
	assert_int_equal(feed(half, 5, 0, &sample), 0);
}

static void
smaps_passes(void **unused)
{
	struct sample got[2];
	struct sluice_err err = {0};
	uint64_t now_ns = 0;
	size_t count;
	void *self;

	(void)unused;
	fake_put("proc/7/stat", "7 (a) S 1 7 7 0 -1 4194304 100 0");
	fake_put("proc/9/stat", "9 (kswapd0) S 2 0 0 0 -1 2166784 0 0");
	fake_put("proc/7/clear_refs", "");
	fake_put("proc/7/smaps", "10000000-10200000 rw-p 00000000 00:00 0 \nRss: 80 kB\n"
				 "Referenced: 40 kB\n"
				 "20000000-20200000 rw-p 00000000 00:00 0 \nRss: 80 kB\n"
				 "Referenced: 0 kB\n"
				 "30000000-30200000 rw-p 00000000 00:00 0 \nRss: 80 kB\n"
				 "Referenced: 80 kB\n");
	assert_int_equal(sampler_smaps.start(&env, &self, &err), 0);
	assert_int_equal(sampler_smaps.add(self, 9, &err), -EINVAL);
	assert_int_equal(sampler_smaps.add(self, 99, &err), -ESRCH);
	assert_int_equal(sampler_smaps.add(self, 7, &err), 0);
	/* First the bits are cleared, then time must pass. */
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_string_equal(fake_get("proc/7/clear_refs"), "1");
	fake_put("proc/7/clear_refs", "");
	/* A full buffer, then the rest, and the bits are cleared again. */
	now_ns = UINT64_MAX / 2;
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(got[1].addr == 0x20000000 && got[1].pid == 7);
	assert_true(got[1].events < 1e-6f && got[0].events > 0.69f);
	assert_string_equal(fake_get("proc/7/clear_refs"), "");
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(fake_get("proc/7/clear_refs"), "1");
	/* Paused; then a target that leaves in mid-pass. */
	sampler_smaps.set_effort(self, 0);
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 0);
	sampler_smaps.set_effort(self, 0.01);
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 2);
	sampler_smaps.remove(self, 7);
	assert_int_equal(sampler_smaps.read(self, now_ns, got, 2, &count, &err), 0);
	assert_int_equal(count, 0);
	sampler_smaps.stop(self);
	sampler_smaps.stop(NULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_root_make, fake_root_remove)
	const struct CMUnitTest tests[] = {
		TEST(registry),
		TEST(fake_hands_over_in_time),
		TEST(smaps_entries),
		TEST(smaps_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
