/* SPDX-License-Identifier: Apache-2.0 */
/* function.c - exports the right symbol as code instead of data; for the loader's tests. */
__attribute__((visibility("default"))) int sluice_policy(void);

int
sluice_policy(void)
{
	return 1;
}
