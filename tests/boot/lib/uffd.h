/* SPDX-License-Identifier: MIT */
/* uffd.h - userfaultfd as programs of tests/boot use it. */
#ifndef TESTS_BOOT_UFFD_H
#define TESTS_BOOT_UFFD_H

#include "common.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

/* The kernel's interface, spelled out: not every libc brings it. */
struct api { uint64_t api, features, ioctls; };
struct range { uint64_t start, len; };
struct reg { struct range range; uint64_t mode, ioctls; };
struct copy { uint64_t dst, src, len, mode; int64_t done; };
struct fill { struct range range; uint64_t mode; int64_t done; };
struct protect { struct range range; uint64_t mode; };
struct msg {
	uint8_t event, r1;
	uint16_t r2;
	uint32_t r3;
	union {
		struct { uint64_t flags, address; uint32_t ptid, pad; };
		uint32_t ufd;
		struct { uint64_t from, to, len; };
		struct { uint64_t start, end; };
	};
};
#define API _IOWR(0xaa, 0x3f, struct api)
#define REGISTER _IOWR(0xaa, 0, struct reg)
#define UNREGISTER _IOR(0xaa, 1, struct range)
#define WAKE _IOR(0xaa, 2, struct range)
#define COPY _IOWR(0xaa, 3, struct copy)
#define ZEROPAGE _IOWR(0xaa, 4, struct fill)
#define MOVE _IOWR(0xaa, 5, struct copy)
#define WRITEPROTECT _IOWR(0xaa, 6, struct protect)
#define CONTINUE _IOWR(0xaa, 7, struct fill)
#define POISON _IOWR(0xaa, 8, struct fill)
#define NEW _IO(0xaa, 0)
enum { MISSING = 1, WP = 2, MINOR = 4, FLAG_WRITE = 1, FLAG_WP = 2, FLAG_MINOR = 4, USER_ONLY = 1, DONTWAKE = 1, FILL_WP = 2 };
enum {
	F_FORK = 1 << 1, F_REMAP = 1 << 2, F_REMOVE = 1 << 3, F_UNMAP = 1 << 6, F_SIGBUS = 1 << 7, F_THREAD_ID = 1 << 8,
	F_EXACT = 1 << 11, F_WP_UNPOPULATED = 1 << 13, F_POISON = 1 << 14, F_WP_ASYNC = 1 << 15,
};
enum { E_FAULT = 0x12, E_FORK, E_REMAP, E_REMOVE, E_UNMAP };
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define U(pointer) ((uint64_t)(uintptr_t)(pointer))

static inline int new_fd(int flags)
{
	return (int)syscall(SYS_userfaultfd, flags);
}

static inline int enabled_fd(uint64_t features)
{
	struct api api = { 0xaa, features, 0 };
	int fd = new_fd(O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && !ioctl(fd, API, &api) ? fd : -1;
}

static inline int watch(int fd, void *start, size_t len, uint64_t mode)
{
	struct reg reg = { { U(start), len }, mode, 0 };

	return ioctl(fd, REGISTER, &reg);
}

static inline int protect(int fd, void *start, size_t len, uint64_t mode)
{
	struct protect request = { { U(start), len }, mode };

	return ioctl(fd, WRITEPROTECT, &request);
}

static inline char *map(size_t pages)
{
	return mmap(NULL, pages * PAGE, RW, ANON, -1, 0);
}

static inline int wait_msg(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 10000) == 1 && p.revents == POLLIN;
}

/* Waits until a message is there, and reads it. A fault that poll has seen may need nothing any more when it is to be read. */
static inline int next_msg(int fd, struct msg *msg)
{
	while (wait_msg(fd)) {
		if (read(fd, msg, sizeof(*msg)) == sizeof(*msg))
			return 1;
		if (errno != EAGAIN)
			break;
	}
	return 0;
}

struct touch {
	volatile char *address;
	int write, tid;
	char seen;
};

static inline void *touches(void *argument)
{
	struct touch *t = argument;

	t->tid = (int)syscall(SYS_gettid);
	if (t->write)
		*t->address = (char)t->write;
	t->seen = *t->address;
	return NULL;
}

#endif
