/* SPDX-License-Identifier: MIT */
/* rtc.c - date and time from the MC146818. */
#include "arch/rtc.h"

#include <stdbool.h>

#include "arch/io.h"
#include "base/string.h"
#include "boot/linker.h"

enum { RTC_SECOND = 0, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
       RTC_A = 10, RTC_B = 11, RTC_CENTURY = 0x32 };

#define A_UPDATING	0x80
#define B_BINARY	0x04
#define B_24_HOURS	0x02
#define HOUR_PM		0x80

struct rtc_time {
	uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t __init rtc_read(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static struct rtc_time __init read_fields(void)
{
	struct rtc_time t = {
		rtc_read(RTC_SECOND), rtc_read(RTC_MINUTE), rtc_read(RTC_HOUR), rtc_read(RTC_DAY),
		rtc_read(RTC_MONTH), rtc_read(RTC_YEAR), rtc_read(RTC_CENTURY),
	};

	return t;
}

static unsigned int __init decode(uint8_t value, bool binary)
{
	return binary ? value : (value >> 4) * 10u + (value & 15);
}

/* Days from 1970-01-01, by the civil calendar counted in 400-year eras that begin in March. */
static uint64_t __init days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
	unsigned int y = month <= 2 ? year - 1 : year;
	unsigned int year_of_era = y % 400;
	unsigned int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return y / 400 * 146097ull + day_of_era - 719468;
}

uint64_t __init rtc_read_seconds(void)
{
	unsigned int patience = 100000, hour, year, century;
	struct rtc_time t, again;
	bool binary;
	uint8_t b;

	/* a set that is read twice alike was not changing meanwhile */
	do {
		while ((rtc_read(RTC_A) & A_UPDATING) && --patience)
			;
		t = read_fields();
		again = read_fields();
	} while (memcmp(&t, &again, sizeof(t)) && --patience);
	b = rtc_read(RTC_B);
	binary = b & B_BINARY;
	if (!patience || !t.month || decode(t.month, binary) > 12 || !t.day)
		return 0;
	hour = decode(t.hour & ~HOUR_PM, binary);
	if (!(b & B_24_HOURS))
		hour = hour % 12 + (t.hour & HOUR_PM ? 12 : 0);
	century = decode(t.century, binary);
	year = decode(t.year, binary) + (century >= 19 && century <= 30 ? century * 100 : 2000);
	return ((days_since_1970(year, decode(t.month, binary), decode(t.day, binary)) * 24 + hour) * 60 +
		decode(t.minute, binary)) * 60 + decode(t.second, binary);
}
