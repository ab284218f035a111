/* SPDX-License-Identifier: MIT */
/* iov.c - copying to and from what an iov_iter stands for, beyond the inline case of one user buffer. */
#include "fs/iov.h"
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/slab.h"

enum iov_op { OP_TO, OP_FROM, OP_ZERO, OP_SKIP };

/* Bytes done at one place; fewer than asked: a bad address. */
static size_t do_op(enum iov_op op, enum iov_kind kind, char *there, char *here, size_t bytes)
{
	if (op == OP_SKIP)
		return bytes;
	if (kind == ITER_KVEC) {
		if (op == OP_TO)
			memcpy(there, here, bytes);
		else if (op == OP_FROM)
			memcpy(here, there, bytes);
		else
			memset(there, 0, bytes);
		return bytes;
	}
	if (op == OP_TO)
		return bytes - copy_to_user(there, here, bytes);
	if (op == OP_FROM)
		return bytes - copy_from_user(here, there, bytes);
	return bytes - clear_user(there, bytes);
}

static size_t iterate(struct iov_iter *it, enum iov_op op, char *here, size_t bytes)
{
	size_t done = 0;

	if (bytes > it->count)
		bytes = it->count;
	while (done < bytes) {
		size_t part = bytes - done, did;
		char *there = it->buf;

		if (it->kind == ITER_IOVEC) {
			if (it->iov_offset == it->iov->iov_len) {
				it->iov++;
				it->iov_offset = 0;
				continue;
			}
			part = min(part, it->iov->iov_len - it->iov_offset);
			there = (char *)it->iov->iov_base + it->iov_offset;
		}
		did = do_op(op, it->kind, there, here + done, part);
		if (it->kind == ITER_IOVEC)
			it->iov_offset += did;
		else
			it->buf += did;
		it->count -= did;
		done += did;
		if (did < part)
			break;
	}
	return done;
}

size_t copy_to_iter_slow(const void *from, size_t bytes, struct iov_iter *it)
{
	return iterate(it, OP_TO, (char *)from, bytes);
}

size_t copy_from_iter_slow(void *to, size_t bytes, struct iov_iter *it)
{
	return iterate(it, OP_FROM, to, bytes);
}

size_t iov_iter_zero(size_t bytes, struct iov_iter *it)
{
	return iterate(it, OP_ZERO, NULL, bytes);
}

void iov_iter_advance(struct iov_iter *it, size_t bytes)
{
	iterate(it, OP_SKIP, NULL, bytes);
}

size_t iter_cache_read(void *it, void *kaddr, size_t bytes, size_t done)
{
	return copy_to_iter(kaddr, bytes, it);
}

size_t iter_cache_write(void *it, void *kaddr, size_t bytes, size_t done)
{
	return copy_from_iter(kaddr, bytes, it);
}

static long check_segments(struct iovec *iov, unsigned long nr)
{
	size_t total = 0;

	for (unsigned long i = 0; i < nr; i++) {
		if ((long)iov[i].iov_len < 0)
			return -EINVAL;
		if (!access_ok(iov[i].iov_base, iov[i].iov_len))
			return -EFAULT;
		if (iov[i].iov_len > MAX_RW_COUNT - total)
			iov[i].iov_len = MAX_RW_COUNT - total;
		total += iov[i].iov_len;
	}
	return (long)total;
}

long import_iovec(const struct iovec *user, unsigned long nr, struct iovec *fast, struct iovec **to_free,
		  struct iov_iter *it)
{
	struct iovec *iov = fast;
	long total;

	*to_free = NULL;
	*it = (struct iov_iter){ .kind = ITER_IOVEC };
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		iov = kmalloc_array(nr, sizeof(*iov), GFP_KERNEL);
		if (!iov)
			return -ENOMEM;
		*to_free = iov;
	}
	if (copy_from_user(iov, user, nr * sizeof(*iov)))
		total = -EFAULT;
	else
		total = check_segments(iov, nr);
	if (total < 0) {
		kfree(*to_free);
		*to_free = NULL;
		return total;
	}
	it->iov = iov;
	it->count = (size_t)total;
	return total;
}
