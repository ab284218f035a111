/* SPDX-License-Identifier: MIT */
/* inflate.c - the decoder: bit reader, Huffman tables, blocks, and gzip's wrapping with its checksum. */
#include "lib/inflate.h"
#include "base/compiler.h"
#include "base/string.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"

#define WINDOW 32768u
#define MAX_BITS 15
#define FAST_BITS 10	/* codes up to this long take one look-up */
#define MAX_LITLEN 288
#define MAX_DIST 30

/*
 * A canonical code. fast[] is indexed by the next FAST_BITS bits: symbol << 4 | length, 0 for longer codes, which are
 * found by counting: the codes of one length are consecutive numbers.
 */
struct huffman {
	u16 count[MAX_BITS + 1];
	u16 symbol[MAX_LITLEN];
	u16 fast[1 << FAST_BITS];
};

struct inflate {
	const u8 *in, *end;
	u64 bits;		/* not yet used, lowest first */
	unsigned int nr_bits;
	unsigned int overrun;	/* zero bytes made up behind the input */
	unsigned int at;	/* in the window */
	u64 total;		/* bytes put out */
	u32 crc;
	struct inflate_sink *sink;
	const char *error;
	struct huffman litlen, dist;
	u32 crc_table[256];
	u8 window[WINDOW];
};

/* ---- bits ---- */

static inline void refill(struct inflate *s)
{
	while (s->nr_bits <= 56) {
		u64 byte = 0;

		if (likely(s->in < s->end))
			byte = *s->in++;
		else
			s->overrun++;
		s->bits |= byte << s->nr_bits;
		s->nr_bits += 8;
	}
}

static inline void drop(struct inflate *s, unsigned int nr)
{
	s->bits >>= nr;
	s->nr_bits -= nr;
}

static inline unsigned int take(struct inflate *s, unsigned int nr)
{
	unsigned int value = (unsigned int)(s->bits & ((1ull << nr) - 1));

	drop(s, nr);
	return value;
}

/* More bits were used than the input has. */
static inline bool ran_out(const struct inflate *s)
{
	return s->overrun * 8 > s->nr_bits;
}

/* ---- codes ---- */

static unsigned int reverse(unsigned int code, unsigned int len)
{
	unsigned int out = 0;

	for (unsigned int i = 0; i < len; i++)
		out |= (code >> i & 1) << (len - 1 - i);
	return out;
}

static void fill_fast(struct huffman *h, unsigned int code, unsigned int len, unsigned int symbol)
{
	for (unsigned int i = reverse(code, len); i < 1u << FAST_BITS; i += 1u << len)
		h->fast[i] = (u16)(symbol << 4 | len);
}

/* False when the lengths do not make a code. An incomplete one is allowed when it has a single symbol. */
static bool build(struct huffman *h, const u8 *lengths, unsigned int nr)
{
	unsigned int offset[MAX_BITS + 2] = { 0 }, next[MAX_BITS + 1], code = 0;
	int left = 1;

	memset(h->count, 0, sizeof(h->count));
	memset(h->fast, 0, sizeof(h->fast));
	for (unsigned int i = 0; i < nr; i++)
		h->count[lengths[i]]++;
	h->count[0] = 0;
	for (unsigned int len = 1; len <= MAX_BITS; len++) {
		left = left * 2 - h->count[len];
		if (left < 0)
			return false;
		code = (code + (len > 1 ? h->count[len - 1] : 0)) << 1;
		next[len] = code;
		offset[len + 1] = offset[len] + h->count[len];
	}
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int len = lengths[i];

		if (!len)
			continue;
		h->symbol[offset[len]++] = (u16)i;
		if (len <= FAST_BITS)
			fill_fast(h, next[len], len, i);
		next[len]++;
	}
	return left == 0 || offset[MAX_BITS + 1] <= 1;
}

