/* SPDX-License-Identifier: Apache-2.0 */
/* topo_groups.c - see topo_groups.h. */
#include "topo_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Equal modules differ in size by what firmware and the kernel keep of each. */
#define LIKE_SIZE_PERCENT 10

static bool
like_size(const struct topo_row *a, const struct topo_row *b)
{
	double x = (double)a->total_bytes / (double)a->count,
	       y = (double)b->total_bytes / (double)b->count;
	double larger = x > y ? x : y, smaller = x > y ? y : x;

	return (larger - smaller) * 100 <= larger * LIKE_SIZE_PERCENT;
}

/* The distance is from the nearest CPUs: it need not be alike for the rows to be. */
static bool
like_rows(const struct topo_row *a, const struct topo_row *b)
{
	return a->node && b->node && a->tier == b->tier && strcmp(a->kind, b->kind) == 0 &&
	       a->figures.read_latency_ns == b->figures.read_latency_ns &&
	       a->figures.read_bw_mbps == b->figures.read_bw_mbps && like_size(a, b);
}

static bool
like_groups(const struct topo_group *a, const struct topo_group *b)
{
	if (a->is_shared || b->is_shared || a->row_count != b->row_count)
		return false;
	for (size_t r = 0; r < a->row_count; r++) {
		/* Rows of both may hold many: those of one initiator are compared. */
		if (!like_rows(&a->rows[r], &b->rows[r]) ||
		    a->rows[r].count / a->count != b->rows[r].count)
			return false;
	}
	return true;
}

static void
set_join(struct topo_set *into, const struct topo_set *from)
{
	for (size_t w = 0; w < TOPO_IDS_MAX / 64; w++)
		into->bits[w] |= from->bits[w];
}

static void
row_merge(struct topo_row *into, const struct topo_row *from)
{
	into->count += from->count;
	into->total_bytes += from->total_bytes;
	into->free_bytes += from->free_bytes;
	set_join(&into->ids, &from->ids);
}

static struct topo_row *
add_row(struct topo_group *group)
{
	struct topo_row *grown =
		realloc(group->rows, (group->row_count + 1) * sizeof(*group->rows));

	if (!grown)
		return NULL;
	group->rows = grown;
	memset(&grown[group->row_count], 0, sizeof(*grown));
	return &grown[group->row_count++];
}

static bool
add_node(struct topo_group *group, const struct topo_node *node, bool merge)
{
	struct topo_row row = {
		.node = node,
		.count = 1,
		.tier = node->tier,
		.kind = node->kind,
		.total_bytes = node->total_bytes,
		.free_bytes = node->free_bytes,
		.figures = node->figures,
	};
	struct topo_row *added;

	topo_set_add(&row.ids, node->id);
	if (merge && group->row_count > 0 && like_rows(&group->rows[group->row_count - 1], &row)) {
		row_merge(&group->rows[group->row_count - 1], &row);
		return true;
	}
	added = add_row(group);
	if (added)
		*added = row;
	return added != NULL;
}

static bool
add_swap(struct topo_group *group, const struct topo_model *model)
{
	struct topo_row *row;

	for (size_t i = 0; i < model->swap_device_count; i++) {
		const struct topo_swap_device *device = &model->swap_devices[i];

		if (!(row = add_row(group)))
			return false;
		row->swap = device;
		row->count = 1;
		row->tier = model->swap_tier;
		row->kind = "swap";
		row->total_bytes = device->total_bytes;
		row->free_bytes = device->total_bytes > device->used_bytes
					  ? device->total_bytes - device->used_bytes
					  : 0;
		snprintf(row->name, sizeof(row->name), "%s", topo_swap_name(device));
	}
	return true;
}

/* The nodes of one initiator come in its own order, others by tier. */
static bool
fill_group(struct topo_group *group, const struct topo_model *model, size_t home, bool merge)
{
	const struct topo_initiator *initiator =
		home < model->initiator_count ? &model->initiators[home] : NULL;
	size_t count = initiator ? initiator->place_count : model->node_count;

	group->is_shared = !initiator;
	group->count = 1;
	for (size_t i = 0; home != TOPO_SHARED && i < model->initiator_count; i++) {
		if (topo_set_has(&model->homes[home].initiators, i))
			topo_set_add(&group->ids, model->initiators[i].node);
	}
	for (size_t i = 0; i < count; i++) {
		const struct topo_node *node =
			initiator ? initiator->places[i].node : &model->nodes[i];

		if (node->home == home && !add_node(group, node, merge))
			return false;
	}
	return true;
}

