/* SPDX-License-Identifier: Apache-2.0 */
/* test_heat_mixture.c - what is believed of one region, knowing what heats the others have. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mixture.h"

#define REGION 512.0f /* pages, the weight of one */

static struct mixture mixture;

static float
normal(void)
{
	double a = (rand() + 1.0) / (RAND_MAX + 2.0), b = (rand() + 1.0) / (RAND_MAX + 2.0);

	return (float)(sqrt(-2 * log(a)) * cos(2 * M_PI * b));
}

/* Six cold regions for each hot one, found with that much noise. */
static void
learn(int regions, float cold, float hot, float noise_var)
{
	struct mixture_found found;
	float sum = 0, squares = 0;

	srand(1);
	memset(&found, 0, sizeof(found));
	for (int i = 0; i < regions; i++) {
		float mean = (i % 7 == 3 ? hot : cold) + sqrtf(noise_var) * normal();

		mixture_add(&found, mean, noise_var, REGION);
		sum += mean;
		squares += mean * mean;
	}
	sum /= (float)regions;
	mixture_learn(&mixture, &found, sum, squares / (float)regions - sum * sum);
}

static float
believed(float mean, float var, float *ret_var)
{
	mixture_believe(&mixture, &mean, &var);
	if (ret_var)
		*ret_var = var;
	return mean;
}

/* The hottest and the coldest of hundreds of cold regions are that by chance. */
static void
test_extremes_are_chance(void **state)
{
	float var;

	(void)state;
	learn(350, 0, 5, 0.4f);
	assert_true(fabsf(believed(1.3f, 0.4f, &var)) < 0.6f);
	assert_true(var < 0.3f);
	assert_true(fabsf(believed(-1.3f, 0.4f, &var)) < 0.6f);
	assert_true(believed(1.3f, 0.4f, NULL) - believed(-1.3f, 0.4f, NULL) < 0.9f);
	/* What was found with little noise is so. */
	assert_true(believed(1.3f, 0.05f, NULL) > 0.7f);
}

/* Nor is hot memory pulled towards the mean of all. */
static void
test_hot_is_hot(void **state)
{
	(void)state;
	learn(350, 0, 5, 0.4f);
	assert_true(fabsf(believed(5, 0.4f, NULL) - 5) < 0.3f);
	/* Not even where it is only just known to be no cold one. */
	assert_true(believed(4, 1.5f, NULL) > 4);
	assert_true(believed(-2, 4, NULL) < 1);
}

/* What no region was like may come all the same, and half way between two kinds nobody knows. */
static void
test_elsewhere(void **state)
{
	float var;

	(void)state;
	learn(350, 0, 5, 0.4f);
	assert_true(believed(8, 0.1f, NULL) > 7);
	assert_true(believed(-4, 0.1f, NULL) < -3);
	believed(2.5f, 2, &var);
	assert_true(var > 1);
}

/* Memory that is all alike is alike. */
static void
test_one_kind(void **state)
{
	(void)state;
	learn(350, 2, 2, 0.4f);
	assert_true(fabsf(believed(3, 0.4f, NULL) - believed(1, 0.4f, NULL)) < 0.7f);
}

/* Two regions say little of what a third may be like. */
static void
test_few(void **state)
{
	(void)state;
	learn(2, 0, 5, 0.4f);
	assert_true(believed(4, 0.4f, NULL) > 3);
	assert_true(believed(-3, 0.4f, NULL) < -2);
}

static void
test_nothing_learned(void **state)
{
	float var;

	(void)state;
	memset(&mixture, 0, sizeof(mixture));
	assert_true(fabsf(believed(3, 0.4f, &var) - 3) < 1e-6f && fabsf(var - 0.4f) < 1e-6f);
	/* Far beyond all that there can be. */
	learn(350, 0, 5, 0.4f);
	assert_true(isfinite(believed(60, 0.01f, &var)) && var >= 0);
	assert_true(isfinite(believed(-60, 0.01f, &var)) && var >= 0);
	assert_true(isfinite(believed(0, 1e-4f, &var)) && var >= 0);
}

/* Nearly all memory is silent, and so little is so hot that its share is hardly a number. */
static void
test_nearly_nothing_is_hot(void **state)
{
	struct mixture_found found;
	float var;

	(void)state;
	for (int hot = 0; hot < 40; hot++) {
		memset(&found, 0, sizeof(found));
		mixture_add(&found, -17, 5.2f, 2048 * REGION);
		mixture_add(&found, (float)hot / 2, 0.15f, 2 * REGION);
		mixture_learn(&mixture, &found, -17, 0.9f);
		assert_true(isfinite(believed(-17, 5.2f, &var)) && var >= 0);
		assert_true(isfinite(believed((float)hot / 2, 0.15f, &var)) && var >= 0);
		for (unsigned int b = 0; b < MIXTURE_BINS; b++)
			assert_true(mixture.share[b] >= 0 && mixture.share[b] <= 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extremes_are_chance),
		cmocka_unit_test(test_hot_is_hot),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_one_kind),
		cmocka_unit_test(test_nearly_nothing_is_hot),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_nothing_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
