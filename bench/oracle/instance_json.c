/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_json.c - problems read from JSON (README.md has the form). It is somebody's file: every
 * member is checked, and what is wrong is said with its place.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "instance.h"

#define SCHEMA "sluice-oracle-problem/1"

struct reader {
	const char *name;
	struct sluice_err *reterr;
};

#define BAD(reader, ...) sluice_fail((reader)->reterr, -EINVAL, __VA_ARGS__)

/* Element i of an array, or the number that stands for all. */
static int
read_number(const struct reader *r, const json_t *json, const char *member, size_t i, double max,
	    double *ret)
{
	const json_t *value = json_is_array(json) ? json_array_get(json, i) : json;
	double number = json_number_value(value);

	if (!json_is_number(value) || !(number >= 0) || number > max)
		return BAD(r, "%s: '%s' of item %zu must be a number from 0 to %g", r->name, member,
			   i, max);
	*ret = number;
	return 0;
}

static int
check_length(const struct reader *r, const json_t *json, const char *member, size_t count)
{
	if (json_is_array(json) && json_array_size(json) != count)
		return BAD(r, "%s: '%s' has %zu elements for %zu items", r->name, member,
			   json_array_size(json), count);
	if (!json_is_array(json) && !json_is_number(json))
		return BAD(r, "%s: '%s' must be a number, or an array of one for each item",
			   r->name, member);
	return 0;
}

static int
read_items(const struct reader *r, const json_t *json, struct instance *made)
{
	static const char *const members[] = {"bytes", "up", "down"};
	size_t count = made->problem.item_count;

	for (unsigned m = 0; m < 3; m++) {
		const json_t *array = json_object_get(json, members[m]);
		int error = check_length(r, array, members[m], count);

		for (size_t i = 0; !error && i < count; i++) {
			double number = 0;

			error = read_number(r, array, members[m], i, m == 0 ? UINT32_MAX : 1e30,
					    &number);
			if (m == 0)
				made->bytes[i] = (uint32_t)number;
			else
				(m == 1 ? made->up : made->down)[i] = (float)number;
		}
		if (error < 0)
			return error;
	}
	return 0;
}

static int
read_initial(const struct reader *r, const json_t *json, struct instance *made)
{
	const json_t *initial = json_object_get(json, "initial");
	size_t at;
	const json_t *value;

	if (!initial)
		return 0;
	if (!json_is_array(initial))
		return BAD(r, "%s: 'initial' must be an array of the items that are fast at first",
			   r->name);
	json_array_foreach (initial, at, value) {
		json_int_t item = json_integer_value(value);

		if (!json_is_integer(value) || item < 0 || item >= made->problem.item_count)
			return BAD(r, "%s: initial[%zu] is not the number of an item (0 to %u)",
				   r->name, at, made->problem.item_count - 1);
		made->initial[item / 64] |= UINT64_C(1) << (item % 64);
	}
	return 0;
}

static int
read_saved(const struct reader *r, const json_t *saved, struct instance *made)
{
	for (uint32_t t = 0; t < made->problem.epoch_count; t++) {
		const json_t *row = json_array_get(saved, t);

		if (!json_is_array(row) || json_array_size(row) != made->problem.item_count)
			return BAD(r, "%s: saved[%u] must be an array of %u numbers, one an item",
				   r->name, t, made->problem.item_count);
		for (uint32_t i = 0; i < made->problem.item_count; i++) {
			const json_t *value = json_array_get(row, i);

			if (!json_is_number(value) || !(fabs(json_number_value(value)) <= 1e30))
				return BAD(r, "%s: saved[%u][%u] must be a number, at most 1e30",
					   r->name, t, i);
			made->rows[t][i] = (float)json_number_value(value);
		}
	}
	return 0;
}

int
instance_read(const json_t *json, const char *name, struct instance *ret, struct sluice_err *reterr)
{
	const struct reader r = {.name = name, .reterr = reterr};
	const char *schema = json_string_value(json_object_get(json, "schema"));
	const json_t *saved = json_object_get(json, "saved");
	const json_t *capacity = json_object_get(json, "capacity_bytes");
	size_t epochs = json_array_size(saved);
	size_t items = json_array_size(json_array_get(saved, 0));
	struct instance made;
	int error;

	if (!schema || strcmp(schema, SCHEMA) != 0)
		return BAD(&r, "%s: 'schema' must be \"%s\"", name, SCHEMA);
	if (epochs == 0 || epochs > UINT32_MAX || items == 0 || items > UINT32_MAX)
		return BAD(&r,
			   "%s: 'saved' must be an array of one array for each epoch, with one "
			   "number for each item",
			   name);
	if (!json_is_integer(capacity) || json_integer_value(capacity) < 0)
		return BAD(&r, "%s: 'capacity_bytes' must be a whole number, 0 or more", name);
	if ((error = instance_new((uint32_t)items, (uint32_t)epochs, &made, reterr)) < 0)
		return error;
	made.problem.capacity_bytes = (uint64_t)json_integer_value(capacity);
	if ((error = read_items(&r, json, &made)) < 0 ||
	    (error = read_initial(&r, json, &made)) < 0 ||
	    (error = read_saved(&r, saved, &made)) < 0) {
		instance_free(&made);
		return error;
	}
	*ret = made;
	return 0;
}
