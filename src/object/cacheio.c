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

/* Pages looked up at a time. */
#define READ_RUN 16u

/* A page to read from: cached, or read now; NULL for a hole of a RAM object. */
static struct page *page_for_read(struct address_space *mapping, pgoff_t index)
{
	struct page *page = find_get_page(mapping, index);

	if (likely(page)) {
		if (likely(PageUptodate(page)))
			return page;
		put_page(page);
	} else if (mapping_is_ram(mapping)) {
		return NULL;
	}
	return read_cache_page(mapping, index);
}

/* One page's part of a read, and what travels from part to part. */
struct cache_read {
	cache_copy_fn copy;
	void *cookie;
	size_t offset, bytes, done; /* in the first page; of the transfer; of them copied */
};

/* Copies from one page (NULL: a hole) up to its end or the transfer's. False after a short copy. */
static __always_inline bool read_part(struct cache_read *read, struct page *page)
{
	size_t chunk = min_t(size_t, read->bytes - read->done, PAGE_SIZE - read->offset), copied;
	const struct page *from = likely(page) ? page : this_object()->zeros;

	copied = read->copy(read->cookie, (char *)page_address(from) + read->offset, chunk, read->done);
	read->done += copied;
	read->offset = 0;
	if (likely(page) && (!PageReferenced(page) || !PageActive(page)))
		mark_page_accessed(page);
	return likely(copied == chunk);
}

/* One page, the usual length of a read. 0, -EFAULT or the error of a failed read. */
static int read_one(struct cache_read *read, struct address_space *mapping, pgoff_t index)
{
	struct page *page = page_for_read(mapping, index);
	bool whole;

	if (unlikely(IS_ERR(page)))
		return (int)PTR_ERR(page);
	whole = read_part(read, page);
	if (likely(page))
		put_page(page);
	return whole ? 0 : -EFAULT;
}

/* Pages from index on that one look into the tree gives. */
static int read_run(struct cache_read *read, struct address_space *mapping, pgoff_t index)
{
	unsigned int nr = (unsigned int)min_t(size_t, (read->offset + read->bytes - read->done + PAGE_SIZE - 1) >> PAGE_SHIFT,
					      READ_RUN), pinned = 0;
	struct page *pages[READ_RUN];
	int err = 0;

	nr = find_get_run(mapping, index, nr, pages);
	for (unsigned int i = 0; i < nr; i++) {
		struct page *page = pages[i];

		if (likely(page))
			pages[pinned++] = page;
		if (unlikely(err))
			continue;
		if (likely(page && PageUptodate(page)))
			err = read_part(read, page) ? 0 : -EFAULT;
		else
			err = read_one(read, mapping, index + i);
	}
	put_pages(pages, pinned);
	return err;
}

long page_cache_read(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie)
{
	struct cache_read read = { .copy = copy, .cookie = cookie, .offset = (size_t)(pos & (PAGE_SIZE - 1)) };
	u64 size = mapping->ops->size(mapping);
	int err = 0;

	if (pos >= size)
		return 0;
	read.bytes = (size_t)min_t(u64, bytes, size - pos);
	while (read.done < read.bytes && !err) {
		pgoff_t index = (pgoff_t)((pos + read.done) >> PAGE_SHIFT);

		if (read.offset + (read.bytes - read.done) <= PAGE_SIZE)
			err = read_one(&read, mapping, index);
		else
			err = read_run(&read, mapping, index);
	}
	return read.done ? (long)read.done : err;
}

/*
 * A whole new page of a RAM object: filled before it is inserted, so that it need not be cleared and nobody sees it half
 * written. Returns bytes taken from the caller, or -errno; -EEXIST: somebody was faster.
 */
static long write_new_page(struct address_space *mapping, pgoff_t index, cache_copy_fn copy, void *cookie, size_t done)
{
	struct page *page;
	size_t copied;
	long err = mapping->ops->account_pages ? mapping->ops->account_pages(mapping, 1) : 0;

	if (err)
		return err;
	page = alloc_page(mapping->gfp);
	if (!page) {
		err = -ENOMEM;
		goto uncharge;
	}
	copied = copy(cookie, page_address(page), PAGE_SIZE, done);
	if (copied < PAGE_SIZE)
		memset((char *)page_address(page) + copied, 0, PAGE_SIZE - copied);
	err = copied ? 0 : -EFAULT;
	if (!err) {
		SetPageUptodate(page);
		SetPageDirty(page);
		err = add_to_page_cache(page, mapping, index, mapping->gfp);
	}
	if (!err) {
		put_page(page);
		return (long)copied;
	}
	ClearPageUptodate(page);
	ClearPageDirty(page);
	put_page(page);
uncharge:
	if (mapping->ops->account_pages)
		mapping->ops->account_pages(mapping, -1);
	return err;
}

/* A page to write a part of: up to date unless all of it will be overwritten. */
static struct page *page_for_write(struct address_space *mapping, pgoff_t index)
{
	struct page *page;
	int err;

	if (!mapping_is_ram(mapping))
		return read_cache_page(mapping, index);
	page = ram_page_get(mapping, index, false, &err);
	return page ? page : ERR_PTR(err);
}

/* Bytes written into page `index` from `offset` on, or -errno. */
static long write_chunk(struct address_space *mapping, pgoff_t index, size_t offset, size_t chunk, cache_copy_fn copy,
			void *cookie, size_t done)
{
	struct page *page = find_get_page(mapping, index);
	size_t copied;

	if (!page && chunk == PAGE_SIZE && mapping_is_ram(mapping)) {
		long written = write_new_page(mapping, index, copy, cookie, done);

		if (written != -EEXIST)
			return written;
	}
	if (!page || unlikely(!PageUptodate(page))) {
		if (page)
			put_page(page);
		page = page_for_write(mapping, index);
		if (IS_ERR(page))
			return PTR_ERR(page);
	}
	copied = copy(cookie, (char *)page_address(page) + offset, chunk, done);
	account_page_dirtied(page);
	mark_page_accessed(page);
	put_page(page);
	return copied ? (long)copied : -EFAULT;
}

long page_cache_write(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie)
{
	size_t done = 0;

	while (done < bytes) {
		size_t offset = (size_t)(pos & (PAGE_SIZE - 1));
		size_t chunk = min_t(size_t, bytes - done, PAGE_SIZE - offset);
		long copied = write_chunk(mapping, (pgoff_t)(pos >> PAGE_SHIFT), offset, chunk, copy, cookie, done);

		if (unlikely(copied < 0))
			return done ? (long)done : copied;
		done += (size_t)copied;
		pos += (u64)copied;
		if (unlikely((size_t)copied < chunk))
			break;
	}
	return (long)done;
}
