/* SPDX-License-Identifier: Apache-2.0 */
/* test_sampler_set.c - which trackers may watch together, and what is said of those that may not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sampler/sampler_registry.h"
#include "engine/sampler/sampler_set.h"

static void
refused(const char *text, const char *wanted)
{
	struct sluice_err err = {0, ""};
	struct sampler_set set = {.count = 77};

	assert_int_equal(sampler_set_parse(text, &set, &err), -EINVAL);
	assert_int_equal(set.count, 77);
	if (!strstr(err.msg, wanted))
		fail_msg("'%s': '%s' is not in '%s'", text, wanted, err.msg);
}

static void
together(void **state)
{
	struct sluice_err err;
	struct sampler_set set;

	(void)state;
	assert_int_equal(sampler_set_parse("auto", &set, &err), 0);
	assert_int_equal(set.count, 0);
	assert_int_equal(sampler_set_parse("damon", &set, &err), 0);
	assert_true(set.count == 1 && set.ops[0] == &sampler_damon);
	assert_int_equal(sampler_set_parse("hintfault+damon", &set, &err), 0);
	assert_true(set.count == 2 && set.ops[0] == &sampler_hintfault &&
		    set.ops[1] == &sampler_damon);
	assert_int_equal(sampler_set_parse("smaps+hintfault", &set, &err), 0);
}

static void
not_together(void **state)
{
	(void)state;
	refused("damon+smaps",
		"'damon' and 'smaps' cannot watch together: both clear the accessed");
	refused("damon+damon", "twice");
	refused("damon+nope", "there is no sampler 'nope'; known: auto, pmu, hintfault, damon");
	refused("damon+auto", "'auto' chooses by itself");
	refused("", "there is no sampler ''");
	refused("damon+", "there is no sampler ''");
	refused("+damon", "there is no sampler ''");
	refused("damon,hintfault", "there is no sampler 'damon,hintfault'");
	refused("a-name-that-is-far-too-long-to-be-one-of-ours", "a-name-that-is-far");
}

/* Whoever clears accessed bits, or marks pages, says so; each pair is either refused in both orders
 * or in none. */
static void
every_pair(void **state)
{
	(void)state;
	for (size_t i = 0; sampler_at(i); i++) {
		for (size_t k = 0; sampler_at(k); k++) {
			const struct sampler_ops *a = sampler_at(i), *b = sampler_at(k);

			assert_true((sampler_set_clash(a, b) == NULL) ==
				    (sampler_set_clash(b, a) == NULL));
			assert_true((sampler_set_clash(a, b) == NULL) ==
				    ((a->uses & b->uses) == 0));
		}
	}
	assert_non_null(sampler_set_clash(&sampler_damon, &sampler_smaps));
	assert_null(sampler_set_clash(&sampler_damon, &sampler_hintfault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together),
		cmocka_unit_test(not_together),
		cmocka_unit_test(every_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
