/* SPDX-License-Identifier: MIT */
/* rseq.c - restartable sequences: the area in user memory that tells a thread its CPU. */
#include "arch/acpi.h"
#include "arch/smp.h"
#include "base/string.h"
#include "proc/signal.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

struct rseq {
	u32 cpu_id_start, cpu_id;
	u64 rseq_cs;
	u32 flags, node_id, mm_cid;
	char end[];
};
_Static_assert(offsetof(struct rseq, end) == RSEQ_FEATURE_BYTES, "what AT_RSEQ_FEATURE_SIZE says");

struct rseq_cs {
	u32 version, flags;
	u64 start_ip, post_commit_offset, abort_ip;
};

#define RSEQ_FLAG_UNREGISTER 1
#define RSEQ_CPU_ID_UNINITIALIZED ((u32)-1)

/* An interrupted critical section starts over at its abort handler. False: the area is not
 * usable. */
static bool abort_section(struct task *p, struct pt_regs *regs)
{
	struct rseq_cs cs;
	u64 at;
	u32 signature;

	if (get_user(at, &p->rseq->rseq_cs))
		return false;
	if (!at)
		return true;
	if (copy_from_user(&cs, (void *)(uintptr_t)at, sizeof(cs)) || cs.version)
		return false;
	if (regs->ip - cs.start_ip >= cs.post_commit_offset)
		return put_user((u64)0, &p->rseq->rseq_cs) == 0;
	if (get_user(signature, (u32 *)(uintptr_t)(cs.abort_ip - sizeof(u32))) || signature != p->rseq_sig)
		return false;
	if (put_user((u64)0, &p->rseq->rseq_cs))
		return false;
	regs->ip = cs.abort_ip;
	set_thread_flag(&p->thread, TIF_FULL_RETURN);
	return true;
}

static bool update_cpu(struct task *p)
{
	u32 cpu = this_percpu.cpu, words[2] = { cpu, cpu };
	/* The CPU is a number that no two running threads of an mm share, which is all that mm_cid promises. */
	u32 more[2] = { acpi.cpu_to_node[cpu], cpu };

	if (p->rseq_cpu == (int)cpu)
		return true;
	if (copy_to_user(p->rseq, words, sizeof(words)) || copy_to_user(&p->rseq->node_id, more, sizeof(more)))
		return false;
	/* The copy may have slept: what it wrote is what counts. */
	p->rseq_cpu = (int)cpu;
	return true;
}

void rseq_resume(struct pt_regs *regs)
{
	struct task *p = current;

	if (!p->rseq)
		return;
	if (!abort_section(p, regs) || !update_cpu(p)) {
		p->rseq = NULL;
		force_sig(SIGSEGV);
	}
}

SYSCALL_DEFINE4(rseq, struct rseq *, area, u32, len, int, flags, u32, sig)
{
	struct task *p = current;

	if (flags & RSEQ_FLAG_UNREGISTER) {
		if (flags & ~RSEQ_FLAG_UNREGISTER || !p->rseq || p->rseq != area ||
		    p->rseq_len != len)
			return -EINVAL;
		if (p->rseq_sig != sig)
			return -EPERM;
		if (put_user(RSEQ_CPU_ID_UNINITIALIZED, &area->cpu_id) || clear_user(&area->node_id, 2 * sizeof(u32)))
			return -EFAULT;
		p->rseq = NULL;
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (p->rseq) {
		if (p->rseq != area || p->rseq_len != len)
			return -EINVAL;
		return p->rseq_sig == sig ? -EBUSY : -EPERM;
	}
	if (len < RSEQ_ALIGN_BYTES || (unsigned long)area % RSEQ_ALIGN_BYTES)
		return -EINVAL;
	if (!access_ok(area, len))
		return -EFAULT;
	p->rseq = area;
	p->rseq_len = len;
	p->rseq_sig = sig;
	p->rseq_cpu = -1;
	set_thread_flag(&p->thread, TIF_NOTIFY_RESUME);
	return 0;
}
