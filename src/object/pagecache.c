/* SPDX-License-Identifier: MIT */
/* pagecache.c - find, add and remove the cached pages of an object. */
#include "object/pagecache.h"

#include "base/assert.h"
#include "base/math.h"
#include "object/lru.h"
#include "object/object.h"
#include "phys/memmap.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/stats.h"
#include "sync/rcu.h"

static void xa_node_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(this_object()->xa_cache, container_of((void **)head, struct xa_node, link[0]));
}

void object_free_xa_node(struct xa_node *node)
{
	static_assert(sizeof(struct rcu_head) <= sizeof(node->link), "an rcu_head fits in the links");

	call_rcu((struct rcu_head *)node->link, xa_node_free_rcu);
}

void address_space_init(struct address_space *mapping, const struct address_space_operations *ops, void *host, gfp_t gfp,
			unsigned long flags)
{
	xa_init(&mapping->i_pages, object_free_xa_node);
	spin_lock_init(&mapping->pages_lock, LOCK_PAGES);
	mapping->nrpages = 0;
	mapping->i_mmap = RB_ROOT;
	init_rwsem(&mapping->i_mmap_lock, LOCK_I_MMAP);
	init_rwsem(&mapping->invalidate_lock, LOCK_INVALIDATE);
	atomic_init(&mapping->i_mmap_writable, 0);
	mapping->ops = ops;
	mapping->host = host;
	mapping->gfp = gfp;
	mapping->flags = flags;
}

void address_space_destroy(struct address_space *mapping)
{
	truncate_inode_pages_range(mapping, 0, ~0ull);
	QUIRE_ASSERT(mapping->nrpages == 0 && rb_root_empty(&mapping->i_mmap));
}

/* A reference on a page found in the tree; false when the frame has become, or is becoming, something else meanwhile. */
static __always_inline bool get_found_page(struct page *page, u64 word, pgoff_t index)
{
	if (unlikely(!get_page_unless_zero(page)))
		return false;
	if (likely(page_is_at(page, word, index)))
		return true;
	put_page(page);
	return false;
}

struct page *find_get_page(struct address_space *mapping, pgoff_t index)
{
	u64 word = page_mapping_word((unsigned long)mapping, index);
	struct page *page;

	rcu_read_lock();
	do {
		page = xa_load(&mapping->i_pages, index);
	} while (page && unlikely(!get_found_page(page, word, index)));
	rcu_read_unlock();
	return page;
}

/* A leaf of the tree never reaches across a change of the index's upper bits, so that one word serves all of its pages. */
static_assert(XA_SHIFT <= 32, "one mapping word for all pages of a leaf");

unsigned int find_get_run(struct address_space *mapping, pgoff_t index, unsigned int nr, struct page **pages)
{
	u64 word = page_mapping_word((unsigned long)mapping, index);
	void *const *slots;

	rcu_read_lock();
	slots = xa_slots(&mapping->i_pages, index, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct page *page = slots ? xa_slot(&slots[i]) : NULL;

		pages[i] = page && likely(get_found_page(page, word, index + i)) ? page : NULL;
	}
	rcu_read_unlock();
	return nr;
}

unsigned int find_get_row(struct address_space *mapping, pgoff_t index, unsigned int nr, struct page **pages)
{
	u64 word = page_mapping_word((unsigned long)mapping, index);
	void *const *slots;
	unsigned int got;

	rcu_read_lock();
	slots = xa_slots(&mapping->i_pages, index, &nr);
	for (got = 0; likely(slots) && got < nr; got++) {
		struct page *page = xa_slot(&slots[got]);

		if (unlikely(!page) || unlikely(!get_found_page(page, word, index + got)))
			break;
		pages[got] = page;
	}
	rcu_read_unlock();
	return got;
}

struct page *find_lock_page(struct address_space *mapping, pgoff_t index)
{
	struct page *page;

	for (;;) {
		page = find_get_page(mapping, index);
		if (!page)
			return NULL;
		lock_page(page);
		if (likely(page_is_at(page, page_mapping_word((unsigned long)mapping, index), index)))
			return page;
		unlock_page(page);
		put_page(page);
	}
}

unsigned int find_get_pages(struct address_space *mapping, pgoff_t *index, pgoff_t end, unsigned int nr,
			    struct page **pages)
{
	unsigned int found = 0;
	unsigned long at = *index;
	struct page *page;

	rcu_read_lock();
	while (found < nr && at <= end) {
		page = xa_find(&mapping->i_pages, &at, end, XA_PRESENT);
		if (!page)
			break;
		if (!get_found_page(page, page_mapping_word((unsigned long)mapping, at), at))
			continue;
		pages[found++] = page;
		*index = ++at;
		if (!at)
			break;
	}
	rcu_read_unlock();
	return found;
}

