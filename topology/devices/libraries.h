/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libraries.h - device_hands by libcxl, libdaxctl, libndctl and libkmod, one file each. A library's
 * picture of the machine is made anew for each call, since every step changes what it shows.
 */
#ifndef DEVICES_LIBRARIES_H
#define DEVICES_LIBRARIES_H

#include <stdarg.h>

#include "devices.h"

typedef int (*facts_each)(void *userdata, const struct device_facts *facts);

/* Calls each for every device of the kind, until it returns non-zero, which is returned. */
int library_cxl_list(facts_each each, void *userdata, struct sluice_err *reterr);
int library_dax_list(facts_each each, void *userdata, struct sluice_err *reterr);
int library_namespace_list(facts_each each, void *userdata, struct sluice_err *reterr);

/* Fills dax, driver, target_node and persistent for the dax device of that name, when there is one.
 */
void library_dax_facts(const char *dax, struct device_facts *ret);
int library_drive(const char *dax, enum device_driver driver, struct sluice_err *reterr);
int library_make_devdax(const char *nspace, struct sluice_err *reterr);
int library_make_raw(const char *nspace, struct sluice_err *reterr);

/* What a library last complained of, or "". Libraries give their own log context; this takes the
 * text of all. */
void library_log(const char *format, va_list args);
const char *library_said(void); /* ": text", or ""; and forgets it */

#endif
