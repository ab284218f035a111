/* SPDX-License-Identifier: MIT */
/*
 * meminfo_test.c - /proc/meminfo: the form that free(1) and top(1) read, and every figure against the frames themselves.
 *
 * The frames are counted one by one, by owner, and must agree with the counters that the rooms keep.
 */
#include "../vm/vm_machine.h"
#include "kmem/slab_int.h"
#include "phys/frames.h"
#include "phys/phys_state.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"
#include "texts.h"

#define KB_A_PAGE (PG / 1024)

static unsigned long frames_of[NR_PAGE_OWNERS];

static void count_frames(void)
{
	memset(frames_of, 0, sizeof(frames_of));
	for (pfn_t pfn = 0; pfn < this_phys()->max_pfn; pfn++)
		frames_of[frame_owner(pfn)]++;
}

static unsigned long meminfo(const char *name)
{
	return text_value(text_of(quire_show_meminfo), name);
}

/* Every line as procps takes it apart: a name, a colon, a number, kB; numbers end in one column. */
static void form(void)
{
	static const char *const wanted[] = { "MemTotal:", "MemFree:", "MemAvailable:", "Buffers:", "Cached:", "SwapCached:", "Active:",
		"Inactive:", "SwapTotal:", "SwapFree:", "Dirty:", "Writeback:", "AnonPages:", "Mapped:", "Shmem:", "Slab:",
		"SReclaimable:", "SUnreclaim:", "KernelStack:", "PageTables:", "CommitLimit:", "Committed_AS:", "VmallocTotal:",
		"VmallocUsed:" };
	const char *text = text_of(quire_show_meminfo), *at = text;
	unsigned int good = 0, lines = 0;
	char name[32], unit[8];
	unsigned long value;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
		good += sscanf(line, "%31[A-Za-z_()0-9]: %lu %7s", name, &value, unit) == 3 && !strcmp(unit, "kB") &&
			strchr(line, '\n') - line >= 27 && line[24] == ' ';
	tap_ok(lines >= 24, "there are lines: %u", lines);
	tap_is(good, lines, "each is a name, a number and kB, in columns");
	for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *found = strstr(at, wanted[i]);

		tap_ok(found, "%s is there, behind the one before it", wanted[i]);
		at = found ? found : at;
	}
	tap_ok(!strstr(text, "HighTotal:"), "no line for memory that cannot exist here");
}

/* What must be true of the figures at any time when nothing else runs. */
static void adds_up(const char *when)
{
	unsigned long allocated = 0;

	count_frames();
	for (unsigned int owner = PAGE_OWNER_KERNEL; owner < NR_PAGE_OWNERS; owner++)
		allocated += frames_of[owner];
	tap_is(meminfo("MemTotal:"), text_zoneinfo_sum("\n        managed  ") * KB_A_PAGE, "%s: MemTotal is the managed pages", when);
	tap_is(meminfo("MemFree:"), frames_of[PAGE_OWNER_BUDDY] * KB_A_PAGE, "%s: MemFree is the free frames", when);
	tap_is(meminfo("MemFree:"), (text_buddy_pages() + text_zoneinfo_sum("\n              count: ")) * KB_A_PAGE,
	       "%s: MemFree is buddyinfo and the per-CPU lists", when);
	tap_is(meminfo("MemTotal:") - meminfo("MemFree:"), (allocated + frames_of[PAGE_OWNER_ZERO]) * KB_A_PAGE,
	       "%s: what is not free has an owner", when);
	tap_is(meminfo("Slab:"), frames_of[PAGE_OWNER_SLAB] * KB_A_PAGE, "%s: Slab is the frames of slabs", when);
	tap_is(meminfo("Slab:"), meminfo("SReclaimable:") + meminfo("SUnreclaim:"), "%s: and the sum of its kinds", when);
	tap_is(meminfo("AnonPages:"), frames_of[PAGE_OWNER_ANON] * KB_A_PAGE, "%s: AnonPages is the anonymous frames", when);
	tap_is(meminfo("Cached:"), frames_of[PAGE_OWNER_FILE] * KB_A_PAGE, "%s: Cached is the frames of files", when);
	tap_is(meminfo("VmallocUsed:"), (frames_of[PAGE_OWNER_VMALLOC] + frames_of[PAGE_OWNER_STACK]) * KB_A_PAGE,
	       "%s: VmallocUsed is the frames in kernel ranges", when);
	tap_is(meminfo("Active:"), meminfo("Active(anon):") + meminfo("Active(file):"), "%s: Active is both kinds", when);
	tap_is(meminfo("Inactive:"), meminfo("Inactive(anon):") + meminfo("Inactive(file):"), "%s: so is Inactive", when);
	tap_is(meminfo("Active:") + meminfo("Inactive:") + meminfo("Unevictable:"), meminfo("AnonPages:") + meminfo("Cached:"),
	       "%s: every page of a program or a file is on a list", when);
	tap_ok(meminfo("MemAvailable:") <= meminfo("MemFree:") + meminfo("Cached:") + meminfo("SReclaimable:"),
	       "%s: MemAvailable is not more than there could be", when);
}

