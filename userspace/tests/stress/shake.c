// SPDX-License-Identifier: MIT
/* What is done to the devices while everybody uses them; by who runs the episodes. */
#include <fcntl.h>
#include <linux/cancelio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stress.h"

enum { MSEC = 1000000 };

/* None that is longer than some ms, or a lull would be. */
static void latency(struct rng *rng, const char *node, const char *knob)
{
	uint32_t ns = any(rng, 8) * any(rng, MSEC);

	switch (any(rng, 3)) {
	case 0:
		knob_put(node, knob, "0");
		break;
	case 1:
		knob_put(node, knob, "uniform %u %u", ns, ns + 1 + any(rng, MSEC));
		break;
	default:
		knob_put(node, knob, "exponential %u", ns / 4 + 1);
	}
}

static void faults(struct rng *rng, const char *node)
{
	if (!EP->faults)
		return;
	switch (any(rng, 5)) {
	case 0:
		knob_put(node, "faults", "read,write,flush,open error=EIO rate=%u", any(rng, 20000));
		break;
	case 1:
		knob_put(node, "faults", "read,write short=%d rate=50000",
			 strcmp(node, EP->stream) ? BLOCK : RECORD);
		break;
	case 2:
		/* It ends when it is cancelled: what is sent down to a store is, by the upper one. */
		if (!EP->never && EP->cancels)
			knob_put(node, "faults", "read,write hang next=1");
		break;
	default:
		knob_put(node, "faults", "clear");
	}
}

static void cancel_mode(struct rng *rng, const char *node)
{
	static const char *const modes[] = { "prompt", "slow", "poll", "once-started-never" };

	knob_put(node, "cancel", "%s", modes[any(rng, EP->never ? 4 : 3)]);
}

static void order(struct rng *rng, const char *node)
{
	static const char *const orders[] = { "stop", "drain", "purge" };

	if (!EP->orders)
		return;
	if (knob_put(node, "queue", "%s", orders[any(rng, 3)]))
		fail("%s takes no order", node);
	count_cancel(BY_ORDER);
	usleep(any(rng, 5000));
	if (knob_put(node, "queue", "start"))
		fail("%s cannot be started", node);
}

static void turn_knob(struct rng *rng, const char *node)
{
	static const char *const latencies[] = {
		"read_latency_ns", "write_latency_ns", "flush_latency_ns", "control_latency_ns",
		"open_latency_ns", "abort_latency_ns",
	};

	switch (any(rng, 12)) {
	case 0 ... 3:
		latency(rng, node, latencies[any(rng, 6)]);
		break;
	case 4:
		cancel_mode(rng, node);
		break;
	case 5:
		knob_put(node, "poll_interval_ns", "%u", 100000 + any(rng, 5 * MSEC));
		break;
	case 6:
		knob_put(node, "race_window_ns", "%u", one_in(rng, 2) ? 0 : any(rng, 100000));
		break;
	case 7:
		knob_put(node, "channels", "%u", 1 + any(rng, one_in(rng, 2) ? 3 : 64));
		break;
	case 8:
		if (EP->kicks)
			knob_put(node, "stuck", "%u", one_in(rng, 2) ? 0 : any(rng, 3));
		break;
	case 9:
		knob_put(node, "bandwidth", "%u", one_in(rng, 2) ? 0 : 4000000 + any(rng, 1 << 26));
		break;
	case 10:
		knob_put(node, "split", "%u", one_in(rng, 2) ? 0 : BLOCK << any(rng, 3));
		break;
	default:
		if (EP->quota)
			knob_put(node, "max_pending", "%u", 1 + any(rng, 6));
	}
}

/* What may be seen of others' requests, and no more than once each. */
static void list(int fd)
{
	struct cancelio_request_info info = { 0 };
	uint64_t last = 0;

	while (!ioctl(fd, CANCELIO_IOC_REQUEST, &info)) {
		if (info.id <= last) {
			fail("request %llu is listed after %lu", (unsigned long long)info.id, last);
			return;
		}
		if (!info.op || info.op > CANCELIO_OP_CONTROL)
			fail("request %llu does %u", (unsigned long long)info.id, info.op);
		last = info.id;
		info = (struct cancelio_request_info){ .id = last };
	}
	if (errno != ENOENT && errno != ENODEV)
		fail("CANCELIO_IOC_REQUEST: %s", strerror(errno));
}

static void cancel_any(struct rng *rng, int fd)
{
	struct cancelio_request_info info = { 0 };
	long n = 0;

	switch (any(rng, 5)) {
	case 0:
		n = ioctl_cancel(fd, CANCELIO_BY_DEVICE, 0, 0);
		break;
	case 1 ... 2:
		n = ioctl_cancel(fd, CANCELIO_BY_DEVICE, 0, CANCELIO_CANCEL_ONE);
		break;
	default:
		for (uint32_t i = any(rng, 6); !ioctl(fd, CANCELIO_IOC_REQUEST, &info) && i; i--)
			info = (struct cancelio_request_info){ .id = info.id };
		if (info.id)
			n = ioctl_cancel(fd, CANCELIO_BY_ID, info.id, 0);
	}
	if (n < 0 && n != -ENOENT && n != -ENODEV)
		fail("CANCELIO_IOC_CANCEL of a device: errno %ld", -n);
}

/* What must be refused. */
static void refuse(struct rng *rng)
{
	int err;

	switch (any(rng, 3)) {
	case 0:
		err = module_remove();
		if (err != -EWOULDBLOCK)
			fail("the module, which is in use, is removed: %d", err);
		break;
	case 1:
		if (!rmdir("/sys/kernel/config/cancelio/stress-stream") || errno != EBUSY)
			fail("the folder of a live device is removed: %s", strerror(errno));
		break;
	default:
		err = text_put("/sys/kernel/config/cancelio/stress-store/size", "4096");
		if (err != -EBUSY)
			fail("a live device takes a size: %d", err);
	}
}

static int open_now(const char *node)
{
	int fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	/* It may be slow to open, or refuse; but there it is. */
	if (fd < 0 && errno != EAGAIN && errno != EIO)
		fail("open %s: %s", node, strerror(errno));
	return fd;
}

void shake(struct rng *rng)
{
	const char *node = one_in(rng, 2) ? EP->stream : EP->store;
	int fd;

	if (!EP->device)
		return;
	switch (any(rng, 16)) {
	case 0 ... 6:
		turn_knob(rng, node);
		break;
	case 7:
		faults(rng, node);
		break;
	case 8:
		order(rng, node);
		break;
	case 9:
		counters_check(node, false);
		break;
	case 10:
		refuse(rng);
		break;
	default:
		fd = open_now(node);
		if (fd < 0)
			break;
		if (EP->cancels && !one_in(rng, 3))
			cancel_any(rng, fd);
		else
			list(fd);
		close(fd);
	}
}
