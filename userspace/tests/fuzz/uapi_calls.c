// SPDX-License-Identifier: MIT
/*
 * Programs of calls to the devices, by all their front doors: system calls, controls, io_uring and
 * libaio, with knobs turned, queues stopped, files closed and devices removed in between. What must
 * be refused is refused as <linux/cancelio.h> says and changes nothing, each request ends once, and
 * when all files are closed nothing is left.
 */
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "uapi_program.h"
#include "uapi_ring.h"

#define STEPS 40

static bool slow_line;
#define IOCBS 48

/* ---- libaio ---- */

static aio_context_t context;
static struct iocb iocbs[IOCBS];
static bool iocb_ended[IOCBS];
static unsigned int iocb_count;
static bool aio_anew;

static void aio_reap(void)
{
	static const struct timespec none;
	struct io_event events[16];
	long n;

	do {
		n = AGAIN(syscall(SYS_io_getevents, context, 0, 16, events, &none));
		PROMISE(n >= 0);
		for (long i = 0; i < n; i++) {
			PROMISE(events[i].data < iocb_count && !iocb_ended[events[i].data]);
			iocb_ended[events[i].data] = true;
		}
	} while (n);
}

static bool aio_all_ended(void)
{
	for (unsigned int i = 0; i < iocb_count; i++)
		if (!iocb_ended[i])
			return false;
	return true;
}

static void aio_submit(struct input *in)
{
	static const uint64_t opcodes[] = {
		IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_PREADV, IOCB_CMD_PWRITEV, IOCB_CMD_POLL,
		IOCB_CMD_FSYNC, IOCB_CMD_NOOP,
	};
	static struct iovec iov[IOCBS][2];
	const struct open_file *f = take_file(in);
	struct iocb *iocb = &iocbs[iocb_count];
	enum place place;
	uint8_t extra;

	if (!is_open(f) || iocb_count == IOCBS)
		return;
	if (!context)
		PROMISE_EQ(syscall(SYS_io_setup, IOCBS, &context), 0);
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = (uint16_t)TAKE_ONE_OF(in, opcodes);
	iocb->aio_fildes = (uint32_t)f->fd;
	iocb->aio_data = iocb_count;
	iocb->aio_buf = (uintptr_t)take_memory(in, &place);
	iocb->aio_nbytes = take_length(in);
	iocb->aio_offset = (int64_t)take_offset(in);
	if (iocb->aio_lio_opcode == IOCB_CMD_PREADV || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV) {
		iov[iocb_count][0] = (struct iovec){ (void *)(uintptr_t)iocb->aio_buf,
						     iocb->aio_nbytes };
		iov[iocb_count][1] = (struct iovec){ take_memory(in, &place), take_length(in) };
		iocb->aio_buf = (uintptr_t)iov[iocb_count];
		iocb->aio_nbytes = take_uint8(in) % 3;
	}
	if (iocb->aio_lio_opcode == IOCB_CMD_POLL) {
		iocb->aio_buf = POLLIN | POLLOUT;
		iocb->aio_nbytes = 0;
		iocb->aio_offset = 0;
	}
	extra = take_uint8(in);
	if (extra >= 0xE0)
		iocb->aio_rw_flags = 1 << (extra & 7);
	iocb_ended[iocb_count] = false;
	call_begin(false);
	if (syscall(SYS_io_submit, context, 1, &iocb) == 1)
		iocb_count++;
	call_end();
	aio_reap();
}

static void aio_cancel(struct input *in)
{
	struct io_event event;

	if (!iocb_count)
		return;
	/* Once in a while, the end of the context shall be the cancel. */
	aio_anew |= take_uint8(in) >= 0xF0;
	syscall(SYS_io_cancel, context, &iocbs[take_uint8(in) % iocb_count], &event);
	aio_reap();
}

/*
 * Nobody waits for a device, however stubborn; what ends by itself has told of it before. A context
 * whose requests have all ended is as good as new, and to end one takes a grace period of RCU.
 */
