/* SPDX-License-Identifier: MIT */
/* format.c - the bounded printf: parse one conversion at a time, put characters that still fit. */
#include "base/format.h"

#include "base/math.h"
#include "base/string.h"

enum spec_flags {
	SPEC_LEFT = 1 << 0,
	SPEC_PLUS = 1 << 1,
	SPEC_SPACE = 1 << 2,
	SPEC_ALT = 1 << 3,
	SPEC_ZERO = 1 << 4,
	SPEC_UPPER = 1 << 5,
	SPEC_SIGNED = 1 << 6,
};

/* One conversion: what stands between % and its letter. */
struct spec {
	unsigned int flags;
	int width;
	int precision;	/* -1: none given */
	int size;	/* bytes of the argument's type */
	unsigned int base;
};

struct out {
	char *buf;
	size_t size;
	size_t len;	/* of the whole text, fitting or not */
};

static void put(struct out *out, char c)
{
	if (out->len < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_repeated(struct out *out, char c, int nr)
{
	for (; nr > 0; nr--)
		put(out, c);
}

static void put_text(struct out *out, const char *text, int len)
{
	for (int i = 0; i < len; i++)
		put(out, text[i]);
}

/* Text in a field: strings, characters, and what stands for a null pointer. */
static void put_field(struct out *out, const struct spec *spec, const char *text, int len)
{
	int pad = spec->width - len;

	if (!(spec->flags & SPEC_LEFT))
		put_repeated(out, ' ', pad);
	put_text(out, text, len);
	if (spec->flags & SPEC_LEFT)
		put_repeated(out, ' ', pad);
}

static void put_string(struct out *out, const struct spec *spec, const char *text)
{
	size_t max = spec->precision >= 0 ? (size_t)spec->precision : (size_t)INT32_MAX;

	if (!text)
		text = "(null)";
	put_field(out, spec, text, (int)strnlen(text, max));
}

/*
 * Digits of `value` into the end of `end`, backwards; how many. Two words keep 32-bit ISAs from
 * dividing 64 bits.
 */
static int digits_of(char *end, uint64_t value, const struct spec *spec)
{
	const char *set = spec->flags & SPEC_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int shift = spec->base == 16 ? 4 : 3;
	int nr = 0;

	while (value) {
		uint32_t digit;

		if (spec->base == 10) {
			value = div_u64_rem(value, 10, &digit);
		} else {
			digit = (uint32_t)value & (spec->base - 1);
			value >>= shift;
		}
		end[-++nr] = set[digit];
	}
	return nr;
}

static const char *sign_of(const struct spec *spec, bool negative)
{
	if (negative)
		return "-";
	if (!(spec->flags & SPEC_SIGNED))
		return "";
	return spec->flags & SPEC_PLUS ? "+" : spec->flags & SPEC_SPACE ? " " : "";
}

static const char *prefix_of(const struct spec *spec, uint64_t value)
{
	if (!(spec->flags & SPEC_ALT) || spec->base != 16 || !value)
		return "";
	return spec->flags & SPEC_UPPER ? "0X" : "0x";
}

/* sign, prefix, zeros, digits, and blanks on one of the two sides */
static void put_number(struct out *out, const struct spec *spec, uint64_t value, bool negative)
{
	char digits[24];
	int nr = digits_of(digits + sizeof(digits), value, spec);
	const char *sign = sign_of(spec, negative), *prefix = prefix_of(spec, value);
	int zeros = max(spec->precision < 0 ? 1 - nr : spec->precision - nr, 0);
	int blanks;

	if (spec->base == 8 && (spec->flags & SPEC_ALT) && !zeros && nr)
		zeros = 1;
	if (spec->base == 8 && (spec->flags & SPEC_ALT) && !zeros && !spec->precision)
		zeros = 1;
	blanks = spec->width - (int)strlen(sign) - (int)strlen(prefix) - zeros - nr;
	if ((spec->flags & (SPEC_ZERO | SPEC_LEFT)) == SPEC_ZERO && spec->precision < 0 && blanks > 0) {
		zeros += blanks;
		blanks = 0;
	}
	if (!(spec->flags & SPEC_LEFT))
		put_repeated(out, ' ', blanks);
	put_text(out, sign, (int)strlen(sign));
	put_text(out, prefix, (int)strlen(prefix));
	put_repeated(out, '0', zeros);
	put_text(out, digits + sizeof(digits) - nr, nr);
	if (spec->flags & SPEC_LEFT)
		put_repeated(out, ' ', blanks);
}

static const char *parse_number(const char *format, int *value)
{
	*value = 0;
	for (; *format >= '0' && *format <= '9'; format++)
		if (*value < INT32_MAX / 16)
			*value = *value * 10 + (*format - '0');
	return format;
}

static const char *parse_flags(const char *format, struct spec *spec)
{
	for (;; format++) {
		switch (*format) {
		case '-': spec->flags |= SPEC_LEFT; break;
		case '+': spec->flags |= SPEC_PLUS; break;
		case ' ': spec->flags |= SPEC_SPACE; break;
		case '#': spec->flags |= SPEC_ALT; break;
		case '0': spec->flags |= SPEC_ZERO; break;
		default: return format;
		}
	}
}

static const char *parse_size(const char *format, struct spec *spec)
{
	spec->size = sizeof(int);
	switch (*format) {
	case 'h':
		spec->size = format[1] == 'h' ? sizeof(char) : sizeof(short);
		return format + 1 + (format[1] == 'h');
	case 'l':
		spec->size = format[1] == 'l' ? sizeof(long long) : sizeof(long);
		return format + 1 + (format[1] == 'l');
	case 'z':
		spec->size = sizeof(size_t);
		return format + 1;
	case 't':
		spec->size = sizeof(ptrdiff_t);
		return format + 1;
	case 'j':
		spec->size = sizeof(intmax_t);
		return format + 1;
	default:
		return format;
	}
}

/* A va_list cannot be handed on by address on every ABI, so it travels in a struct. */
struct arguments {
	va_list list;
};

static const char *parse_spec(const char *format, struct spec *spec, struct arguments *args)
{
	*spec = (struct spec){ .precision = -1, .base = 10 };
	format = parse_flags(format, spec);
	if (*format == '*') {
		spec->width = va_arg(args->list, int);
		if (spec->width < 0) {
			spec->flags |= SPEC_LEFT;
			spec->width = spec->width == INT32_MIN ? INT32_MAX : -spec->width;
		}
		format++;
	} else {
		format = parse_number(format, &spec->width);
	}
	if (*format == '.') {
		if (*++format == '*') {
			spec->precision = va_arg(args->list, int);
			if (spec->precision < 0)
				spec->precision = -1;
			format++;
		} else {
			format = parse_number(format, &spec->precision);
		}
	}
	return parse_size(format, spec);
}

static void put_signed(struct out *out, struct spec *spec, struct arguments *args)
{
	int64_t value;

	if (spec->size == 8)
		value = va_arg(args->list, long long);
	else
		value = va_arg(args->list, int);
	if (spec->size == 1)
		value = (signed char)value;
	else if (spec->size == 2)
		value = (short)value;
	spec->flags |= SPEC_SIGNED;
	put_number(out, spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

static void put_unsigned(struct out *out, struct spec *spec, struct arguments *args)
{
	uint64_t value;

	if (spec->size == 8)
		value = va_arg(args->list, unsigned long long);
	else
		value = va_arg(args->list, unsigned int);
	if (spec->size == 1)
		value = (unsigned char)value;
	else if (spec->size == 2)
		value = (unsigned short)value;
	put_number(out, spec, value, false);
}

static void put_pointer(struct out *out, struct spec *spec, const void *pointer)
{
	if (!pointer) {
		put_field(out, spec, "(nil)", 5);
		return;
	}
	spec->base = 16;
	spec->flags |= SPEC_ALT;
	put_number(out, spec, (uintptr_t)pointer, false);
}

/* False when the letter is no conversion that this printf knows. */
static bool put_conversion(struct out *out, char letter, struct spec *spec, struct arguments *args)
{
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		put_signed(out, spec, args);
		return true;
	case 'X':
		spec->flags |= SPEC_UPPER;
		fallthrough;
	case 'x':
		spec->base = 16;
		put_unsigned(out, spec, args);
		return true;
	case 'o':
		spec->base = 8;
		put_unsigned(out, spec, args);
		return true;
	case 'u':
		put_unsigned(out, spec, args);
		return true;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_field(out, spec, &c, 1);
		return true;
	case 's':
		put_string(out, spec, va_arg(args->list, const char *));
		return true;
	case 'p':
		put_pointer(out, spec, va_arg(args->list, const void *));
		return true;
	case '%':
		put(out, '%');
		return true;
	default:
		return false;
	}
}

int quire_vsnprintf(char *buf, size_t size, const char *format, va_list list)
{
	struct out out = { .buf = buf, .size = size };
	struct arguments args;
	struct spec spec;

	va_copy(args.list, list);
	while (*format) {
		const char *start = format;

		if (*format++ != '%') {
			put(&out, *start);
			continue;
		}
		format = parse_spec(format, &spec, &args);
		if (*format && put_conversion(&out, *format, &spec, &args))
			format++;
		else
			put_text(&out, start, (int)(format - start));
	}
	va_end(args.list);
	if (size)
		buf[min(out.len, size - 1)] = '\0';
	return (int)out.len;
}

int quire_vscnprintf(char *buf, size_t size, const char *format, va_list args)
{
	int len = quire_vsnprintf(buf, size, format, args);

	if (!size)
		return 0;
	return (size_t)len < size ? len : (int)(size - 1);
}

int quire_snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = quire_vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}

int quire_scnprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = quire_vscnprintf(buf, size, format, args);
	va_end(args);
	return len;
}
