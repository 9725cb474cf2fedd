/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_table.h - where the pages of processes are, read from /proc/PID/pagemap: one short read for
 * 2 MiB. When the kernel hides physical addresses (no CAP_SYS_ADMIN), the kernel is asked by
 * move_pages(2) instead, which is slower. One thread.
 */
#ifndef MOVER_PAGE_TABLE_H
#define MOVER_PAGE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"
#include "sluice/err.h"

#define PAGE_ABSENT (-1)  /* not resident, or the zero page, which cannot be moved */
#define PAGE_UNKNOWN (-2) /* resident on a node that could not be told */

struct page_table;

int page_table_new(const char *sysroot, struct page_table **ret, struct sluice_err *reterr);
void page_table_free(struct page_table *table);

/* nodes[i]: the node of page i of [addr, addr + count * 4096), PAGE_ABSENT or PAGE_UNKNOWN; count
 * at most HEAT_REGION_PAGES. *ret_huge is 1 when the range is exactly one huge page of 2 MiB.
 * -ESRCH the process has ended, -EPERM, -EACCES we may not look at it. */
int page_table_nodes(struct page_table *table, int32_t pid, uint64_t addr, size_t count,
		     int16_t *nodes, int *ret_huge, struct sluice_err *reterr);
/* 1 when addr begins a huge page of 2 MiB; 0 not, or unknown. */
int page_table_is_huge(struct page_table *table, int32_t pid, uint64_t addr);
/* Drop what is kept open for a process. */
void page_table_forget(struct page_table *table, int32_t pid);

#endif
