/* SPDX-License-Identifier: Apache-2.0 */
/* topo_order.c - see topo_order.h. */
#include "topo_order.h"

#include <string.h>

#include "topo_groups.h"

#define ORDER_LIST_BYTES 28 /* a longer list of ids is told by its length */

static void
append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", more);
}

/* By what is told of them here. */
static bool
is_told_alike(const struct topo_figures *a, const struct topo_figures *b)
{
	return a->read_latency_ns == b->read_latency_ns &&
	       (a->read_latency_ns || a->distance == b->distance);
}

/* From place k on, those of its rank with the same figures; how many. On large machines just their
 * ids. \t is a space at which no line is broken. */
static size_t
append_places(const struct topo_model *model, char *text, size_t size,
	      const struct topo_initiator *initiator, size_t k)
{
	bool is_short = model->node_count > TOPO_ROWS_MAX;
	const struct topo_place *places = initiator->places, *first = &places[k];
	struct topo_set ids = {0};
	char list[160], name[224], figure[48] = "", latency[24];
	size_t n = 0;

	for (; k + n < initiator->place_count && places[k + n].rank == first->rank &&
	       (is_short || is_told_alike(&places[k + n].figures, &first->figures));
	     n++)
		topo_set_add(&ids, places[k + n].node->id);
	topo_set_text(&ids, list, sizeof(list));
	if (first->figures.read_latency_ns)
		snprintf(figure, sizeof(figure), " (%s)",
			 topo_latency_text(first->figures.read_latency_ns, latency,
					   sizeof(latency)));
	else if (first->figures.distance)
		snprintf(figure, sizeof(figure), " (distance %u)", first->figures.distance);
	if (!is_short)
		snprintf(name, sizeof(name), "node%s %s%s", n > 1 ? "s" : "", list, figure);
	else if (strlen(list) > ORDER_LIST_BYTES)
		snprintf(name, sizeof(name), "%zu nodes", n);
	else
		snprintf(name, sizeof(name), "%s", list);
	for (char *p = name; *p; p++)
		*p = *p == ' ' ? '\t' : *p;
	append(text, size, name);
	return n;
}

void
topo_order_text(const struct topo_model *model, const struct topo_initiator *initiator,
		const struct draw_glyphs *glyphs, char *buffer, size_t size)
{
	const struct topo_place *places = initiator->places;
	char separator[16];

	buffer[0] = '\0';
	for (size_t k = 0, n; k < initiator->place_count; k += n) {
		bool same_rank = k > 0 && places[k].rank == places[k - 1].rank;
		bool same_tier = k > 0 && places[k].node->tier == places[k - 1].node->tier;

		snprintf(separator, sizeof(separator), "%s%s ", same_rank ? "" : " ",
			 same_rank   ? ","
			 : same_tier ? glyphs->then
				     : glyphs->both);
		append(buffer, size, k > 0 ? separator : "");
		n = append_places(model, buffer, size, initiator, k);
	}
	if (model->has_swap) {
		snprintf(separator, sizeof(separator), " %s swap", glyphs->both);
		append(buffer, size, separator);
	}
}
