/* SPDX-License-Identifier: MIT */
/*
 * gfp.h - flags of an allocation: where the page may come from, what may be done to get it, what it is for.
 * Names and effects are Linux's.
 *
 * Floor: F0. Locks: none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_GFP_H
#define QUIRE_GFP_H

#include "quire/types.h"

/* Where (zone modifiers). */
#define __GFP_DMA ((gfp_t)1 << 0)       /* below 16 MiB                                                 */
#define __GFP_HIGHMEM ((gfp_t)1 << 1)   /* need not be in the direct map                                */
#define __GFP_DMA32 ((gfp_t)1 << 2)     /* below 4 GiB                                                  */
#define __GFP_MOVABLE ((gfp_t)1 << 3)   /* can be migrated: also allows ZONE_MOVABLE with HIGHMEM       */
#define __GFP_RECLAIMABLE ((gfp_t)1 << 4) /* can be given back by a shrinker                            */
/* What may be done. */
#define __GFP_COLD ((gfp_t)1 << 5)      /* will be filled by a device: take the cold end of a list      */
#define __GFP_IO ((gfp_t)1 << 6)        /* relief may start I/O                                         */
#define __GFP_FS ((gfp_t)1 << 7)        /* relief may call into file systems                            */
#define __GFP_ZERO ((gfp_t)1 << 8)      /* the page is returned zeroed                                  */
#define __GFP_DIRECT_RECLAIM ((gfp_t)1 << 10) /* the caller may run the relief ladder (may sleep)       */
#define __GFP_KSWAPD_RECLAIM ((gfp_t)1 << 11) /* wake kswapd when the low watermark is crossed          */
#define __GFP_WRITE ((gfp_t)1 << 12)    /* the page will be dirtied: rather of a node below its dirty limit */
#define __GFP_NOWARN ((gfp_t)1 << 13)   /* no report on failure                                         */
#define __GFP_RETRY_MAYFAIL ((gfp_t)1 << 14) /* try hard, but do not kill                               */
#define __GFP_NOFAIL ((gfp_t)1 << 15)   /* never returns NULL                                           */
#define __GFP_NORETRY ((gfp_t)1 << 16)  /* one light round of relief, then fail                         */
#define __GFP_MEMALLOC ((gfp_t)1 << 17) /* ignores watermarks: the caller frees more than it takes      */
#define __GFP_COMP ((gfp_t)1 << 18)     /* a compound page                                              */
#define __GFP_NOMEMALLOC ((gfp_t)1 << 19) /* never the reserves                                         */
#define __GFP_HARDWALL ((gfp_t)1 << 20) /* a user's page: only of the context's mems_allowed (quire/ctx.h)       */
#define __GFP_THISNODE ((gfp_t)1 << 21) /* only the given node                                          */
#define __GFP_ACCOUNT ((gfp_t)1 << 22)  /* charged to the context's group, and refused at its limit (quire/account.h) */
#define __GFP_ZEROTAGS ((gfp_t)1 << 23) /* clear memory tags too; no CPU here has them: no effect       */
#define __GFP_HIGH ((gfp_t)1 << 24)     /* may use a part of the reserve below the min watermark        */

/* All that there are: bits 0 to 24, but for bit 9. */
#define __GFP_BITS_MASK (((gfp_t)1 << 25) - 1 - ((gfp_t)1 << 9))

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HARDWALL)
#define GFP_DMA __GFP_DMA
#define GFP_DMA32 __GFP_DMA32
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
#define GFP_TRANSHUGE_LIGHT ((GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM)
#define GFP_TRANSHUGE (GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM)

/* The low bits choose a per-CPU list. */
#define GFP_LIST_MASK ((gfp_t)63)
#define GFP_ZONEMASK (__GFP_DMA | __GFP_HIGHMEM | __GFP_DMA32 | __GFP_MOVABLE)

#endif
