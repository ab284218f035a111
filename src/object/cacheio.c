/* SPDX-License-Identifier: MIT */
/* cacheio.c - read and write an object's bytes through its cached pages. */
#include "base/assert.h"
#include "base/math.h"
#include "base/string.h"
#include "object/lru.h"
#include "object/object.h"
#include "object/pagecache.h"
#include "phys/memmap.h"
#include "quire/errno.h"

/* Pages looked up at a time: what one look into the tree gives without making the stack large. */
#define IO_ROW 16u

/* A transfer between the cache and whoever copies, and how far it is. */
struct cache_io {
	struct address_space *mapping;
	cache_copy_fn copy;
	void *cookie;
	u64 pos;           /* of the next byte, in the object */
	size_t left, done; /* bytes */
};

static __always_inline void io_advance(struct cache_io *io, size_t bytes)
{
	io->pos += bytes;
	io->left -= bytes;
	io->done += bytes;
}

/* True when all of the chunk was copied. */
static __always_inline bool io_copy(struct cache_io *io, void *kaddr, size_t chunk)
{
	size_t copied = io->copy(io->cookie, kaddr, chunk, io->done);

	io_advance(io, copied);
	return likely(copied == chunk);
}

/* Of the pages in a row, how many from the first on are valid and lie side by side in memory, so that one copy does. */
static __always_inline unsigned int io_stretch(struct page *const *pages, unsigned int nr)
{
	struct page *first = pages[0];
	unsigned int n = 0;

	while (n < nr && pages[n] == first + n && PageUptodate(first + n))
		n++;
	return n;
}

/* Nothing left to say about a page that has these. */
#define READ_MARKS (1u << PG_referenced | 1u << PG_active)
#define WRITE_MARKS (READ_MARKS | 1u << PG_dirty)

/* After the copy, so that no write-back in between takes the page for clean. */
static __always_inline void io_mark(struct page *page, bool writing)
{
	u32 marks = writing ? WRITE_MARKS : READ_MARKS;

	if (likely((atomic_load_explicit(&page->flags, memory_order_relaxed) & marks) == marks))
		return;
	if (writing)
		account_page_dirtied(page);
	mark_page_accessed(page);
}

/*
 * What one look into the tree finds of the transfer's next pages, as far as they are there and valid. 0, or -EFAULT after a short
 * copy; io->done has not moved when the first page needs more than a look.
 */
static __always_inline int io_row(struct cache_io *io, bool writing)
{
	size_t offset = (size_t)(io->pos & (PAGE_SIZE - 1));
	unsigned int nr = (unsigned int)min_t(size_t, (offset + io->left + PAGE_SIZE - 1) >> PAGE_SHIFT, IO_ROW), at = 0;
	struct page *pages[IO_ROW];
	bool whole = true;

	nr = find_get_row(io->mapping, (pgoff_t)(io->pos >> PAGE_SHIFT), nr, pages);
	while (at < nr && whole) {
		unsigned int n = io_stretch(pages + at, nr - at);

		if (unlikely(!n))
			break;
		whole = io_copy(io, (char *)page_address(pages[at]) + offset,
				min_t(size_t, io->left, ((size_t)n << PAGE_SHIFT) - offset));
		for (offset = 0; n; n--)
			io_mark(pages[at++], writing);
	}
	put_pages(pages, nr);
	return whole ? 0 : -EFAULT;
}

/* The usual transfer: within one page that is there and valid. Bytes, -EFAULT, or 0 when it is not that simple. */
static __always_inline long io_within_page(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy,
					   void *cookie, bool writing)
{
	size_t offset = (size_t)(pos & (PAGE_SIZE - 1)), copied;
	struct page *page;

	if (bytes > PAGE_SIZE - offset)
		return 0;
	page = find_get_page(mapping, (pgoff_t)(pos >> PAGE_SHIFT));
	if (!page)
		return 0;
	if (unlikely(!PageUptodate(page))) {
		put_page(page);
		return 0;
	}
	copied = copy(cookie, (char *)page_address(page) + offset, bytes, 0);
	io_mark(page, writing);
	put_page(page);
	return likely(copied) || !bytes ? (long)copied : -EFAULT;
}

/* The page at io->pos, which must be read or is a hole: NULL for that of a RAM object. ERR_PTR of a failed read. */
static struct page *page_for_read(const struct cache_io *io)
{
	pgoff_t index = (pgoff_t)(io->pos >> PAGE_SHIFT);
	struct page *page = find_get_page(io->mapping, index);

	if (page) {
		if (PageUptodate(page))
			return page;
		put_page(page);
	} else if (mapping_is_ram(io->mapping)) {
		return NULL;
	}
	return read_cache_page(io->mapping, index);
}

/* One page that a look into the tree did not give. 0, -EFAULT or the error of a failed read. */
static __noinline int read_page_slow(struct cache_io *io)
{
	size_t offset = (size_t)(io->pos & (PAGE_SIZE - 1));
	struct page *page = page_for_read(io);
	const struct page *from = page ? page : this_object()->zeros;
	bool whole;

	if (IS_ERR(page))
		return (int)PTR_ERR(page);
	whole = io_copy(io, (char *)page_address(from) + offset, min_t(size_t, io->left, PAGE_SIZE - offset));
	if (page) {
		io_mark(page, false);
		put_page(page);
	}
	return whole ? 0 : -EFAULT;
}

