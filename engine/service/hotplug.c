/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotplug.c - see hotplug.h. The kernel's own events by libudev: those that udev sends on would do
 * too, but sd-device of libsystemd knows no others, and machines without udev have none.
 */
#include "hotplug.h"

#include <errno.h>
#include <libudev.h>
#include <stdlib.h>

struct hotplug {
	struct udev *udev;
	struct udev_monitor *monitor;
};

void
hotplug_free(struct hotplug *hotplug)
{
	if (!hotplug)
		return;
	udev_monitor_unref(hotplug->monitor);
	udev_unref(hotplug->udev);
	free(hotplug);
}

int
hotplug_new(struct hotplug **ret, struct sluice_err *reterr)
{
	struct hotplug *hotplug = calloc(1, sizeof(*hotplug));
	int r = -ENOTSUP;

	if (!hotplug)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	hotplug->udev = udev_new();
	if (hotplug->udev)
		hotplug->monitor = udev_monitor_new_from_netlink(hotplug->udev, "kernel");
	if (hotplug->monitor) {
		udev_monitor_filter_add_match_subsystem_devtype(hotplug->monitor, "memory", NULL);
		udev_monitor_filter_add_match_subsystem_devtype(hotplug->monitor, "node", NULL);
		udev_monitor_filter_add_match_subsystem_devtype(hotplug->monitor, "dax", NULL);
		r = udev_monitor_enable_receiving(hotplug->monitor);
	}
	if (r < 0) {
		hotplug_free(hotplug);
		return sluice_fail(reterr, r, "the kernel's events cannot be received");
	}
	*ret = hotplug;
	return 0;
}

int
hotplug_seen(struct hotplug *hotplug)
{
	struct udev_device *device;
	int seen = 0;

	while (hotplug && (device = udev_monitor_receive_device(hotplug->monitor))) {
		udev_device_unref(device);
		seen = 1;
	}
	return seen;
}
