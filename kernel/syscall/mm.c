/* SPDX-License-Identifier: MIT */
/* mm.c - the system calls about memory: arguments in, the library's do_* calls. */
#include "quire/mm.h"

#include "arch/fpu.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/vfs.h"
#include "proc/cred.h"
#include "proc/pid.h"
#include "proc/pidfd.h"
#include "proc/signal.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define PAGE_BYTES 4096ul
#define MM task_mm(current)

SYSCALL_WIDE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long,
		flags, int, fd, u64, offset)
{
	struct mmap_file backing;
	unsigned long result;
	struct fd f;
	int error;

	if (offset % PAGE_BYTES)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS)
		return (long)do_mmap(MM, addr, len, prot, flags, NULL, offset);
	f = fdget((unsigned int)fd);
	if (!fd_file(f))
		return -EBADF;
	error = file_mmap_backing(fd_file(f), prot, flags, &backing);
	if (error)
		result = (unsigned long)error;
	else
		result = do_mmap(MM, addr, len, prot, flags, backing.mapping ? &backing : NULL,
				 offset);
	fdput(f);
	return (long)result;
}

SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len)
{
	return do_munmap(MM, addr, len);
}

SYSCALL_DEFINE3(mprotect, unsigned long, addr, size_t, len, unsigned long, prot)
{
	return do_mprotect(MM, addr, len, prot);
}

SYSCALL_DEFINE5(mremap, unsigned long, addr, unsigned long, old_len, unsigned long, new_len,
		unsigned long, flags, unsigned long, new_addr)
{
	return (long)do_mremap(MM, addr, old_len, new_len, flags, new_addr);
}

SYSCALL_DEFINE1(brk, unsigned long, brk)
{
	return (long)do_brk(MM, brk);
}

SYSCALL_DEFINE3(madvise, unsigned long, addr, size_t, len, int, advice)
{
	return do_madvise(MM, addr, len, advice);
}

#define PKEY_DISABLE_MASK 3ul /* no access, no writing */

SYSCALL_DEFINE2(pkey_alloc, unsigned long, flags, unsigned long, rights)
{
	int pkey;

	if (flags || (rights & ~PKEY_DISABLE_MASK))
		return -EINVAL;
	pkey = mm_pkey_alloc(MM);
	if (pkey >= 0)
		pkru_set_key((unsigned int)pkey, (u32)rights);
	return pkey;
}

SYSCALL_DEFINE1(pkey_free, int, pkey)
{
	return mm_pkey_free(MM, pkey);
}

SYSCALL_DEFINE4(pkey_mprotect, unsigned long, addr, size_t, len, unsigned long, prot, int, pkey)
{
	return do_pkey_mprotect(MM, addr, len, prot, pkey);
}

SYSCALL_DEFINE3(mseal, unsigned long, addr, size_t, len, unsigned long, flags)
{
	return do_mseal(MM, addr, len, flags);
}

#define MLOCK_ONFAULT 1

SYSCALL_DEFINE2(mlock, unsigned long, addr, size_t, len)
{
	return do_mlock(MM, addr, len, 0);
}

SYSCALL_DEFINE3(mlock2, unsigned long, addr, size_t, len, int, flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(MM, addr, len, (unsigned int)flags);
}

SYSCALL_DEFINE2(munlock, unsigned long, addr, size_t, len)
{
	return do_munlock(MM, addr, len);
}

SYSCALL_DEFINE1(mlockall, int, flags)
{
	return do_mlockall(MM, flags);
}

SYSCALL_DEFINE0(munlockall)
{
	return do_munlockall(MM);
}

SYSCALL_DEFINE3(mincore, unsigned long, addr, size_t, len, unsigned char *, vec)
{
	return do_mincore(MM, addr, len, vec);
}

SYSCALL_DEFINE3(msync, unsigned long, addr, size_t, len, int, flags)
{
	return do_msync(MM, addr, len, flags);
}