static bool purse_fill(struct xa_purse *purse, unsigned int need, gfp_t gfp)
{
	while (purse->nr < need) {
		struct xa_node *node = kmem_cache_alloc(this_object()->xa_cache, gfp);

		if (!node)
			return false;
		xa_purse_put(purse, node);
	}
	return true;
}

static void purse_empty(struct xa_purse *purse)
{
	struct xa_node *node;

	while ((node = xa_purse_take(purse)) != NULL)
		kmem_cache_free(this_object()->xa_cache, node);
}

/*
 * Inserts under the tree's lock, buying nodes for the tree only when it turns out to need some. The page says where it is only when it is
 * there: a look-up may hold an old slot's pointer to this frame, and must not take a page for the object's that never becomes it.
 */
static int tree_insert(struct address_space *mapping, pgoff_t index, struct page *page, gfp_t gfp)
{
	struct xa_purse purse = XA_PURSE_INIT;
	unsigned int need = 0;
	unsigned long irq;
	int err;

	for (;;) {
		spin_lock_irqsave(&mapping->pages_lock, irq);
		err = xa_insert(&mapping->i_pages, index, page, &purse);
		if (!err) {
			page_set_mapping(page, (unsigned long)mapping, index);
			WRITE_ONCE(mapping->nrpages, mapping->nrpages + 1);
		} else if (err == -ENOMEM) {
			/* Asked of the tree: higher indices may be there, and then a low one needs more than by itself. */
			need = xa_nodes_needed(&mapping->i_pages, index);
		}
		spin_unlock_irqrestore(&mapping->pages_lock, irq);
		if (likely(err != -ENOMEM))
			break;
		if (!purse_fill(&purse, need, gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_ZERO)))
			break;
	}
	if (unlikely(purse.nr))
		purse_empty(&purse);
	return err == -EBUSY ? -EEXIST : err;
}

/* `nr` pages of the node that `page` is of are in the cache now, or not any more. */
static void count_cached(const struct address_space *mapping, const struct page *page, long nr)
{
	mod_node_page_state(page_to_nid(page), NR_FILE_PAGES, nr);
	if (mapping->flags & (1ul << AS_SWAPBACKED))
		mod_node_page_state(page_to_nid(page), NR_SHMEM, nr);
}

static void count_uncached_row(const struct address_space *mapping, struct page **pages, unsigned int nr)
{
	unsigned int i, end;

	for (i = 0; i < nr; i = end) {
		for (end = i + 1; end < nr && page_to_nid(pages[end]) == page_to_nid(pages[i]); end++)
			;
		count_cached(mapping, pages[i], -(long)(end - i));
	}
}

void recount_moved(const struct address_space *mapping, const struct page *from, const struct page *to)
{
	if (likely(page_to_nid(from) == page_to_nid(to)))
		return;
	count_cached(mapping, from, -1);
	count_cached(mapping, to, 1);
	if (PageDirty(to) && !mapping_is_ram(mapping)) {
		mod_node_page_state(page_to_nid(from), NR_FILE_DIRTY, -1);
		mod_node_page_state(page_to_nid(to), NR_FILE_DIRTY, 1);
	}
}

int add_to_page_cache(struct page *page, struct address_space *mapping, pgoff_t index, gfp_t gfp)
{
	bool ram = mapping->flags & (1ul << AS_SWAPBACKED);
	int err;

	page_set_owner(page, PAGE_OWNER_FILE);
	atomic_store_explicit(&page->_mapcount, -1, memory_order_relaxed);
	if (ram)
		SetPageSwapBacked(page);
	get_page(page);
	err = tree_insert(mapping, index, page, gfp);
	if (unlikely(err)) {
		page_set_owner(page, PAGE_OWNER_KERNEL);
		ClearPageSwapBacked(page);
		put_page_testzero(page);
		return err;
	}
	count_cached(mapping, page, 1);
	lru_cache_add(page);
	return 0;
}

void remove_row_from_page_cache(struct address_space *mapping, pgoff_t index, struct page **pages, unsigned int nr)
{
	unsigned long irq;

	spin_lock_irqsave(&mapping->pages_lock, irq);
	xa_erase_row(&mapping->i_pages, index, nr);
	WRITE_ONCE(mapping->nrpages, mapping->nrpages - nr);
	spin_unlock_irqrestore(&mapping->pages_lock, irq);
	for (unsigned int i = 0; i < nr; i++) {
		QUIRE_ASSERT(PageLocked(pages[i]) && page_mapping(pages[i]) == mapping && page_index(pages[i]) == index + i);
		page_set_mapping(pages[i], 0, index + i);
	}
	count_uncached_row(mapping, pages, nr);
	for (unsigned int i = 0; i < nr; i++)
		put_page(pages[i]);
}