static void
name_group(struct topo_group *group, const struct topo_model *model, size_t home)
{
	char cpus[TOPO_NAME_BYTES], ids[40];

	topo_set_text(&group->ids, ids, sizeof(ids));
	if (home == TOPO_SHARED)
		snprintf(group->name, sizeof(group->name), "%s",
			 model->initiator_count == 0 ? "CPUs unknown" : "all CPUs");
	else if (group->count > 1)
		snprintf(group->name, sizeof(group->name), "CPUs of nodes %s, %zu alike", ids,
			 group->count);
	else if (group->is_shared)
		snprintf(group->name, sizeof(group->name), "CPUs of nodes %s", ids);
	else if (!model->initiators[home].cpus[0])
		snprintf(group->name, sizeof(group->name), "CPUs of node %s", ids);
	else
		snprintf(group->name, sizeof(group->name), "%s of node %s",
			 topo_initiator_name(&model->initiators[home], cpus, sizeof(cpus)), ids);
	for (size_t r = 0; r < group->row_count; r++) {
		struct topo_row *row = &group->rows[r];

		if (row->node)
			snprintf(row->name, sizeof(row->name), "node%s %s",
				 row->count > 1 ? "s" : "",
				 topo_set_text(&row->ids, ids, sizeof(ids)));
	}
}

static struct topo_group *
last_group(struct topo_groups *groups)
{
	return groups->count ? &groups->groups[groups->count - 1] : NULL;
}

/* Adds the group of a home, or merges it into the one before when they are alike. */
static bool
add_group(struct topo_groups *groups, const struct topo_model *model, size_t home, bool merge)
{
	struct topo_group group = {0}, *last = last_group(groups);
	bool swap_here = home == TOPO_SHARED || model->initiator_count == 1;

	if (!fill_group(&group, model, home, merge) || (swap_here && !add_swap(&group, model))) {
		free(group.rows);
		return false;
	}
	if (merge && last && like_groups(last, &group)) {
		for (size_t r = 0; r < last->row_count; r++)
			row_merge(&last->rows[r], &group.rows[r]);
		set_join(&last->ids, &group.ids);
		last->count++;
		free(group.rows);
		name_group(last, model, home);
	} else if (!group.is_shared || group.row_count > 0) {
		name_group(&group, model, home);
		group.cluster = groups->clusters;
		groups->groups[groups->count++] = group;
	} else {
		free(group.rows);
	}
	return true;
}

/* The smallest home of several to which an initiator belongs, or TOPO_SHARED. */
static size_t
shared_home(const struct topo_model *model, size_t initiator)
{
	size_t best = TOPO_SHARED;

	for (size_t h = model->initiator_count; h < model->home_count; h++) {
		if (topo_set_has(&model->homes[h].initiators, initiator) &&
		    (best == TOPO_SHARED || model->homes[h].count < model->homes[best].count))
			best = h;
	}
	return best;
}

/* Initiators that share something stand together, and what they share follows; at the first of them
 * all are added. */
static bool
add_cluster(struct topo_groups *groups, const struct topo_model *model, size_t first, bool merge)
{
	size_t shared = shared_home(model, first);
	bool ok = true;

	groups->clusters++;
	if (shared == TOPO_SHARED)
		return add_group(groups, model, first, merge);
	for (size_t i = 0; i < first; i++) {
		if (shared_home(model, i) == shared)
			return true;
	}
	for (size_t i = first; ok && i < model->initiator_count; i++) {
		if (shared_home(model, i) == shared)
			ok = add_group(groups, model, i, merge);
	}
	return ok && add_group(groups, model, shared, merge);
}

/* Homes that no initiator has as its smallest one. */
static bool
add_left_homes(struct topo_groups *groups, const struct topo_model *model, bool merge)
{
	for (size_t h = model->initiator_count; h < model->home_count; h++) {
		bool is_added = false;

		for (size_t i = 0; i < model->initiator_count; i++)
			is_added = is_added || shared_home(model, i) == h;
		groups->clusters++;
		if (!is_added && !add_group(groups, model, h, merge))
			return false;
	}
	return true;
}

struct topo_groups *
topo_groups_new(const struct topo_model *model)
{
	struct topo_groups *groups = calloc(1, sizeof(*groups));
	bool merge = model->node_count > TOPO_ROWS_MAX, ok = groups != NULL;

	if (ok) {
		groups->groups = calloc(model->home_count + 1, sizeof(*groups->groups));
		ok = groups->groups != NULL;
	}
	for (size_t i = 0; ok && i < model->initiator_count; i++)
		ok = add_cluster(groups, model, i, merge);
	ok = ok && add_left_homes(groups, model, merge);
	if (ok && model->initiator_count != 1) {
		groups->clusters++;
		ok = add_group(groups, model, TOPO_SHARED, merge);
	}
	if (!ok) {
		topo_groups_free(groups);
		return NULL;
	}
	return groups;
}

void
topo_groups_free(struct topo_groups *groups)
{
	if (!groups)
		return;
	for (size_t g = 0; groups->groups && g < groups->count; g++)
		free(groups->groups[g].rows);
	free(groups->groups);
	free(groups);
}