static int decode_slow(struct inflate *s, const struct huffman *h)
{
	unsigned int first = 0, index = 0, code = 0;

	for (unsigned int len = 1; len <= MAX_BITS; len++) {
		code |= (unsigned int)(s->bits >> (len - 1)) & 1;
		if (code < first + h->count[len]) {
			drop(s, len);
			return h->symbol[index + code - first];
		}
		index += h->count[len];
		first = (first + h->count[len]) << 1;
		code <<= 1;
	}
	return -1;
}

static inline int decode(struct inflate *s, const struct huffman *h)
{
	unsigned int entry = h->fast[s->bits & ((1u << FAST_BITS) - 1)];

	if (unlikely(!entry))
		return decode_slow(s, h);
	drop(s, entry & 15);
	return (int)(entry >> 4);
}

/* ---- output ---- */

static void make_crc_table(struct inflate *s)
{
	for (u32 i = 0; i < 256; i++) {
		u32 crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) ? 0xedb88320u : 0);
		s->crc_table[i] = crc;
	}
}

static void flush(struct inflate *s)
{
	u32 crc = s->crc;

	for (unsigned int i = 0; i < s->at; i++)
		crc = s->crc_table[(crc ^ s->window[i]) & 0xff] ^ crc >> 8;
	s->crc = crc;
	if (s->at && !s->error)
		s->error = s->sink->flush(s->sink, s->window, s->at);
	s->at = 0;
}

static inline void put(struct inflate *s, u8 byte)
{
	s->window[s->at++] = byte;
	s->total++;
	if (unlikely(s->at == WINDOW))
		flush(s);
}

/* ---- blocks ---- */

static const u16 length_base[29] = {
	3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
};
static const u8 length_extra[29] = {
	0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
};
static const u16 dist_base[MAX_DIST] = {
	1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
	6145, 8193, 12289, 16385, 24577,
};

static const char *copy_match(struct inflate *s, unsigned int symbol)
{
	unsigned int len, dist;
	int code;

	if (symbol >= 257 + 29)
		return "invalid length code";
	len = length_base[symbol - 257] + take(s, length_extra[symbol - 257]);
	code = decode(s, &s->dist);
	if (code < 0 || code >= MAX_DIST)
		return "invalid distance code";
	dist = dist_base[code];
	if (code >= 4)
		dist += take(s, (unsigned int)code / 2 - 1);
	if (dist > s->total)
		return "distance too far back";
	while (len--)
		put(s, s->window[(s->at - dist) & (WINDOW - 1)]);
	return NULL;
}

static const char *compressed_block(struct inflate *s)
{
	for (;;) {
		int symbol;
		const char *error;

		refill(s);
		symbol = decode(s, &s->litlen);
		if (symbol < 0)
			return "invalid code";
		if (symbol < 256) {
			put(s, (u8)symbol);
		} else if (symbol == 256) {
			return NULL;
		} else {
			error = copy_match(s, (unsigned int)symbol);
			if (error)
				return error;
		}
		if (unlikely(ran_out(s)))
			return "unexpected end of compressed data";
		if (unlikely(s->error != NULL))
			return s->error;
	}
}

static const char *stored_block(struct inflate *s)
{
	unsigned int len;

	drop(s, s->nr_bits & 7);
	refill(s);
	len = take(s, 16);
	if ((take(s, 16) ^ 0xffff) != len)
		return "stored block with a wrong length";
	while (len--) {
		refill(s);
		put(s, (u8)take(s, 8));
		if (ran_out(s))
			return "unexpected end of compressed data";
	}
	return s->error;
}

static void fixed_codes(struct inflate *s)
{
	u8 lengths[MAX_LITLEN];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	build(&s->litlen, lengths, MAX_LITLEN);
	memset(lengths, 5, MAX_DIST);
	build(&s->dist, lengths, MAX_DIST);
}

/* Run-length coded lengths of both codes, one list. */
static const char *read_lengths(struct inflate *s, u8 *lengths, unsigned int nr)
{
	unsigned int i = 0;

	while (i < nr) {
		unsigned int repeat, value = 0;
		int symbol;

		refill(s);
		symbol = decode(s, &s->litlen);
		if (symbol < 0 || ran_out(s))
			return "invalid code lengths";
		if (symbol < 16) {
			lengths[i++] = (u8)symbol;
			continue;
		}
		if (symbol == 16) {
			if (!i)
				return "no length to repeat";
			value = lengths[i - 1];
			repeat = 3 + take(s, 2);
		} else {
			repeat = symbol == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
		}
		if (i + repeat > nr)
			return "too many code lengths";
		memset(lengths + i, (int)value, repeat);
		i += repeat;
	}
	return NULL;
}