bool remove_unused_page(struct address_space *mapping, struct page *page)
{
	pgoff_t index = page_index(page);
	int expected = 2;
	unsigned long irq;

	QUIRE_ASSERT(PageLocked(page) && page_mapping(page) == mapping && page_mapcount(page) == 0);
	spin_lock_irqsave(&mapping->pages_lock, irq);
	/* With no references it cannot be found: who looks it up tries again, and then there is nothing. */
	if (!atomic_compare_exchange_strong(&page->_refcount, &expected, 0)) {
		spin_unlock_irqrestore(&mapping->pages_lock, irq);
		return false;
	}
	xa_erase_row(&mapping->i_pages, index, 1);
	WRITE_ONCE(mapping->nrpages, mapping->nrpages - 1);
	page_set_mapping(page, 0, index);
	spin_unlock_irqrestore(&mapping->pages_lock, irq);
	count_cached(mapping, page, -1);
	/* Release: who takes the frame over sees all of this. */
	atomic_store_explicit(&page->_refcount, 1, memory_order_release);
	return true;
}

/* A fresh page in the cache, locked or already up to date. NULL with *err. */
static struct page *new_cache_page(struct address_space *mapping, pgoff_t index, bool zeroed, int *err)
{
	struct page *page;

	*err = mapping_charge(mapping, 1);
	if (*err)
		return NULL;
	page = alloc_page(mapping->gfp | (zeroed ? __GFP_ZERO : 0));
	if (!page) {
		*err = -ENOMEM;
		goto uncharge;
	}
	if (zeroed)
		SetPageUptodate(page);
	else
		SetPageLocked(page);
	*err = add_to_page_cache(page, mapping, index, mapping->gfp);
	if (!*err)
		return page;
	ClearPageLocked(page);
	ClearPageUptodate(page);
	put_page(page);
uncharge:
	mapping_uncharge(mapping, 1);
	return NULL;
}

struct page *grab_cache_page(struct address_space *mapping, pgoff_t index)
{
	int err = -EEXIST;

	while (err == -EEXIST) {
		struct page *page = find_lock_page(mapping, index);

		if (!page)
			page = new_cache_page(mapping, index, false, &err);
		if (page)
			return page;
	}
	return ERR_PTR(err);
}

struct page *ram_page_get(struct address_space *mapping, pgoff_t index, bool check_size, int *err)
{
	struct page *page;

	for (;;) {
		/* Also after an attempt that found the place taken. */
		*err = 0;
		page = find_get_page(mapping, index);
		if (page)
			return page;
		/* The object must not shrink between the check of its size and the insertion. */
		down_read(&mapping->invalidate_lock);
		if (check_size && index >= bytes_to_pages(mapping->ops->size(mapping)))
			*err = -EFBIG;
		else
			page = new_cache_page(mapping, index, true, err);
		up_read(&mapping->invalidate_lock);
		if (page || *err != -EEXIST)
			return page;
	}
}

int ram_page_add(struct address_space *mapping, pgoff_t index, struct page *page)
{
	int err = -EFBIG;

	down_read(&mapping->invalidate_lock);
	if (index < bytes_to_pages(mapping->ops->size(mapping)))
		err = mapping_charge(mapping, 1);
	if (!err) {
		SetPageUptodate(page);
		err = add_to_page_cache(page, mapping, index, mapping->gfp);
		if (err) {
			ClearPageUptodate(page);
			mapping_uncharge(mapping, 1);
		}
	}
	up_read(&mapping->invalidate_lock);
	return err;
}

struct page *read_cache_page(struct address_space *mapping, pgoff_t index)
{
	struct page *page;
	int err;

	if (mapping_is_ram(mapping)) {
		page = ram_page_get(mapping, index, false, &err);
		return page ? page : ERR_PTR(err);
	}
	page = find_get_page(mapping, index);
	if (page && PageUptodate(page))
		return page;
	if (page)
		put_page(page);
	page = grab_cache_page(mapping, index);
	if (IS_ERR(page))
		return page;
	if (PageUptodate(page)) {
		unlock_page(page);
		return page;
	}
	err = mapping->ops->read_page(mapping, page);
	if (!err) {
		wait_on_page_locked(page);
		err = PageUptodate(page) ? 0 : -EIO;
	}
	if (!err)
		return page;
	put_page(page);
	return ERR_PTR(err);
}

void set_page_dirty(struct page *page)
{
	struct address_space *mapping = page_mapping(page);
	unsigned long irq;

	if (page_test_and_set_flag(page, PG_dirty) || !mapping || mapping_is_ram(mapping))
		return;
	spin_lock_irqsave(&mapping->pages_lock, irq);
	xa_set_mark(&mapping->i_pages, page_index(page), XA_MARK_0);
	spin_unlock_irqrestore(&mapping->pages_lock, irq);
	mod_node_page_state(page_to_nid(page), NR_FILE_DIRTY, 1);
}
