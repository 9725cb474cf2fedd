/* SPDX-License-Identifier: Apache-2.0 */
/* topo_views.h - the views of `sluice topology`, one file each. Each writes to a stream, which the
 * caller checks; 0, or -ENOMEM before anything was written. */
#ifndef CLI_TOPO_VIEWS_H
#define CLI_TOPO_VIEWS_H

#include <stdio.h>

#include "topo_model.h"

/* The picture on a terminal. */
int topo_tree_print(const struct topo_model *model, FILE *stream);

/* Who said what of a node, what was taken, and why it is in its tier. The model's JSON has facts.
 * id is of a memory node or one without memory. -ENOENT: there is no such node. */
int topo_explain_print(const struct topo_model *model, uint32_t id, FILE *stream);
/* The same of all nodes, and what is said of the machine as a whole. */
int topo_explain_all_print(const struct topo_model *model, FILE *stream);

/* One picture that stands alone: no script, no font, nothing loaded; for light and dark pages. */
int topo_svg_print(const struct topo_model *model, FILE *stream);

/* For hwloc's tools (lstopo --input FILE), in their XML of version 2. -ENODATA: it is not known
 * which CPUs there are, and hwloc needs them. */
int topo_xml_print(const struct topo_model *model, FILE *stream);

/* Text with what XML reads as markup made harmless, and without what XML may not hold. */
void topo_xml_text(FILE *stream, const char *text);

#endif