static void aio_end(void)
{
	uint64_t deadline = now_ms() + PATIENCE_MS;

	/* Who has ended his context wants no word. */
	if (!context)
		iocb_count = 0;
	for (unsigned int i = 0; i < iocb_count; i++) {
		struct io_event event;

		/* A poll of a line is no request of it, and knows nothing of a close. */
		if (!iocb_ended[i])
			syscall(SYS_io_cancel, context, &iocbs[i], &event);
	}
	if (iocb_count)
		aio_reap();
	while (context && !loose && !aio_all_ended()) {
		aio_reap();
		if (now_ms() > deadline)
			broken("a request of libaio has not ended with its file");
		usleep(200);
	}
	if (!aio_all_ended()) {
		PROMISE_EQ(syscall(SYS_io_destroy, context), 0);
		context = 0;
	}
	iocb_count = 0;
}

/* ---- files ---- */

/* What is queued in the ring names a descriptor: it goes as long as that is the file that was meant. */
static void close_file(const struct open_file *f)
{
	ring_submit();
	close(f->fd);
}

static void open_device(struct input *in)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK,
				     O_RDWR | O_DIRECT, O_RDONLY | O_NONBLOCK };
	uint8_t how = take_uint8(in);
	struct open_file *f = &files[how % FILES];
	char path[64];

	if (is_open(f))
		close_file(f);
	f->dev = &devices[how >> 3 & 1];
	f->how = modes[(how >> 4) % COUNT(modes)];
	snprintf(path, sizeof(path), "/dev/%s", f->dev->id);
	call_begin(how & 8);
	f->fd = open(path, f->how | O_CLOEXEC);
	call_end();
}

static void close_device(struct input *in)
{
	struct open_file *f = take_file(in);
	int copy;

	if (!is_open(f))
		return;
	if (take_uint8(in) & 1) {
		copy = dup(f->fd);
		close_file(f);
		f->fd = copy;
	} else {
		close_file(f);
		f->fd = -1;
	}
}

static void read_or_write(struct input *in)
{
	const struct open_file *f = take_file(in);
	uint8_t how = take_uint8(in);
	uint32_t length = take_length(in);
	uint64_t offset = take_offset(in);
	enum place place;
	struct iovec iov[2] = { { take_memory(in, &place), length }, { data, 77 } };
	ssize_t n;

	call_begin(how & 0x80);
	switch (how & 7) {
	case 0:
		n = read(f->fd, iov[0].iov_base, length);
		break;
	case 1:
		n = write(f->fd, iov[0].iov_base, length);
		break;
	case 2:
		n = pread(f->fd, iov[0].iov_base, length, (off_t)offset);
		break;
	case 3:
		n = pwrite(f->fd, iov[0].iov_base, length, (off_t)offset);
		break;
	case 4:
		n = preadv2(f->fd, iov, 2, -1, how & 8 ? RWF_NOWAIT : 0);
		break;
	case 5:
		n = pwritev2(f->fd, iov, 2, -1, how & 8 ? RWF_NOWAIT : 0);
		break;
	case 6:
		n = fsync(f->fd);
		break;
	default:
		n = lseek(f->fd, (off_t)offset, how >> 3 & 3) < 0 ? -1 : 0;
	}
	call_end();
	PROMISE(n <= (ssize_t)length + 77);
}

static void poll_files(struct input *in)
{
	struct pollfd fds[2];

	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = (struct pollfd){ take_file(in)->fd, (short)take_uint8(in), 0 };
	PROMISE(AGAIN(poll(fds, COUNT(fds), 0)) >= 0);
}

static void control(struct input *in)
{
	const struct open_file *f = take_file(in);
	uint32_t code = take_code(in);
	union argument asked, *arg = (union argument *)(data + ROOM - sizeof(*arg));
	enum place place;
	void *memory = take_memory(in, &place);
	int must, result;

	if (!is_open(f))
		return;
	take_argument(in, code, &asked);
	*arg = asked;
	if (place == GOOD)
		memory = arg;
	must = control_error(f->dev, code, &asked, place);
	call_begin(false);
	result = ioctl(f->fd, code, memory) ? -errno : 0;
	call_end();
	if (must && !atomic_load(&removed))
		PROMISE_EQ(result, must);
	if (result && place == GOOD)
		PROMISE(!memcmp(arg, &asked, sizeof(asked)));
	if (!result && place == GOOD)
		check_answer(f->dev, code, &asked, arg);
	if (result && !faulty && !atomic_load(&removed))
		PROMISE(result == -ENOTTY || result == -EINVAL || result == -EFAULT ||
			result == -ENOENT || result == -EINTR || result == -ECANCELED ||
			result == -ENODEV || result == -EAGAIN);
}

