/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle against others' solvers: for equal sizes min-cost flow (the out-of-kilter method), for
 * unequal ones an integer program. Numbers are whole, so that both compute exactly.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glpk.h>

#include "bench/oracle/oracle.h"
#include "bench/workloads/wl_rng.h"

#define ITEMS_MAX 64
#define EPOCHS_MAX 32

static struct {
	uint32_t bytes[ITEMS_MAX];
	float up[ITEMS_MAX], down[ITEMS_MAX], saved[EPOCHS_MAX][ITEMS_MAX];
	const float *rows[EPOCHS_MAX];
	uint64_t initial[1];
	struct oracle_problem problem;
} made;

enum shape { RANDOM, BLOCKS, SCAN, ALIKE, SHAPES };

static float
draw_saved(enum shape shape, uint32_t i, uint32_t t, uint64_t *rng)
{
	switch (shape) {
	case RANDOM:
		return (float)((int)(rng_next(rng) % 120) - 20);
	case BLOCKS: /* each item hot for some epochs, several times */
		return (t / (2 + i % 3) + i) % 3 == 0 ? 50 : (float)(rng_next(rng) % 4);
	case SCAN:
		return (i + t) % 5 == 0 ? 40 : 2;
	default:
		return 10;
	}
}

/* Problem number @seed: everything about it is drawn. */
static const struct oracle_problem *
make(uint64_t seed, uint32_t items_max, uint32_t epochs_max, int equal)
{
	uint64_t rng = rng_seed(seed, 0), total = 0, left;
	enum shape shape = (enum shape)(seed % SHAPES);
	uint32_t items = 1 + (uint32_t)(rng_next(&rng) % items_max);
	uint32_t epochs = 1 + (uint32_t)(rng_next(&rng) % epochs_max);
	uint32_t cost = (uint32_t[]){0, 5, 30, 100, 400}[rng_next(&rng) % 5];

	memset(&made, 0, sizeof(made));
	for (uint32_t i = 0; i < items; i++) {
		made.bytes[i] = equal ? 4096 : 4096u * (1 + (uint32_t)(rng_next(&rng) % 6));
		made.up[i] = (float)(cost ? rng_next(&rng) % cost : 0);
		made.down[i] = (float)(cost ? rng_next(&rng) % cost : 0);
		total += made.bytes[i];
	}
	for (uint32_t t = 0; t < epochs; t++) {
		for (uint32_t i = 0; i < items; i++)
			made.saved[t][i] = draw_saved(shape, i, t, &rng);
		made.rows[t] = made.saved[t];
	}
	left = rng_next(&rng) % (total + 4096);
	made.problem = (struct oracle_problem){
		.item_count = items,
		.epoch_count = epochs,
		.capacity_bytes = left,
		.bytes = made.bytes,
		.saved = made.rows,
		.up = made.up,
		.down = made.down,
		.initial = made.initial,
	};
	for (uint32_t i = 0; i < items; i++) {
		if (made.bytes[i] <= left && rng_next(&rng) % 3 == 0) {
			made.initial[0] |= UINT64_C(1) << i;
			left -= made.bytes[i];
		}
	}
	return &made.problem;
}

/* ---- Min-cost flow ---- */

struct node_data {
	double supply;
};

struct arc_data {
	double room, cost;
};

static void
add_arc(glp_graph *graph, int from, int to, double room, double cost)
{
	struct arc_data *data = glp_add_arc(graph, from, to)->data;

	data->room = room;
	data->cost = cost;
}

/* Vertices: hub[0..epochs], then for each item where it begins, and two for each epoch. */
static double
flow_value(const struct oracle_problem *p)
{
	int items = (int)p->item_count, epochs = (int)p->epoch_count;
	int slots = (int)(p->capacity_bytes / p->bytes[0]), begun = 0;
	glp_graph *graph = glp_create_graph(sizeof(struct node_data), sizeof(struct arc_data));
	double cost = 0;

	glp_add_vertices(graph, epochs + 1 + items * (1 + 2 * epochs));
	for (int t = 0; t < epochs; t++)
		add_arc(graph, 1 + t, 2 + t, slots, 0);
	for (int i = 0; i < items; i++) {
		int begins = epochs + 2 + i * (1 + 2 * epochs);
		int fast = oracle_bit(p->initial, (uint32_t)i);

		begun += fast;
		((struct node_data *)graph->v[begins]->data)->supply = fast;
		add_arc(graph, begins, begins + 1, 1, 0);
		add_arc(graph, begins, 1, 1, (double)p->down[i]);
		for (int t = 0; t < epochs; t++) {
			int in = begins + 1 + 2 * t;

			add_arc(graph, 1 + t, in, 1, (double)p->up[i]);
			add_arc(graph, in, in + 1, 1, -(double)p->saved[t][i]);
			add_arc(graph, in + 1, 2 + t, 1, t + 1 < epochs ? (double)p->down[i] : 0);
			if (t + 1 < epochs)
				add_arc(graph, in + 1, in + 2, 1, 0);
		}
	}
	((struct node_data *)graph->v[1]->data)->supply = slots - begun;
	((struct node_data *)graph->v[1 + epochs]->data)->supply = -slots;
	assert_int_equal(glp_mincost_okalg(graph, offsetof(struct node_data, supply), -1,
					   offsetof(struct arc_data, room),
					   offsetof(struct arc_data, cost), &cost, -1, -1),
			 0);
	glp_delete_graph(graph);
	return -cost;
}

/* ---- Integer program: x (is fast), u (goes up), d (goes down) ---- */

