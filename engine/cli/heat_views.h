/* SPDX-License-Identifier: Apache-2.0 */
/* heat_views.h - the views of `sluice heatmap`, one file each. Each writes to a stream, which the
 * caller checks. */
#ifndef CLI_HEAT_VIEWS_H
#define CLI_HEAT_VIEWS_H

#include <jansson.h>
#include <stdio.h>

#include "heat_map.h"

/* On a terminal in colours, elsewhere by characters. */
void heat_text_print(const struct heat_map *map, FILE *stream);
/* One picture that stands alone, and one page that does, in which the pointer tells figures. */
void heat_svg_print(const struct heat_map *map, FILE *stream);
void heat_html_print(const struct heat_map *map, FILE *stream);
/* NULL: no memory. */
json_t *heat_json(const struct heat_map *map);

/* "0.25/s", "3.4k/s": accesses per second and page. buffer >= 16 bytes; returned. */
const char *heat_rate_text(double rate, char *buffer, size_t size);
/* "process 12 (name)"; the name is plain. buffer >= 128 bytes; returned. */
const char *heat_process_text(const struct heat_map *map, int32_t pid, char *buffer, size_t size);

#endif
