/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that meet a fault inside the module: memory that cannot be had, or bytes that
 * cannot be copied. The first, then the second, and so on, of all that one call does
 * there fails, until one call meets none:
 *
 *	for (inject_start(&inject); inject_round(&inject); ) {
 *		...				what must be there for the call
 *		INJECT(&inject, ret = ...);
 *		...				what holds whether it has failed or not
 *	}
 *
 * Only this thread is concerned, and only what it does below a function of a module. It takes
 * a kernel with CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC, CONFIG_FAULT_INJECTION_USERCOPY and
 * CONFIG_FAULT_INJECTION_STACKTRACE_FILTER.
 */
#ifndef CANCELIO_TEST_INJECT_H
#define CANCELIO_TEST_INJECT_H

#include "call_test.h"

#define FAULTS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* A loop that has more rounds than any call here has places does not end. */
#define ROUNDS_MAX	5000

struct inject {
	/* FAIL_NTH, of the thread that calls */
	int fd;
	/* Which one fails in this round. */
	unsigned int nth;
	/* Whether the call of this round has met it. */
	bool hit;
	/* The call's errno. */
	int err;
};

static inline bool inject_set(const char *kind, const char *name, const char *text)
{
	char path[128];
	bool good;
	int fd;

	snprintf(path, sizeof(path), FAULTS "%s/%s", kind, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* Where modules are is a region of its own, 512 MiB or a multiple of that. */
static inline bool inject_modules(char start[32])
{
	unsigned long long address = 0;
	FILE *file = fopen("/proc/modules", "re");
	char line[512], name[64];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %*s %*s %*s %*s %llx", name, &address) == 2 &&
		    !strcmp(name, "cancelio"))
			break;
		address = 0;
	}
	if (file)
		fclose(file);
	snprintf(start, 32, "%llu", address & ~0x1fffffffULL);
	return address;
}

/* What fails is decided by the thread alone, and only what has a module among its callers. */
static inline bool inject_tell(const char *kind, const char *start)
{
	return inject_set(kind, "probability", "0") && inject_set(kind, "verbose", "0") &&
	       inject_set(kind, "stacktrace-depth", "32") &&
	       inject_set(kind, "reject-start", "0") && inject_set(kind, "reject-end", "0") &&
	       inject_set(kind, "require-end", "18446744073692774400") &&
	       inject_set(kind, "require-start", start);
}

/*
 * In FIXTURE_SETUP(), for SKIP_FOR(), with the module loaded.
 * Return: NULL, or why the test cannot be run.
 */
static inline const char *cannot_inject(void)
{
	char start[32];

	if (geteuid())
		return "needs root";
	if (access(FAIL_NTH, F_OK))
		return "this kernel injects no faults";
	if (!inject_modules(start))
		return "cancelio.ko is not loaded";
	/* Memory that may be waited for is what most of it is. */
	if (!inject_tell("failslab", start) || !inject_tell("fail_page_alloc", start) ||
	    !inject_tell("fail_usercopy", start) ||
	    !inject_set("failslab", "ignore-gfp-wait", "N") ||
	    !inject_set("fail_page_alloc", "ignore-gfp-wait", "N") ||
	    !inject_set("fail_page_alloc", "ignore-gfp-highmem", "N") ||
	    !inject_set("fail_page_alloc", "min-order", "0"))
		return "this kernel does not inject all faults, or not by stack trace";
	return NULL;
}

/*
 * Spares what a function of the kernel's own does, which loses memory itself when it fails.
 * Return: whether there is such a function.
 */
static inline bool inject_spare(const char *function)
{
	unsigned long long address, start = 0, end = ~0ULL;
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256], text[32];
	bool spared;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) == 2 && !strcmp(name, function))
			start = address;
	}
	if (file)
		rewind(file);
	while (start && fgets(line, sizeof(line), file)) {
		address = strtoull(line, NULL, 16);
		if (address > start && address < end)
			end = address;
	}
	if (file)
		fclose(file);
	snprintf(text, sizeof(text), "%llu", end);
	spared = start && inject_set("failslab", "reject-end", text) &&
		 inject_set("fail_page_alloc", "reject-end", text);
	snprintf(text, sizeof(text), "%llu", start);
	return spared && inject_set("failslab", "reject-start", text) &&
	       inject_set("fail_page_alloc", "reject-start", text);
}

static inline void inject_start(struct inject *inject)
{
	inject->nth = 0;
	inject->hit = true;
	inject->fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
}

/* The round that follows one whose call has met no fault is none. */
static inline bool inject_round(struct inject *inject)
{
	if (!inject->hit) {
		close(inject->fd);
		return false;
	}
	if (++inject->nth > ROUNDS_MAX)
		abort();
	return true;
}

static inline void inject_arm(struct inject *inject)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", inject->nth);

	if (pwrite(inject->fd, text, len, 0) != len)
		abort();
}

/* What is left to count is 0 if the fault was met. */
static inline void inject_disarm(struct inject *inject)
{
	char text[16] = "";

	inject->err = errno;
	if (pread(inject->fd, text, sizeof(text) - 1, 0) <= 0 || pwrite(inject->fd, "0", 1, 0) != 1)
		abort();
	inject->hit = !strtoul(text, NULL, 10);
}

#define INJECT(inject, call)		\
	do {				\
		inject_arm(inject);	\
		call;			\
		inject_disarm(inject);	\
	} while (0)

/* After the rounds: so many faults were met, one after the other. */
#define INJECTED(inject)	((inject)->nth - 1)

/* What a call that met a fault may fail with. */
static inline bool is_fault(long err)
{
	return err == ENOMEM || err == EFAULT;
}

/*
 * A transfer of @len bytes is whole, or has met a fault: then it has failed, or is short where
 * the copy broke off.
 */
static inline bool inject_moved(const struct inject *inject, long ret, size_t len)
{
	if (ret == (long)len)
		return true;
	return inject->hit && (ret < 0 ? is_fault(-ret) : ret > 0 && ret < (long)len);
}

#endif /* CANCELIO_TEST_INJECT_H */
