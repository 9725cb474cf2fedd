/* SPDX-License-Identifier: Apache-2.0 */
/* sampler_fake.c - see sampler_fake.h. */
#include "sampler_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler_registry.h"

#define TARGETS_MAX 64

static struct {
	int available;
	struct sample *queue;
	size_t count, next;
	int fail_code;
	unsigned int fail_times, running;
	double effort;
	int32_t targets[TARGETS_MAX];
	size_t target_count;
	struct sampler_stats stats;
} fake = {.effort = -1};

void
sampler_fake_reset(int available)
{
	unsigned int running = fake.running;

	free(fake.queue);
	memset(&fake, 0, sizeof(fake));
	fake.available = available;
	fake.running = running;
	fake.effort = -1;
}

int
sampler_fake_push(const struct sample *samples, size_t count)
{
	struct sample *queue = realloc(fake.queue, (fake.count + count) * sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	memcpy(queue + fake.count, samples, count * sizeof(*samples));
	fake.queue = queue;
	fake.count += count;
	return 0;
}

void
sampler_fake_fail(int code, unsigned int times)
{
	fake.fail_code = code;
	fake.fail_times = times;
}

int
sampler_fake_watches(int32_t pid)
{
	for (size_t i = 0; i < fake.target_count; i++) {
		if (fake.targets[i] == pid)
			return 1;
	}
	return 0;
}

double
sampler_fake_effort(void)
{
	return fake.effort;
}

unsigned int
sampler_fake_running(void)
{
	return fake.running;
}

static int
probe(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES])
{
	(void)env;
	snprintf(sentence, OPS_SENTENCE_BYTES, "for tests: hands over samples that a test made up");
	return fake.available ? 0 : -ENOTSUP;
}

static int
start(const struct ops_env *env, void **ret_self, struct sluice_err *reterr)
{
	(void)env;
	if (!fake.available)
		return sluice_fail(reterr, -ENOTSUP, "the fake sampler needs a test to set it up");
	fake.running++;
	*ret_self = &fake;
	return 0;
}

static int
add(void *self, int32_t pid, struct sluice_err *reterr)
{
	(void)self;
	if (sampler_fake_watches(pid))
		return 0;
	if (fake.target_count == TARGETS_MAX)
		return sluice_fail(reterr, -ENOSPC, "the fake sampler watches %d processes at most",
				   TARGETS_MAX);
	fake.targets[fake.target_count++] = pid;
	return 0;
}

static void
remove_target(void *self, int32_t pid)
{
	(void)self;
	for (size_t i = 0; i < fake.target_count; i++) {
		if (fake.targets[i] == pid) {
			fake.targets[i] = fake.targets[--fake.target_count];
			return;
		}
	}
}

static int
read_samples(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
	     size_t *ret_count, struct sluice_err *reterr)
{
	size_t count = 0;

	(void)self;
	if (fake.fail_times > 0) {
		fake.fail_times--;
		return sluice_fail(reterr, fake.fail_code, "the fake sampler was told to fail");
	}
	while (count < capacity && fake.next < fake.count &&
	       fake.queue[fake.next].time_ns <= now_ns) {
		if (sampler_fake_watches(fake.queue[fake.next].pid))
			samples[count++] = fake.queue[fake.next];
		fake.next++;
	}
	fake.stats.samples += count;
	*ret_count = count;
	return 0;
}

static void
set_effort(void *self, double cpu_share)
{
	(void)self;
	fake.effort = cpu_share;
}

static void
get_stats(void *self, struct sampler_stats *ret)
{
	(void)self;
	*ret = fake.stats;
}

static void
stop(void *self)
{
	(void)self;
	fake.running--;
}

const struct sampler_ops sampler_fake = {
	.for_tests = 1,
	.name = "fake",
	.summary = "for tests: samples that a test made up",
	.page_granular = 1,
	.probe = probe,
	.start = start,
	.add = add,
	.remove = remove_target,
	.read = read_samples,
	.set_effort = set_effort,
	.get_stats = get_stats,
	.stop = stop,
};
