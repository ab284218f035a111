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

long page_cache_read(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie)
{
	u64 size = mapping->ops->size(mapping);
	size_t done = 0;

	if (pos >= size)
		return 0;
	bytes = (size_t)min_t(u64, bytes, size - pos);
	while (done < bytes) {
		size_t offset = (size_t)(pos & (PAGE_SIZE - 1));
		size_t chunk = min_t(size_t, bytes - done, PAGE_SIZE - offset), copied;
		struct page *page = page_for_read(mapping, (pgoff_t)(pos >> PAGE_SHIFT));

		if (IS_ERR(page))
			return done ? (long)done : PTR_ERR(page);
		if (likely(page)) {
			copied = copy(cookie, (char *)page_address(page) + offset, chunk, done);
			mark_page_accessed(page);
			put_page(page);
		} else {
			copied = copy(cookie, (char *)page_address(this_object()->zeros) + offset, chunk, done);
		}
		done += copied;
		pos += copied;
		if (unlikely(copied < chunk))
			return done ? (long)done : -EFAULT;
	}
	return (long)done;
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
