/* SPDX-License-Identifier: Apache-2.0 */
/* top_screen.h - the live screen of `sluice top`, in ncurses. One at a time. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "top_model.h"

/* 0, or -ENOTTY when the terminal is not one that can be drawn on. */
int top_screen_open(void);
void top_screen_close(void); /* puts the terminal back */
void top_screen_draw(const struct top_model *model);
/* The keys that were pressed: 1 to quit, 0 otherwise. Never blocks; redraws after a resize. */
int top_screen_keys(const struct top_model *model);

#endif
