# SPDX-License-Identifier: GPL-2.0

# Nothing here may need more than make itself before vm/setup has run.

PREFIX ?= /usr/local
DESTDIR ?=
KERNELS ?= 6.1 6.12
HOURS ?= 1
# The kernel to build for: Debian's 6.1, or else the one that runs.
KDIR ?= $(or $(shell vm/kernels installed 6.1 2>/dev/null),/lib/modules/$(shell uname -r)/build)
# What only tests use is in a build of its own.
TEST_BUILD := $(filter 1,$(TEST))
GCOV_BUILD := $(filter 1,$(GCOV))
BUILD ?= build/$(RELEASE)$(if $(TEST_BUILD),-test)$(if $(GCOV_BUILD),-gcov)
UTSRELEASE = $(KDIR)/include/generated/utsrelease.h

# What builds for no kernel, or finds it by itself.
NO_KERNEL := clean help install setup vm demo check check-all check-wine check-debug \
	     check-static check-sanitizers coverage fuzz bench stress soak
ifneq ($(filter-out $(NO_KERNEL),$(or $(MAKECMDGOALS),all)),)
KDIR := $(KDIR)
# Debian's kernel.release is not what uname -r says.
RELEASE := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(UTSRELEASE) 2>/dev/null)
endif

SOURCES := $(wildcard Kbuild module/*.[ch] module/test/*.[ch] uapi/linux/*.h)
# Asked for other warnings or checks, kbuild must look again at what is built already.
RECHECK := $(if $(W)$(C),FORCE)

.PHONY: all module userspace selftests install setup vm demo check check-all check-wine check-debug \
	check-static check-sanitizers coverage fuzz bench stress soak clean help FORCE
.DELETE_ON_ERROR:

all: module userspace selftests

module: $(BUILD)/cancelio.ko

# Each kernel has a folder of its own, in which links stand for the sources: so what is built
# for one does not disturb the other. The lock is for those who build at the same time. BTF
# would need the kernel's image, which Debian's headers have not.
$(BUILD)/cancelio.ko: $(SOURCES) $(UTSRELEASE) $(RECHECK)
	@mkdir -p $(addprefix $(@D)/,$(sort $(dir $(SOURCES))))
	@find $(@D) -xtype l -delete
	@for file in $(SOURCES); do ln -srf $$file $(@D)/$$file || exit; done
	+MAKE="$(MAKE)" flock $(@D)/.lock vm/kbuild $(KDIR) M=$(abspath $(@D)) \
		CONFIG_DEBUG_INFO_BTF_MODULES= $(if $(TEST_BUILD),CANCELIO_TEST=y) \
		$(if $(GCOV_BUILD),CANCELIO_GCOV=y) modules
	@touch $@

$(UTSRELEASE):
	@echo "No kernel headers in KDIR=$(KDIR). On Debian: vm/setup build" >&2; exit 1

userspace:
	$(MAKE) -C userspace

selftests:
ifeq ($(wildcard /usr/src/linux-source-6.12.tar.xz),)
	@echo "selftests: not built, for want of the package linux-source-6.12 (vm/setup check)"
else
	$(MAKE) -C selftests
endif

install:
	$(MAKE) -C userspace install DESTDIR=$(abspath $(DESTDIR)) PREFIX=$(PREFIX)
	install -D -m 644 uapi/linux/cancelio.h $(DESTDIR)$(PREFIX)/include/linux/cancelio.h

setup:
	vm/setup

vm:
	@vm/setup build vm
	@vm/run --shell

demo:
	@vm/setup build vm
	@mkdir -p build && echo "Building the module and the library ..."
	@$(MAKE) module userspace >build/demo.log 2>&1 || { cat build/demo.log; exit 1; }
	@vm/demo

check:
	@vm/setup
	@vm/check $(KERNELS)

check-all:
	@vm/setup build vm check debug fuzz
	@vm/check --instruments $(KERNELS)

check-wine:
	@vm/setup build check
	@mkdir -p build && $(MAKE) -C userspace all >build/check-wine.log 2>&1 || \
		{ cat build/check-wine.log; exit 1; }
	@$(MAKE) -s -C userspace check-wine

check-debug: KERNELS = debug
check-debug:
	@vm/setup
	@vm/check-debug $(KERNELS)

check-static:
	@vm/setup build check static
	@vm/check-static

check-sanitizers:
	@vm/setup build sanitize
	@vm/check-sanitizers

coverage:
	@vm/coverage

fuzz:
	@vm/fuzz --seconds $(or $(SECONDS),60) --targets "$(TARGETS)" $(if $(UPDATE),--update)

bench:
	@vm/setup build vm
	@vm/bench

stress:
	@vm/setup build vm
	@vm/stress

soak:
	@vm/setup build vm
	@vm/stress --seconds $$(( $(HOURS) * 3600 ))

clean:
	rm -rf build
	$(MAKE) -C userspace clean

help:
	@echo "make              build module, library and tests"
	@echo "make module       build the module; KDIR=DIR for one kernel, W=1 C=2 for more checks,"
	@echo "                  TEST=1 for the build that lets tests force races, GCOV=1 for the one"
	@echo "                  that counts which lines were run"
	@echo "make userspace    build the library, its tests and examples"
	@echo "make selftests    build the module's tests"
	@echo "make install      install the library and the headers; PREFIX=$(PREFIX) DESTDIR="
	@echo "make demo         a story of five operations that wait and are cancelled, in a VM"
	@echo "make check        run every test; KERNELS=\"$(KERNELS)\", or =all"
	@echo "make check-all    the same, and check-debug, coverage and fuzz"
	@echo "make check-wine   the conformance programs with this library and under Wine, compared"
	@echo "make check-debug  the module's tests on a kernel that checks itself; KERNELS=\"debug kcsan\""
	@echo "make check-static what sparse, checkpatch, coccinelle, clang-tidy and others find unasked"
	@echo "make check-sanitizers  the library's tests under ASAN and UBSan, TSAN, valgrind"
	@echo "make coverage     which lines of the module and of the library the tests run"
	@echo "make fuzz         replay the fuzzers' corpus, then fuzz the module and the library;"
	@echo "                  SECONDS=60, TARGETS=\"shim_text uapi_calls\", UPDATE=1 to keep what is new"
	@echo "make stress       everything at once on the devices for a minute, in a VM"
	@echo "make soak         the same for HOURS=$(HOURS)"
	@echo "make bench        what a cancelled request takes, beside a pipe and io_uring, in instructions"
	@echo "make vm           a shell in a VM with the module loaded"
	@echo "make setup        install the Debian packages that all of this needs"
	@echo "make clean        remove what was built"