/* What a device does not do, it says. */
static void odd_call(struct input *in)
{
	const struct open_file *f = take_file(in);
	uint8_t how = take_uint8(in);
	void *map;
	pid_t child;

	if (!is_open(f))
		return;
	switch (how % 6) {
	case 0:
		map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, f->fd, 0);
		PROMISE(map == MAP_FAILED);
		break;
	case 1:
		PROMISE(ftruncate(f->fd, how) != 0);
		break;
	case 2:
		PROMISE(fallocate(f->fd, 0, 0, how) != 0);
		break;
	case 3:
		fcntl(f->fd, F_SETFL, how & 0x40 ? O_NONBLOCK : 0);
		break;
	case 4:
		call_begin(false);
		posix_fadvise(f->fd, 0, how, POSIX_FADV_WILLNEED);
		call_end();
		break;
	default:
		child = fork();
		if (child == 0)
			_exit(close(f->fd));
		PROMISE(child > 0 && AGAIN(waitpid(child, NULL, 0)) == child);
	}
}

/* ---- what the devices are told ---- */

static void tell(struct device *dev, const char *attribute, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), CLASS "/%s/%s", dev->id, attribute);
	if (file_put(path, value, strlen(value)) < 0)
		return;
	device_told(dev, attribute);
	changed = true;
	/* Bytes may be on their way for who knows how long. */
	if (dev->model == CANCELIO_MODEL_STREAM &&
	    (!strcmp(attribute, "read_latency_ns") || !strcmp(attribute, "bandwidth")))
		slow_line = true;
}

static void turn_knob(struct input *in)
{
	static const struct {
		const char *name, *values[6];
	} knobs[] = {
		{ "read_latency_ns", { "0", "1000", "300000", "1000000000", "uniform 1 100000",
				       "exponential 50000" } },
		{ "write_latency_ns", { "0", "1000", "300000", "86400000000000", "uniform 1 100000",
					"exponential 50000" } },
		{ "open_latency_ns", { "0", "1000", "300000", "1000000000", "uniform 1 100000", "0" } },
		{ "flush_latency_ns", { "0", "1000", "300000", "1000000000", "uniform 1 100000", "0" } },
		{ "control_latency_ns", { "0", "1000", "300000", "1000000000", "exponential 9", "0" } },
		{ "bandwidth", { "0", "1", "1000000", "100000000", "1099511627776", "0" } },
		{ "channels", { "1", "2", "64", "65536", "0", "3" } },
		{ "stuck", { "0", "1", "64", "65536", "0", "2" } },
		{ "cancel", { "slow", "poll", "once-started-never", "prompt", "prompt", "slow" } },
		{ "abort_latency_ns", { "0", "1000", "300000", "1000000000", "exponential 9", "0" } },
		{ "poll_interval_ns", { "100000", "1000000", "86400000000000", "0", "100000", "7" } },
		{ "race_window_ns", { "0", "1000", "100000", "1000000", "0", "10" } },
		{ "split", { "0", "1", "100", "512", "4096", "1073741824" } },
		{ "faults", { "clear", "all hang next=1", "read short=1 rate=500000",
			      "write error=EIO next=2", "all,control error=5 rate=100000",
			      "open,control,flush hang next=2" } },
		{ "seed", { "1", "2", "0", "18446744073709551615", "3", "4" } },
		{ "max_pending", { "1", "2", "16777216", "0", "3", "100" } },
		{ "watchdog_s", { "0", "1", "86400", "300", "0", "0" } },
		{ "queue", { "start", "stop", "drain", "purge", "start", "stop" } },
	};
	uint8_t which = take_uint8(in), what = take_uint8(in);
	struct device *dev = &devices[what & 1];
	size_t i = which % COUNT(knobs);

	if (!dev->live)
		return;
	if (!strcmp(knobs[i].name, "cancel"))
		loose = true;
	if (!strcmp(knobs[i].name, "faults"))
		faulty = true;
	tell(dev, knobs[i].name, knobs[i].values[(what >> 1) % 6]);
}