static __noinline long read_pages(struct cache_io *io)
{
	int err = 0;

	while (io->left && !err) {
		size_t before = io->done;

		err = io_row(io, false);
		if (unlikely(io->done == before) && !err)
			err = read_page_slow(io);
	}
	return io->done ? (long)io->done : err;
}

long page_cache_read(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie)
{
	u64 size = mapping->ops->size(mapping);
	struct cache_io io = { .mapping = mapping, .copy = copy, .cookie = cookie, .pos = pos };
	long done;

	if (unlikely(pos >= size))
		return 0;
	io.left = (size_t)min_t(u64, bytes, size - pos);
	done = io_within_page(mapping, pos, io.left, copy, cookie, false);
	return done ? done : read_pages(&io);
}

/* Somebody else inserted a page meanwhile: what was taken from the caller, which cannot be taken again, goes into theirs. */
static int write_other_page(struct cache_io *io, const struct page *filled, size_t bytes)
{
	int err;
	struct page *page = ram_page_get(io->mapping, (pgoff_t)(io->pos >> PAGE_SHIFT), false, &err);

	if (!page)
		return err;
	memcpy(page_address(page), page_address(filled), bytes);
	io_mark(page, true);
	put_page(page);
	return 0;
}

/* Puts a page into the cache that holds `bytes` of the caller's. The page's reference and charge are given away. 0 or -errno. */
static int insert_new_page(struct cache_io *io, struct page *page, size_t bytes)
{
	struct address_space *mapping = io->mapping;
	int err;

	SetPageUptodate(page);
	SetPageDirty(page);
	err = add_to_page_cache(page, mapping, (pgoff_t)(io->pos >> PAGE_SHIFT), mapping->gfp);
	if (likely(!err)) {
		put_page(page);
		return 0;
	}
	if (err == -EEXIST)
		err = write_other_page(io, page, bytes);
	ClearPageUptodate(page);
	ClearPageDirty(page);
	put_page(page);
	mapping_uncharge(mapping, 1);
	return err;
}

/*
 * A whole new page of a RAM object: filled before it is inserted, so that it need not be cleared and nobody sees it half
 * written. 0 or -errno, -EFAULT also after a short copy.
 */
static __noinline int write_new_page(struct cache_io *io)
{
	struct address_space *mapping = io->mapping;
	int err = mapping_charge(mapping, 1);
	struct page *page;
	size_t copied;

	if (err)
		return err;
	page = alloc_page(mapping->gfp);
	if (!page) {
		mapping_uncharge(mapping, 1);
		return -ENOMEM;
	}
	copied = io->copy(io->cookie, page_address(page), PAGE_SIZE, io->done);
	if (unlikely(copied < PAGE_SIZE))
		memset((char *)page_address(page) + copied, 0, PAGE_SIZE - copied);
	if (unlikely(!copied)) {
		put_page(page);
		mapping_uncharge(mapping, 1);
		return -EFAULT;
	}
	err = insert_new_page(io, page, copied);
	if (unlikely(err))
		return err;
	io_advance(io, copied);
	return likely(copied == PAGE_SIZE) ? 0 : -EFAULT;
}

/* One page that a look into the tree did not give. 0, -EFAULT or the error that stands in the way. */
static int write_page_slow(struct cache_io *io)
{
	pgoff_t index = (pgoff_t)(io->pos >> PAGE_SHIFT);
	size_t offset = (size_t)(io->pos & (PAGE_SIZE - 1));
	struct page *page;
	bool whole;
	int err = 0;

	if (mapping_is_ram(io->mapping)) {
		if (!offset && io->left >= PAGE_SIZE)
			return write_new_page(io);
		page = ram_page_get(io->mapping, index, false, &err);
	} else {
		/* Read even when all of it will be overwritten: the copy may come out short. */
		page = read_cache_page(io->mapping, index);
		if (IS_ERR(page))
			err = (int)PTR_ERR(page);
	}
	if (err)
		return err;
	whole = io_copy(io, (char *)page_address(page) + offset, min_t(size_t, io->left, PAGE_SIZE - offset));
	io_mark(page, true);
	put_page(page);
	return whole ? 0 : -EFAULT;
}

/* missing: the first page is known not to be there, or not to be valid. */
static __noinline long write_pages(struct cache_io *io, bool missing)
{
	int err = 0;

	for (; io->left && !err; missing = false) {
		size_t before = io->done;

		if (!missing)
			err = io_row(io, true);
		if (io->done == before && !err)
			err = write_page_slow(io);
	}
	return io->done ? (long)io->done : err;
}

long page_cache_write(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie)
{
	struct cache_io io = { .mapping = mapping, .copy = copy, .cookie = cookie, .pos = pos, .left = bytes };
	long done = io_within_page(mapping, pos, bytes, copy, cookie, true);

	return done ? done : write_pages(&io, bytes <= PAGE_SIZE - (pos & (PAGE_SIZE - 1)));
}
