/* SPDX-License-Identifier: MIT */
/* reports_test.c - what is said when a request fails, when frames are misused, and at boot; with the history of page_owner=on. */
#include <string.h>

#include "phys_machine.h"
#include "phys/page_debug.h"
#include "phys/page_owner.h"

static char *text;
static size_t text_len, heard;
static FILE *log_file;
static struct quire_port port;

/* A machine whose callers are known. */
static unsigned int fixed_stack(unsigned long *entries, unsigned int max)
{
	entries[0] = 0x1000;
	entries[1] = 0x2000;
	return 2;
}

static bool fixed_symbol(unsigned long address, char *buf, size_t size)
{
	if (address != 0x1000)
		return false;
	snprintf(buf, size, "who_asked+0x10/0x40");
	return true;
}

static void fixed_task(struct quire_task_id *id)
{
	*id = (struct quire_task_id){.pid = 42, .tgid = 41, .comm = "tester"};
}

static struct hosted_machine *machine_with(const char *cmdline)
{
	struct hosted_config config = {.mem_bytes = 32 << 20, .cpus = 1, .cmdline = cmdline};
	struct hosted_machine *machine;

	heard = 0;
	log_file = open_memstream(&text, &text_len);
	config.log = log_file;
	machine = tap_machine_frames(&config);
	port = hosted_port;
	port.stack_trace = fixed_stack;
	port.symbol = fixed_symbol;
	port.task_id = fixed_task;
	hosted_set_port(machine, &port);
	return machine;
}

/* Forgets what was said. */
static void listen(void)
{
	fflush(log_file);
	heard = text_len;
}

static bool said(const char *what)
{
	bool found;

	fflush(log_file);
	found = strstr(text + heard, what) != NULL;
	if (!found)
		tap_diag("not said: %s; but: %s", what, text + heard);
	return found;
}

static void machine_end(struct hosted_machine *machine, bool all_back)
{
	if (all_back)
		tap_is(phys_pages_in_use(), 0, "every frame came back");
	tap_is(phys_check(), 0, "every invariant holds at the end");
	tap_world_destroy(machine);
	fclose(log_file);
	free(text);
}

static u32 take_everything(void)
{
	u32 chain = PAGE_NO_PFN;
	struct page *page;

	while ((page = alloc_page(__GFP_MEMALLOC | __GFP_NOWARN))) {
		page->lru.next = chain;
		chain = (u32)page_to_pfn(page);
	}
	return chain;
}

static void give_everything(u32 chain)
{
	while (chain != PAGE_NO_PFN) {
		struct page *page = pfn_to_page(chain);

		chain = page->lru.next;
		__free_page(page);
	}
}

static void failure(void)
{
	struct hosted_machine *machine = machine_with(NULL);
	u32 chain = take_everything();

	listen();
	tap_ok(!alloc_pages(GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN, 2), "a request fails");
	fflush(log_file);
	tap_ok(!strstr(text + heard, "failure"), "__GFP_NOWARN: in silence");
	listen();
	tap_ok(!alloc_pages(GFP_ATOMIC | __GFP_ZERO, 2), "the same aloud");
	tap_ok(said("page allocation failure: order:2, mode:0x1000900(GFP_ATOMIC|__GFP_ZERO), nodemask=(null), node 0"),
	       "order, flags spelled out, node");
	tap_ok(said("Mem-Info: ") && said(" pages RAM, 0 free"), "how much there is");
	tap_ok(said("Node 0 DMA free:0kB boost:0kB min:") && said("low:") && said("high:") && said("managed:"), "each zone with its marks");
	tap_ok(said(": below its min watermark"), "and why it refused");
	tap_ok(said("Node 0 DMA32: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 0kB"),
	       "free runs by order");
	tap_ok(said("relief drain: ran ") && said("relief unreserve: ran "), "what was tried");
	give_everything(chain);
	machine_end(machine, true);
}