static void look(struct input *in)
{
	static const char *const seen[] = {
		DEBUG "/%s/requests", DEBUG "/%s/counters", DEBUG "/%s/cancel_to_end",
		CLASS "/%s/pending", CLASS "/%s/faults",
	};
	static char text[4096];
	uint8_t which = take_uint8(in);
	char path[256];

	snprintf(path, sizeof(path), seen[which % COUNT(seen)], devices[which >> 7].id);
	file_get(path, text, 1 + (which & 0x70) * 32);
}

static void pull(struct input *in)
{
	struct device *dev = &devices[take_uint8(in) & 1];

	if (dev->live && take_uint8(in) >= 0x80) {
		/* What is queued in the ring was meant for a device that is there. */
		ring_submit();
		device_remove(dev);
	}
	changed = true;
}

/* ---- an input ---- */

static void relieve_all(void)
{
	atomic_store(&removed, true);
	for (size_t i = 0; i < COUNT(devices); i++) {
		char path[256];

		snprintf(path, sizeof(path), CONFIGS "/%s/live", devices[i].name);
		file_put(path, "0", 1);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	coverage_open();
	memory_open();
	guard_open(relieve_all);
	for (size_t i = 0; i < COUNT(devices); i++)
		device_make(&devices[i]);
	ring_open(0);
	return 0;
}

static void step(struct input *in)
{
	static void (*const kinds[])(struct input *in) = {
		ring_command, ring_command, ring_command, ring_plain, aio_submit, aio_cancel,
		open_device, close_device, read_or_write, read_or_write, poll_files, control, control,
		turn_knob, turn_knob, look,
	};
	uint8_t which = take_uint8(in);

	if (which < 0xF0)
		kinds[which % COUNT(kinds)](in);
	else if (which < 0xF6)
		ring_kind(in);
	else if (which < 0xFC)
		odd_call(in);
	else
		pull(in);
}

/* A device that was told nothing has nothing left when its files are closed. */
static void check_left(const struct device *dev)
{
	uint64_t deadline = now_ms() + PATIENCE_MS;

	while (device_pending(dev)) {
		if (now_ms() > deadline)
			broken("%s has requests, and no file", dev->id);
		usleep(200);
	}
}

/* Bytes that nobody has read would be there for the next input. */
static void empty_line(const struct device *dev)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", dev->id);
	fd = (int)AGAIN(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	PROMISE(fd >= 0);
	while (read(fd, data, sizeof(data)) > 0)
		;
	close(fd);
}

static void finish(void)
{
	ring_cancel_plain();
	if (aio_anew && context) {
		PROMISE_EQ(syscall(SYS_io_destroy, context), 0);
		context = 0;
	}
	for (int i = 0; i < FILES; i++) {
		if (is_open(&files[i]))
			close(files[i].fd);
		files[i].fd = -1;
	}
	aio_end();
	ring_end();
	for (size_t i = 0; i < COUNT(devices); i++) {
		if (!loose && devices[i].live && !atomic_load(&removed))
			check_left(&devices[i]);
		if (atomic_load(&removed) || !devices[i].live || slow_line || device_pending(&devices[i]))
			device_make(&devices[i]);
		else if (changed)
			device_reset(&devices[i]);
	}
	empty_line(&devices[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input in = { bytes, bytes + size };

	changed = loose = faulty = slow_line = aio_anew = false;
	atomic_store(&removed, false);
	for (int i = 0; i < FILES; i++)
		files[i].fd = -1;
	guard_begin(bytes, size);
	for (int i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/%s", devices[i].id);
		files[i] = (struct open_file){ (int)AGAIN(open(path, O_RDWR | O_CLOEXEC)), O_RDWR,
					       &devices[i] };
		PROMISE(files[i].fd >= 0);
	}
	for (int i = 0; i < STEPS && left(&in); i++)
		step(&in);
	coverage_end();
	finish();
	guard_end();
	return 0;
}