/* A program's memory shows up in the figures that name it, page by page, and goes from them. */
static void program(struct mm_struct *mm)
{
	unsigned long anon = meminfo("AnonPages:"), tables = meminfo("PageTables:"), free_kb = meminfo("MemFree:"), addr, touched = 0;

	addr = map_anon(mm, 1024, PROT_READ | PROT_WRITE, 0);
	tap_is(meminfo("AnonPages:"), anon, "a mapping alone has no pages");
	for (unsigned long i = 0; i < 1024; i += 2)
		touched += !poke(addr + i * PG, 1);
	tap_is(touched, 512, "512 of its pages are written");
	tap_is(meminfo("AnonPages:"), anon + 512 * KB_A_PAGE, "AnonPages has them");
	tap_ok(meminfo("PageTables:") >= tables + 2 * KB_A_PAGE, "PageTables has the tables of 4 MiB");
	tap_ok(meminfo("MemFree:") <= free_kb - 512 * KB_A_PAGE, "MemFree lacks them");
	tap_ok(meminfo("Committed_AS:") >= 1024 * KB_A_PAGE, "Committed_AS has what was promised");
	adds_up("with a program");
	tap_is(do_munmap(mm, addr, 1024 * PG), 0, "unmapped");
	tap_is(meminfo("AnonPages:"), anon, "AnonPages is as before");
	tap_is(meminfo("PageTables:"), tables, "so is PageTables");
}

static unsigned char letter(u64 i)
{
	return (unsigned char)('a' + i % 26);
}

static void file(struct mm_struct *mm)
{
	static struct test_file file;
	unsigned long cached = meminfo("Cached:"), addr;
	struct mmap_file handle;

	test_file_init(&file, "/figures", 16 * PG);
	test_file_fill(&file, letter);
	handle = test_file_handle(&file, true);
	addr = do_mmap(mm, 0, 16 * PG, PROT_READ, MAP_SHARED, &handle, 0);
	tap_is(peek(addr), 'a', "a file is mapped");
	tap_is(meminfo("Cached:"), cached + 16 * KB_A_PAGE, "Cached has the file's pages");
	tap_ok(meminfo("Mapped:") >= KB_A_PAGE, "Mapped has what is mapped of it");
	adds_up("with a file");
	tap_is(do_munmap(mm, addr, 16 * PG), 0, "the file is unmapped");
	test_file_gone(&file);
	tap_is(meminfo("Cached:"), cached, "Cached is as before");
}

static void kernel(void)
{
	unsigned long used = meminfo("VmallocUsed:"), slab = meminfo("Slab:");
	void *objects[64], *area = vmalloc(10 * PG), *stack = kernel_stack_alloc(4 * PG);

	tap_is(meminfo("VmallocUsed:"), used + 14 * KB_A_PAGE, "VmallocUsed has an area and a stack");
	tap_is(meminfo("KernelStack:"), 4 * KB_A_PAGE, "KernelStack has the stack");
	for (unsigned int i = 0; i < 64; i++)
		objects[i] = kmalloc(4096, GFP_KERNEL);
	tap_ok(meminfo("Slab:") >= slab + 48 * KB_A_PAGE, "Slab has 64 objects of a page");
	adds_up("with an area, a stack and objects");
	for (unsigned int i = 0; i < 64; i++)
		kfree(objects[i]);
	kernel_stack_free(stack);
	vfree(area);
	tap_is(meminfo("KernelStack:"), 0, "a stack that is kept for the next is not in use");
	adds_up("after them");
}

int main(void)
{
	struct hosted_machine *machine;
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(64 << 20, 2);
	form();
	adds_up("after boot");
	program(mm);
	file(mm);
	adds_up("after all");
	vm_machine_end(mm);
	/* Tables of kernel ranges stay, so this has a machine of its own. */
	machine = tap_machine(64 << 20, 2, 1);
	kernel();
	tap_machine_end(machine);
	return tap_done();
}