/* Free memory in single frames only: enough, but not in one piece. */
static void fragmented(void)
{
	struct hosted_machine *machine = machine_with(NULL);
	u32 chain = take_everything(), kept = PAGE_NO_PFN;

	while (chain != PAGE_NO_PFN) {
		struct page *page = pfn_to_page(chain);

		chain = page->lru.next;
		if (page_to_pfn(page) % 2) {
			__free_page(page);
		} else {
			page->lru.next = kept;
			kept = (u32)page_to_pfn(page);
		}
	}
	listen();
	tap_ok(!alloc_pages(GFP_KERNEL | __GFP_DMA32, 3), "no run of eight frames");
	tap_ok(said("Node 0 DMA32 ") && said(": enough is free, but not in one piece"), "the report says so");
	give_everything(kept);
	machine_end(machine, true);
}

static void nonsense(void)
{
	struct hosted_machine *machine = machine_with(NULL);
	static const struct {
		gfp_t gfp;
		unsigned int order;
		const char *why;
		bool served;
	} cases[] = {
		{GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE, 0, "movable and reclaimable at once", true},
		{GFP_KERNEL | __GFP_DMA | __GFP_DMA32, 0, "it names two zones", true},
		{GFP_KERNEL | __GFP_DMA | __GFP_HIGHMEM, 0, "it names two zones", true},
		{GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, 5, "all reserves and none", true},
		{GFP_KERNEL | __GFP_NOFAIL, 4, "must not fail and wants a large run", true},
		{GFP_NOWAIT | __GFP_NOFAIL, 4, "must not fail and may not wait", true},
		{GFP_KERNEL | 1u << 31, 5, "flags that do not exist", true},
		{GFP_KERNEL, MAX_ORDER + 1, "its order is above the maximum", false},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long before = this_phys()->bad_requests;
		struct page *page;

		/* A page at hand must not hide it. */
		__free_pages(alloc_pages(GFP_KERNEL, 0), 0);
		listen();
		page = alloc_pages(cases[i].gfp, cases[i].order);
		tap_ok(said(cases[i].why) && said(" who_asked+0x10/0x40"), "%s: is told, with the caller", cases[i].why);
		tap_is(this_phys()->bad_requests, before + 1, "and counted");
		tap_is(page != NULL, cases[i].served, "%s", cases[i].served ? "what is left of it is served" : "and refused");
		if (page)
			__free_pages(page, cases[i].order);
	}
	machine_end(machine, true);
}

static void history(void)
{
	struct hosted_machine *machine = machine_with("page_owner=on");
	struct page *page = alloc_pages(GFP_KERNEL, 2), *single, *neighbour = alloc_page(GFP_KERNEL);
	const struct page_owner_record *record = page_owner_record(page_to_pfn(page) + 3);

	tap_ok(record && record->allocated && record->order == 2 && record->gfp == GFP_KERNEL && record->who.pid == 42,
	       "every frame of a run knows who has it");
	listen();
	__free_pages(page, 1);
	tap_ok(said("BUG: Bad page state: pfn:") && said("it was given out with another order"), "a wrong order is told");
	tap_ok(said("page last allocated via order 2, migratetype Unmovable, gfp_mask 0xcc0(GFP_KERNEL), pid 42, tgid 41 (tester), ts"),
	       "with the owner");
	tap_ok(said(" who_asked+0x10/0x40") && said(" 0x2000") && said("page was never freed"), "and its callers");
	atomic_store(&page->_refcount, 1);
	split_page(page, 2);
	tap_is(record->order, 0, "after a split each is alone");
	for (unsigned int i = 0; i < 4; i++)
		__free_page(page + i);
	tap_ok(!record->allocated && record->free_pid == 42 && record->free_ts_ns, "who gave it back is kept");
	listen();
	__free_page(page);
	tap_ok(said("freed without a reference (double free?)") && said("page_owner tracks the page as freed") &&
		       said("page last free pid 42 tgid 41 stack trace:"),
	       "a double free is told, with the first one");
	atomic_store(&page->_refcount, 0);
	single = alloc_page(GFP_KERNEL);
	SetPageLocked(single);
	listen();
	free_frozen_pages((atomic_store(&single->_refcount, 0), single), 0);
	tap_ok(said("a flag says that it is in use") && said("flags: 0x") && said("locked|node=0"), "flags are spelled out");
	ClearPageLocked(single);
	free_frozen_pages(single, 0);
	listen();
	__free_page(pfn_to_page(0));
	tap_ok(said("it was never given out (reserved?)"), "a reserved frame");
	listen();
	free_frozen_pages(pfn_to_page(this_phys()->max_pfn + 5), 0);
	tap_ok(said("a page that is none was freed"), "a frame beyond memory");
	__free_page(neighbour);
	tap_is(this_phys()->bad_pages, 5, "all are counted");
	machine_end(machine, true);
}

