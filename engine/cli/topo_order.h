/* SPDX-License-Identifier: Apache-2.0 */
/* topo_order.h - the order in which one initiator's CPUs see all memory, near to far, in a line. */
#ifndef CLI_TOPO_ORDER_H
#define CLI_TOPO_ORDER_H

#include "topo_draw.h"
#include "topo_model.h"

/* "node 0 (80 ns) > node 1 (130 ns) <-> node 2 (250 ns) <-> swap": an arrow where the tier changes.
 * Nodes that are equally near are told together; on large machines all by ids alone. Spaces inside
 * a name are tabs, for draw_wrapped(). Cut when it does not fit. */
void topo_order_text(const struct topo_model *model, const struct topo_initiator *initiator,
		     const struct draw_glyphs *glyphs, char *buffer, size_t size);

#endif
