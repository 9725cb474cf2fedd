/* SPDX-License-Identifier: Apache-2.0 */
/* fault_price.h - what a fault that a tracker causes takes from the program that runs into it. */
#ifndef SAMPLER_FAULT_PRICE_H
#define SAMPLER_FAULT_PRICE_H

#include <stdint.h>

#define FAULT_PRICE_PAGES 1536u /* for the first time: a millisecond or two */
#define FAULT_PRICE_AGAIN 256u

/* As measured here and now by so many faults, 16 at least: that of a minor fault on fresh memory,
 * the nearest thing that can be measured without another process. At least 1. */
uint64_t fault_price_ns(uint32_t pages);

#endif
