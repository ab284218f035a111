# SPDX-License-Identifier: MIT
# The everyday commands; `make help` lists them. Meson builds, the programs in tools/ do the rest.
SHELL = /bin/sh
MAKEFLAGS += --no-print-directory
.SUFFIXES:
.DEFAULT_GOAL := help
.NOTPARALLEL:

ARCH ?= x86_64
PREFIX ?= /usr/local

# A compiler that was asked for gets build directories of its own.
ifneq ($(origin CC),default)
export CC
SUFFIX := -$(notdir $(firstword $(CC)))
endif
# What is not known is refused by tools/run, in its words.
ISA := $(if $(filter i386 i386pae,$(ARCH)),$(ARCH),x86_64)
# The kernel's build directory, and the programs for it: those of i386 run on both its kernels.
KERNEL_DIR := build/kernel$(if $(filter-out x86_64,$(ISA)),-$(ISA))$(if $(DEBUG),-debug)$(SUFFIX)
KERNEL := $(KERNEL_DIR)/kernel/quire.elf
INITRAMFS := build/initramfs$(if $(filter i386%,$(ISA)),-i386).cpio

# These reach the programs exactly as they were written, dollar signs and all.
define hand_over
ifdef $(1)
override $(1) := $$(value $(1))
export $(1)
endif
endef
$(foreach name,ARCH MACHINE MEM CPUS APPEND ROOT CMD TIMEOUT QEMU_ARGS KVM ISO ONLY BENCH QEMU DEBUG,\
	$(eval $(call hand_over,$(name))))

.PHONY: help run run-machine kernel initramfs iso test check bench install clean deps-run

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

#: make run        Boot Quire in QEMU: an interactive shell on this terminal.
#:                 `poweroff`, `exit` and Ctrl-A X leave it.
#:   MEM=1G          memory of the machine (K, M, G, T)
#:   CPUS=2          its CPUs
#:   MACHINE=q35     the machine: q35, pc or microvm
#:   ARCH=x86_64     the kernel: x86_64, i386 (two levels of page tables) or i386pae
#:   APPEND='...'    more for the kernel command line, such as 'mem=512M maxcpus=1'
#:   ROOT=dir        files laid over the initial file system, with modes and links
#:   CMD='...'       run this instead, print only what it prints, power off
#:   TIMEOUT=n       stop the machine after n seconds
#:   QEMU_ARGS='...' more arguments for QEMU, placed last
#:   DEBUG=1         the kernel with its invariants checked
#:   ISO=1           boot through GRUB from an ISO image
#:   KVM=1           use the host's CPU instead of emulating one
#:                 Exit status: that of CMD, or 2 for a variable that makes no sense,
#:                 120 for a kernel panic, 121 when QEMU cannot start, 124 when time is up.
run: run-machine
	@$(eval load build/make-exit.so(make_exit_gmk_setup))$(quire-exit $(file <build/run-status))

run-machine: deps-run kernel initramfs build/make-exit.so
	@tools/run $(KERNEL) $(INITRAMFS); echo $$? >build/run-status

deps-run:
	@tools/install-deps run

build/make-exit.so: tools/make-exit.c | deps-run
	@mkdir -p build
	@gcc -shared -fPIC -O1 -o $@ $<

#: make kernel     Build the kernel, build/kernel/kernel/quire.elf (DEBUG=1: build/kernel-debug).
kernel: deps-run
	@tools/build $(KERNEL_DIR) -Dworld=kernel -Disa=$(ISA) $(if $(DEBUG),-Ddebug_checks=true)
	@ln -sf $(KERNEL_DIR)/compile_commands.json compile_commands.json

#: make initramfs  Make the initial file system, build/initramfs.cpio.
initramfs: $(INITRAMFS)
$(INITRAMFS): tools/mkinitramfs $(if $(filter i386%,$(ISA)),build/busybox-i386) $(shell find tools/rootfs -type f) | deps-run
	@mkdir -p build
	@tools/mkinitramfs $(if $(filter i386%,$(ISA)),--busybox build/busybox-i386,--base) $@

build/busybox-i386: | deps-run
	@tools/busybox-i386 $@

#: make iso        Make build/quire.iso, which GRUB boots (APPEND='...' is kept in it).
iso: kernel initramfs
	@tools/install-deps iso
	@tools/iso $(KERNEL) $(INITRAMFS) "console=ttyS0 $$APPEND" build/quire.iso
	@echo "build/quire.iso"

#: make test       Build and run every test; the last line is "N passed, N failed".
#:   ONLY=pattern    only the tests whose names match the regular expression
test:
	@tools/install-deps test
	@tools/test

#: make check      Only the checks that read the source: floors, sizes, headers.
check: deps-run
	@tools/check

#: make bench      Measure and compare; leaves build/bench/NAME.json too.
#:   BENCH=name      only one: vm, boot, memory or another that `make bench` shows
bench:
	@tools/install-deps bench
	@$(MAKE) -s kernel initramfs
	@bench/bench $(KERNEL) $(INITRAMFS)

#: make install    Install libquire.a, its headers and pkg-config file for embedding.
#:   PREFIX=/usr/local  DESTDIR=
install: deps-run
	@tools/build build/embed$(SUFFIX) -Dworld=embed --prefix=/usr/local
	@meson configure build/embed$(SUFFIX) -Dprefix=$(abspath $(PREFIX)) -Dlibdir=lib
	@tools/build build/embed$(SUFFIX)
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C build/embed$(SUFFIX) --no-rebuild --quiet
	@echo "$(abspath $(DESTDIR))$(abspath $(PREFIX))/lib/libquire.a, with headers and quire.pc"

#: make clean      Remove everything that was built.
clean:
	rm -rf build compile_commands.json
