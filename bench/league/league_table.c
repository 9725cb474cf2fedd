/* SPDX-License-Identifier: Apache-2.0 */
/* league_table.c - a league's result as text: the grids, then the standings. */
#include <string.h>

#include "league.h"

#define NAME_WIDTH 24
#define CELL_WIDTH 8 /* a name of 7, and a gap */

static void
print_name(FILE *out, const char *name)
{
	size_t len = strcspn(name, ":");

	/* What imitates is told from what it imitates by the page and by JSON. */
	if (len > 5 && strncmp(name + len - 5, "-like", 5) == 0)
		len -= 5;
	fprintf(out, "%*.*s", CELL_WIDTH, (int)(len < CELL_WIDTH ? len : CELL_WIDTH - 1), name);
}

static void
print_share(FILE *out, const json_t *value, int width)
{
	if (json_is_number(value))
		fprintf(out, "%*.1f", width, 100 * json_number_value(value));
	else
		fprintf(out, "%*s", width, "-");
}

static void
print_grid(FILE *out, const json_t *grid)
{
	const json_t *row, *value;
	size_t i, k;

	fprintf(out, "\n%s, in percent (modelled)\n\n%-*s",
		json_string_value(json_object_get(grid, "title")), NAME_WIDTH, "");
	json_array_foreach (json_object_get(grid, "columns"), k, value)
		print_name(out, json_string_value(value));
	fputc('\n', out);
	json_array_foreach (json_object_get(grid, "rows"), i, row) {
		fprintf(out, "%-*s", NAME_WIDTH, json_string_value(json_object_get(row, "name")));
		json_array_foreach (json_object_get(row, "values"), k, value)
			print_share(out, value, CELL_WIDTH);
		fputc('\n', out);
	}
}

static void
print_at(FILE *out, const json_t *at)
{
	char text[96];

	snprintf(text, sizeof(text), "%s 1:%g", json_string_value(json_object_get(at, "workload")),
		 json_number_value(json_object_get(at, "ratio")));
	fprintf(out, "  %-*s", NAME_WIDTH, text);
}

static void
print_standings(FILE *out, const json_t *standings)
{
	const json_t *row;
	const char *input = "";
	size_t i;

	json_array_foreach (standings, i, row) {
		const char *of = json_string_value(json_object_get(row, "input"));

		if (strcmp(of, input) != 0)
			fprintf(out,
				"\nStandings, input %s, in percent (modelled)\n\n%-*s%11s%9s%8s  "
				"%-*s%8s  %-*s%9s\n",
				of, NAME_WIDTH, "", "stationary", "shifting", "least", NAME_WIDTH,
				"at", "behind", NAME_WIDTH, "at", "rows >1 %");
		input = of;
		fprintf(out, "%-*s", NAME_WIDTH, json_string_value(json_object_get(row, "policy")));
		print_share(out, json_object_get(row, "stationary"), 11);
		print_share(out, json_object_get(row, "shifting"), 9);
		print_share(out, json_object_get(row, "least"), 8);
		print_at(out, json_object_get(row, "least_at"));
		print_share(out, json_object_get(row, "behind"), 8);
		print_at(out, json_object_get(row, "behind_at"));
		fprintf(out, "%9lld\n",
			(long long)json_integer_value(json_object_get(row, "rows_behind")));
	}
}

/* The oracle's own, so that shares can be read as times. */
static void
print_oracles(FILE *out, const json_t *oracles)
{
	const json_t *row;
	size_t i;

	fprintf(out, "\n%-*s%11s%9s%9s%9s%9s%12s  %s\n", NAME_WIDTH, "The oracle (modelled)",
		"all slow s", "oracle s", "fast s", "gain %", "moved M", "not proven", "");
	json_array_foreach (oracles, i, row) {
		double slow = json_number_value(json_object_get(row, "all_slow_ns"));
		double wall = json_number_value(json_object_get(row, "wall_ns"));
		char name[96];

		snprintf(name, sizeof(name), "%s 1:%g",
			 json_string_value(json_object_get(row, "workload")),
			 json_number_value(json_object_get(row, "ratio")));
		fprintf(out, "%-*s%11.1f%9.1f%9.1f%9.1f%9.0f%10.3f %%  %s\n", NAME_WIDTH, name,
			slow / 1e9, wall / 1e9,
			json_number_value(json_object_get(row, "all_fast_ns")) / 1e9,
			slow > 0 ? 100 * (slow - wall) / slow : 0,
			json_number_value(json_object_get(row, "moved_bytes")) / 1048576,
			100 * json_number_value(json_object_get(row, "gap")),
			json_string_value(json_object_get(row, "kind")));
	}
}

void
league_print(FILE *out, const json_t *json)
{
	const json_t *league = json_object_get(json, "league"), *grid;
	size_t i;

	fprintf(out, "%s\n%s\n", json_string_value(json_object_get(json, "summary")),
		json_string_value(
			json_object_get(json_object_get(json, "machine"), "description")));
	json_array_foreach (json_object_get(json, "grids"), i, grid)
		print_grid(out, grid);
	print_standings(out, json_object_get(league, "standings"));
	print_oracles(out, json_object_get(league, "oracles"));
	fprintf(out,
		"\nShare: (all slow - policy) / (all slow - oracle), of the time that the same "
		"work takes. Behind: the\nbest other policy there takes so much less time. "
		"Least and behind are the worst of all rows.\n");
}