SYSCALL_DEFINE5(remap_file_pages, unsigned long, addr, unsigned long, size, unsigned long, prot,
		unsigned long, pgoff, unsigned long, flags)
{
	return do_remap_file_pages(MM, addr, size, prot, pgoff, flags);
}

/* ---- other processes' memory ---- */

struct iovec_user {
	unsigned long base, len;
};
#define IOV_MAX 1024
#define BUFFER_BYTES 4096ul

/* One run: between the caller's @mine and @theirs, through a buffer, a page of theirs at a time.
 * Bytes done: up to the first that cannot be reached on either side. */
static size_t copy_run(struct mm_struct *mm, unsigned long mine, unsigned long theirs, size_t len,
		       bool write, void *buf)
{
	size_t done = 0, part, got;

	while (done < len) {
		part = BUFFER_BYTES - (theirs + done) % BUFFER_BYTES;
		if (part > len - done)
			part = len - done;
		if (write) {
			got = part - copy_from_user(buf, (void *)(mine + done), part);
			got = access_remote_vm(mm, theirs + done, buf, got, FOLL_WRITE);
		} else {
			got = access_remote_vm(mm, theirs + done, buf, part, 0);
			got -= copy_to_user((void *)(mine + done), buf, got);
		}
		done += got;
		if (got < part)
			break;
		cond_resched();
	}
	return done;
}

static size_t vector_bytes(const struct iovec_user *vec, unsigned long nr)
{
	size_t sum = 0;

	for (unsigned long i = 0; i < nr; i++)
		sum += vec[i].len;
	return sum;
}

static int read_vector(const struct iovec_user *from, unsigned long nr, struct iovec_user **vec)
{
	unsigned long i;
	size_t sum = 0;

	if (nr > IOV_MAX)
		return -EINVAL;
	*vec = kmalloc_array(nr ? nr : 1, sizeof(**vec), GFP_KERNEL);
	if (!*vec)
		return -ENOMEM;
	if (copy_from_user(*vec, from, nr * sizeof(**vec)))
		return -EFAULT;
	for (i = 0; i < nr; i++) {
		if ((*vec)[i].len > INT64_MAX - sum)
			return -EINVAL;
		sum += (*vec)[i].len;
	}
	return 0;
}

struct remote_copy {
	struct iovec_user *mine, *theirs;
	unsigned long nr_mine, nr_theirs;
	bool write;
};

static long copy_vectors(struct mm_struct *mm, struct remote_copy *c)
{
	unsigned long i = 0, j = 0, mine_off = 0, their_off = 0;
	void *buf = kmalloc(BUFFER_BYTES, GFP_KERNEL);
	size_t part, done, total = 0;

	if (!buf)
		return -ENOMEM;
	while (i < c->nr_mine && j < c->nr_theirs) {
		part = c->mine[i].len - mine_off;
		if (c->theirs[j].len - their_off < part)
			part = c->theirs[j].len - their_off;
		done = copy_run(mm, c->mine[i].base + mine_off, c->theirs[j].base + their_off, part,
				c->write, buf);
		total += done;
		if (done < part)
			break;
		mine_off += part;
		their_off += part;
		if (mine_off == c->mine[i].len) {
			i++;
			mine_off = 0;
		}
		if (j < c->nr_theirs && their_off == c->theirs[j].len) {
			j++;
			their_off = 0;
		}
	}
	kfree(buf);
	return total || i == c->nr_mine || j == c->nr_theirs ? (long)total : -EFAULT;
}