static void
set_row(glp_prob *program, int type, double low, double high, int count, const int *columns,
	const double *factors)
{
	int row = glp_add_rows(program, 1);

	glp_set_row_bnds(program, row, type, low, high);
	glp_set_mat_row(program, row, count, columns, factors);
}

static double
program_value(const struct oracle_problem *p)
{
	int items = (int)p->item_count, epochs = (int)p->epoch_count;
	glp_prob *program = glp_create_prob();
	glp_iocp options;
	double value;

	glp_set_obj_dir(program, GLP_MAX);
	glp_add_cols(program, 3 * items * epochs);
	for (int t = 0; t < epochs; t++) {
		int columns[ITEMS_MAX + 1];
		double factors[ITEMS_MAX + 1];

		for (int i = 0; i < items; i++) {
			int x = 1 + 3 * (t * items + i), is = oracle_bit(p->initial, (uint32_t)i);
			/* x[t] - x[t-1] = u - d */
			int change[] = {0, x, x + 1, x + 2, x - 3 * items};
			double factor[] = {0, 1, -1, 1, -1};

			glp_set_col_kind(program, x, GLP_BV);
			glp_set_obj_coef(program, x, (double)p->saved[t][i]);
			glp_set_col_bnds(program, x + 1, GLP_DB, 0, 1);
			glp_set_obj_coef(program, x + 1, -(double)p->up[i]);
			glp_set_col_bnds(program, x + 2, GLP_DB, 0, 1);
			glp_set_obj_coef(program, x + 2, -(double)p->down[i]);
			set_row(program, GLP_FX, t ? 0 : is, 0, t ? 4 : 3, change, factor);
			columns[1 + i] = x;
			factors[1 + i] = p->bytes[i];
		}
		set_row(program, GLP_UP, 0, (double)p->capacity_bytes, items, columns, factors);
	}
	glp_init_iocp(&options);
	options.presolve = GLP_ON;
	assert_int_equal(glp_intopt(program, &options), 0);
	value = glp_mip_obj_val(program);
	glp_delete_prob(program);
	return value;
}

static void
solve(const struct oracle_problem *p, const struct oracle_options *options,
      struct oracle_answer *ret)
{
	struct oracle_answer again;
	struct sluice_err err = {0};

	if (oracle_moving(p, options, ret, &err) < 0)
		fail_msg("%s", err.msg);
	/* It fits, and is worth what is said. */
	assert_int_equal(oracle_price(p, ret->placement, &again, &err), 0);
	assert_true(again.value == ret->value);
}

/* Equal sizes: the best there is, and proven so. */
static void
test_equals_min_cost_flow(void **state)
{
	struct oracle_options options;
	(void)state;

	oracle_default_options(&options);
	options.gap = 0;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		const struct oracle_problem *p = make(seed, 20, 12, 1);
		double exact = flow_value(p);
		struct oracle_answer answer;

		solve(p, &options, &answer);
		if (answer.value != exact || answer.bound - exact > 1e-6 * (1 + fabs(exact)))
			fail_msg("problem %llu: value %.10g, min-cost flow %.10g, bound %.10g",
				 (unsigned long long)seed, answer.value, exact, answer.bound);
		oracle_answer_clear(&answer);
	}
}

/* Prices alone, as large instances are solved: never beyond the truth on either side, and close. */
static void
test_prices_enclose_min_cost_flow(void **state)
{
	struct oracle_options options;
	double gap_sum = 0, worst = 0;
	unsigned equal = 0;
	(void)state;

	oracle_default_options(&options);
	options.gap = 0;
	options.exact_cells_max = 0;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		const struct oracle_problem *p = make(seed, 20, 12, 1);
		double exact = flow_value(p), gap;
		struct oracle_answer answer;

		solve(p, &options, &answer);
		assert_true(answer.value <= exact);
		assert_true(answer.bound >= exact - 1e-6 * (1 + fabs(exact)));
		gap = (answer.bound - answer.value) / (1 + fabs(exact));
		gap_sum += gap;
		worst = gap > worst ? gap : worst;
		equal += answer.value == exact;
		oracle_answer_clear(&answer);
	}
	print_message("200 problems: %u values equal, mean gap %.4f %%, greatest %.2f %%\n", equal,
		      100 * gap_sum / 200, 100 * worst);
	assert_true(equal >= 180);
	assert_true(gap_sum / 200 < 0.002);
}

/* Unequal sizes: bound >= exact >= value. The bound is that of fractions of items, so that it is
 * far off where few items fit. */
static void
test_encloses_integer_program(void **state)
{
	struct oracle_options options;
	double value_sum = 0, exact_sum = 0, bound_sum = 0;
	(void)state;

	glp_term_out(GLP_OFF);
	oracle_default_options(&options);
	options.gap = 0;
	for (uint64_t seed = 1; seed <= 120; seed++) {
		const struct oracle_problem *p = make(seed, 10, 6, 0);
		double exact = program_value(p);
		struct oracle_answer answer;

		solve(p, &options, &answer);
		if (answer.value > exact + 1e-6 || answer.bound < exact - 1e-6 * (1 + fabs(exact)))
			fail_msg("problem %llu: value %.10g, integer program %.10g, bound %.10g",
				 (unsigned long long)seed, answer.value, exact, answer.bound);
		value_sum += answer.value;
		exact_sum += exact;
		bound_sum += answer.bound;
		oracle_answer_clear(&answer);
	}
	print_message("120 problems: values %.2f %% of the best, bounds %.2f %%\n",
		      100 * value_sum / exact_sum, 100 * bound_sum / exact_sum);
	assert_true(value_sum >= 0.95 * exact_sum);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_min_cost_flow),
		cmocka_unit_test(test_prices_enclose_min_cost_flow),
		cmocka_unit_test(test_encloses_integer_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