static const char *dynamic_codes(struct inflate *s)
{
	static const u8 order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	u8 lengths[MAX_LITLEN + 32] = { 0 };
	unsigned int nr_litlen, nr_dist, nr_code;
	const char *error;

	refill(s);
	nr_litlen = take(s, 5) + 257;
	nr_dist = take(s, 5) + 1;
	nr_code = take(s, 4) + 4;
	if (nr_litlen > 286 || nr_dist > MAX_DIST)
		return "too many codes";
	for (unsigned int i = 0; i < nr_code; i++) {
		refill(s);
		lengths[order[i]] = (u8)take(s, 3);
	}
	if (!build(&s->litlen, lengths, 19))
		return "invalid code of code lengths";
	memset(lengths, 0, 19);
	error = read_lengths(s, lengths, nr_litlen + nr_dist);
	if (error)
		return error;
	if (!lengths[256] || !build(&s->litlen, lengths, nr_litlen) || !build(&s->dist, lengths + nr_litlen, nr_dist))
		return "invalid code";
	return NULL;
}

static const char *inflate_blocks(struct inflate *s)
{
	bool last;

	do {
		const char *error = NULL;
		unsigned int type;

		refill(s);
		last = take(s, 1);
		type = take(s, 2);
		if (type == 0) {
			error = stored_block(s);
		} else if (type == 3) {
			error = "invalid block type";
		} else {
			if (type == 1)
				fixed_codes(s);
			else
				error = dynamic_codes(s);
			if (!error)
				error = compressed_block(s);
		}
		if (error)
			return error;
	} while (!last);
	flush(s);
	return s->error;
}

/* ---- gzip ---- */

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16 };

/* Where the compressed data begins, or NULL. */
static const u8 *skip_header(const u8 *in, const u8 *end)
{
	u8 flags = in[3];

	if (in[2] != 8 || (flags & 0xe0))
		return NULL;
	in += 10;
	if (flags & FEXTRA) {
		if (end - in < 2 || end - in - 2 < (in[0] | in[1] << 8))
			return NULL;
		in += 2 + (in[0] | in[1] << 8);
	}
	for (int i = 0; i < 2; i++) {
		if (!(flags & (i ? FCOMMENT : FNAME)))
			continue;
		while (in < end && *in)
			in++;
		if (in++ >= end)
			return NULL;
	}
	if (flags & FHCRC)
		in += 2;
	return in < end ? in : NULL;
}

static u32 le32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static const char *check_trailer(struct inflate *s)
{
	const u8 *trailer = s->in - s->nr_bits / 8 + s->overrun;

	if (trailer > s->end || s->end - trailer < 8)
		return "unexpected end of compressed data";
	if (le32(trailer) != (s->crc ^ 0xffffffffu))
		return "checksum error";
	if (le32(trailer + 4) != (u32)s->total)
		return "length error";
	s->in = trailer + 8;
	return NULL;
}

const char *gunzip(const unsigned char *in, size_t len, size_t *used, struct inflate_sink *sink)
{
	const u8 *data = is_gzip(in, len) ? skip_header(in, in + len) : NULL;
	struct inflate *s;
	const char *error;

	if (!data)
		return "invalid gzip header";
	s = kvmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return "no memory to decompress";
	s->in = data;
	s->end = in + len;
	s->bits = 0;
	s->nr_bits = s->overrun = s->at = 0;
	s->total = 0;
	s->crc = 0xffffffffu;
	s->sink = sink;
	s->error = NULL;
	make_crc_table(s);
	error = inflate_blocks(s);
	if (!error)
		error = check_trailer(s);
	*used = (size_t)(s->in - in);
	kvfree(s);
	return error;
}
