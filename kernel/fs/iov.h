/* SPDX-License-Identifier: MIT */
/*
 * iov.h - the other end of a read or write: one user buffer, several of them, or memory of the kernel.
 *
 *	iov_iter { where | bytes left }  --copy_to_iter-->  advances by what it copied
 *
 * [V1] count is what is left; a copy that is shorter than asked for hit a bad user address.
 * Lock: none. Sleeps: a touch of user memory may. Allocates: import_iovec for more than 8 segments.
 */
#ifndef KERNEL_FS_IOV_H
#define KERNEL_FS_IOV_H

#include "fs/uapi.h"
#include "quire/uaccess.h"

enum iov_kind { ITER_UBUF, ITER_IOVEC, ITER_KVEC };

struct iov_iter {
	enum iov_kind kind;
	char *buf;		/* UBUF, KVEC: the rest of the buffer */
	size_t count;		/* bytes left in all */
	const struct iovec *iov; /* IOVEC: segment that buf would be in */
	size_t iov_offset;	/* bytes of it that are used up */
};

#define UIO_FASTIOV 8

static inline void iov_iter_ubuf(struct iov_iter *it, void *buf, size_t count)
{
	*it = (struct iov_iter){ .kind = ITER_UBUF, .buf = buf, .count = count };
}

static inline void iov_iter_kvec(struct iov_iter *it, void *buf, size_t count)
{
	*it = (struct iov_iter){ .kind = ITER_KVEC, .buf = buf, .count = count };
}

size_t copy_to_iter_slow(const void *from, size_t bytes, struct iov_iter *it);
size_t copy_from_iter_slow(void *to, size_t bytes, struct iov_iter *it);

/* Copies at most `bytes` and at most what is left; returns the bytes copied and advances by them. */
static inline size_t copy_to_iter(const void *from, size_t bytes, struct iov_iter *it)
{
	if (__builtin_expect(it->kind == ITER_UBUF && bytes <= it->count, 1)) {
		size_t done = bytes - copy_to_user(it->buf, from, bytes);

		it->buf += done;
		it->count -= done;
		return done;
	}
	return copy_to_iter_slow(from, bytes, it);
}

static inline size_t copy_from_iter(void *to, size_t bytes, struct iov_iter *it)
{
	if (__builtin_expect(it->kind == ITER_UBUF && bytes <= it->count, 1)) {
		size_t done = bytes - copy_from_user(to, it->buf, bytes);

		it->buf += done;
		it->count -= done;
		return done;
	}
	return copy_from_iter_slow(to, bytes, it);
}

/* Zeros. Returns the bytes written. */
size_t iov_iter_zero(size_t bytes, struct iov_iter *it);
/* Skips bytes that were dealt with otherwise / takes back the last ones (never past the start). */
void iov_iter_advance(struct iov_iter *it, size_t bytes);

/* The segments of readv and its kin, checked. `fast`: UIO_FASTIOV entries of the caller's stack; *to_free is kfree'd
 * by the caller (or NULL). The sum of lengths, or -EINVAL, -EFAULT, -ENOMEM. */
long import_iovec(const struct iovec *user, unsigned long nr, struct iovec *fast, struct iovec **to_free,
		  struct iov_iter *it);

/* Plug for the page cache's copying calls: the cookie is an iov_iter. */
size_t iter_cache_read(void *it, void *kaddr, size_t bytes, size_t done);
size_t iter_cache_write(void *it, void *kaddr, size_t bytes, size_t done);

#endif