static long process_vm_rw(pid_t nr, struct remote_copy *c, const struct iovec_user *umine,
			  const struct iovec_user *utheirs)
{
	struct mm_struct *mm = NULL;
	struct task *p;
	long result = read_vector(umine, c->nr_mine, &c->mine);

	/* Nothing to do is done, whoever it concerns. */
	if (result || !vector_bytes(c->mine, c->nr_mine))
		return result;
	result = read_vector(utheirs, c->nr_theirs, &c->theirs);
	if (result || !vector_bytes(c->theirs, c->nr_theirs))
		return result;
	p = find_get_task(nr);
	if (!p)
		return -ESRCH;
	if (may_access_process(p, ACCESS_REALCREDS))
		mm = get_task_mm(p);
	else
		result = -EPERM;
	put_task(p);
	if (!mm)
		return result ? result : -ESRCH;
	result = copy_vectors(mm, c);
	mmput(mm);
	return result;
}

static long process_vm(pid_t nr, struct remote_copy c, const struct iovec_user *mine,
		       const struct iovec_user *theirs, unsigned long flags)
{
	long result;

	if (flags)
		return -EINVAL;
	result = process_vm_rw(nr, &c, mine, theirs);
	kfree(c.mine);
	kfree(c.theirs);
	return result;
}

SYSCALL_DEFINE6(process_vm_readv, pid_t, nr, const struct iovec_user *, mine, unsigned long,
		nr_mine, const struct iovec_user *, theirs, unsigned long, nr_theirs, unsigned long,
		flags)
{
	struct remote_copy c = { .nr_mine = nr_mine, .nr_theirs = nr_theirs };

	return process_vm(nr, c, mine, theirs, flags);
}

SYSCALL_DEFINE6(process_vm_writev, pid_t, nr, const struct iovec_user *, mine, unsigned long,
		nr_mine, const struct iovec_user *, theirs, unsigned long, nr_theirs, unsigned long,
		flags)
{
	struct remote_copy c = { .nr_mine = nr_mine, .nr_theirs = nr_theirs, .write = true };

	return process_vm(nr, c, mine, theirs, flags);
}

/* ---- advice for another process ---- */

/* What one process may say about the memory of another: nothing that changes what it reads. */
static bool harmless_advice(int advice)
{
	enum { WILLNEED = 3, COLD = 20, PAGEOUT, COLLAPSE = 25 };

	return advice == WILLNEED || advice == COLD || advice == PAGEOUT || advice == COLLAPSE;
}

/* Bytes of the vector that were advised, or the error of the first part. Empty parts are looked at in front only, and not
 * when there is nothing else, as by Linux's iterator. */
static long advise_vector(struct mm_struct *mm, const struct iovec_user *vec, unsigned long nr, int advice)
{
	size_t done = 0, left = vector_bytes(vec, nr);
	int err = 0;

	for (unsigned long i = 0; i < nr && left && !err; i++) {
		if (i && !vec[i].len)
			continue;
		err = do_madvise(mm, vec[i].base, vec[i].len, advice);
		if (!err)
			done += vec[i].len;
	}
	return done ? (long)done : err;
}

static long advise_process(unsigned int fd, const struct iovec_user *vec, unsigned long nr, int advice)
{
	struct mm_struct *mm = NULL;
	struct task *p = pidfd_get_task(fd);
	long result = 0;

	if (IS_ERR(p))
		return PTR_ERR(p);
	if (!may_access_process(p, ACCESS_FSCREDS))
		result = -EACCES;
	else
		mm = get_task_mm(p);
	put_task(p);
	if (!mm)
		return result ? result : -ESRCH;
	if (mm != MM && !harmless_advice(advice))
		result = -EINVAL;
	else if (mm != MM && !capable(CAP_SYS_NICE))
		result = -EPERM;
	else
		result = advise_vector(mm, vec, nr, advice);
	mmput(mm);
	return result;
}

SYSCALL_DEFINE5(process_madvise, unsigned int, fd, const struct iovec_user *, uvec, unsigned long, nr, int, advice,
		unsigned int, flags)
{
	struct iovec_user *vec = NULL;
	long result;

	if (flags)
		return -EINVAL;
	result = read_vector(uvec, nr, &vec);
	if (!result)
		result = advise_process(fd, vec, nr, advice);
	kfree(vec);
	return result;
}