static void poison(const char *cmdline, unsigned int offset, bool told)
{
	struct hosted_machine *machine = machine_with(cmdline);
	struct page *page = alloc_page(GFP_KERNEL), *again;
	u8 *byte = page_address(page);

	__free_page(page);
	byte[offset] ^= 0xff;
	listen();
	again = alloc_page(GFP_KERNEL);
	tap_is(again == page, 1, "the frame comes back");
	fflush(log_file);
	tap_is(strstr(text + heard, "was written while it was free") != NULL, told, "%s: a write at offset %u while it was free is %stold",
	       cmdline ? cmdline : "no option", offset, told ? "" : "not ");
	if (told)
		tap_ok(said("page last free pid 42") || !strstr(cmdline ? cmdline : "", "page_owner"), "with its history");
	__free_page(again);
	machine_end(machine, true);
}

/* A block's link, and a per-CPU list's entry, written over. */
static void corrupt_lists(void)
{
	struct hosted_machine *machine = machine_with("page_owner=on page_poison=off");
	struct zone *zone = &node_data(0)->node_zones[ZONE_DMA32];
	struct page *page = alloc_page(GFP_KERNEL), *used = alloc_page(GFP_KERNEL);
	struct pageblock *block = pfn_to_block(page_to_pfn(page));
	unsigned long free = zone->nr_free;

	drain_all_frames();
	block->next = 0x12345678;
	listen();
	while (zone->nr_free > free / 2 && !this_phys()->bad_lists)
		used = alloc_pages(GFP_KERNEL, 3);
	tap_ok(said("BUG: list corruption: node 0 zone DMA32, page block"), "a broken list of page blocks is told");
	tap_is(phys_check(), 0, "and made anew");
	tap_ok(alloc_page(GFP_KERNEL) != NULL && phys_check() == 0, "so that the allocator goes on");
	if (QUIRE_DEBUG) {
		struct pcp_list *list = pcp_list_of(this_phys_cpu()->zone_pcp[zone->id], 0, MIGRATE_UNMOVABLE);

		__free_page(alloc_page(GFP_KERNEL));
		list->sp[-1] = used;
		listen();
		tap_ok(alloc_page(GFP_KERNEL) != used, "a page in use is not given out again");
		tap_ok(said("a per-CPU list is corrupt: it holds a page that is in use") && said("pid 42, tgid 41 (tester)"),
		       "and is told, with its owner");
	}
	machine_end(machine, false);
}

static void boot_words(void)
{
	struct hosted_machine *machine = machine_with("memblock=debug");

	tap_ok(said("memblock_add: [0x0000000000001000-0x0000000001ffffff]"), "memblock=debug: what is added");
	tap_ok(said("memblock_reserve: [0x"), "what is taken");
	tap_ok(said("MEMBLOCK configuration:") && said(" memory size = 0x0000000001fff000 reserved size = 0x"), "the sums at the hand-over");
	tap_ok(said(" memory.cnt  = 0x1") && said(" memory[0x0]\t[0x0000000000001000-0x0000000001ffffff], 0x1fff000 bytes on node 0 flags: 0"),
	       "and every region");
	machine_end(machine, true);
	machine = machine_with(NULL);
	fflush(log_file);
	tap_ok(!strstr(text + heard, "memblock_"), "without it: nothing");
	machine_end(machine, true);
}

int main(void)
{
	tap_plan(0);
	failure();
	fragmented();
	nonsense();
	history();
	poison("page_poison=on page_owner=on", 4095, true);
	poison("page_poison=on", 0, true);
	poison(NULL, 8, QUIRE_DEBUG);
	poison(NULL, 4095, QUIRE_DEBUG);
	poison("page_poison=off", 8, false);
	corrupt_lists();
	boot_words();
	return tap_done();
}
