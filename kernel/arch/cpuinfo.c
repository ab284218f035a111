/* SPDX-License-Identifier: MIT */
/* cpuinfo.c - what CPUID says, in the words that programs look for in /proc/cpuinfo. */
#include "arch/cpuinfo.h"

#include "arch/acpi.h"
#include "arch/clock.h"
#include "arch/io.h"
#include "arch/smp.h"
#include "base/compiler.h"
#include "base/format.h"
#include "base/string.h"

enum word { WORD_1D, WORD_1C, WORD_7B, WORD_80000001D, WORD_80000001C, NR_WORDS };

/* Bit by bit, NULL for what has no name. */
static const char *const feature_names[NR_WORDS][32] = {
	[WORD_1D] = { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep",
		      "mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi",
		      "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" },
	[WORD_1C] = { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3",
		      NULL, "sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2",
		      "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c",
		      "rdrand", "hypervisor" },
	[WORD_7B] = { "fsgsbase", "tsc_adjust", NULL, "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms",
		      "invpcid", "rtm", "cqm", NULL, "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx",
		      "smap", "avx512ifma", NULL, "clflushopt", "clwb", "intel_pt", "avx512pf", "avx512er",
		      "avx512cd", "sha_ni", "avx512bw", "avx512vl" },
	[WORD_80000001D] = { [11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt",
			     "pdpe1gb", "rdtscp", NULL, "lm", "3dnowext", "3dnow" },
	[WORD_80000001C] = { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a",
			     "misalignsse", "3dnowprefetch", "osvw", "ibs", "xop", [16] = "fma4" },
};

struct cpu_text {
	char vendor[13], model_name[49], flags[1024];
	unsigned int family, model, stepping, level, clflush, phys_bits, virt_bits;
};

static void read_flags(struct cpu_text *text, uint32_t extended)
{
	struct cpuid one = cpuid(1, 0);
	uint32_t words[NR_WORDS] = { [WORD_1D] = one.d, [WORD_1C] = one.c };
	unsigned int word, bit;
	size_t len = 0;

	if (text->level >= 7)
		words[WORD_7B] = cpuid(7, 0).b;
	if (extended >= 0x80000001) {
		words[WORD_80000001D] = cpuid(0x80000001, 0).d;
		words[WORD_80000001C] = cpuid(0x80000001, 0).c;
	}
	text->flags[0] = '\0';
	for (word = 0; word < NR_WORDS; word++)
		for (bit = 0; bit < 32; bit++)
			if (words[word] & 1u << bit && feature_names[word][bit])
				len += quire_scnprintf(text->flags + len, sizeof(text->flags) - len, " %s",
						       feature_names[word][bit]);
}

/* Display family and model, as the manuals compute them. */
static void read_model(struct cpu_text *text)
{
	struct cpuid one = cpuid(1, 0);

	text->family = one.a >> 8 & 15;
	text->model = one.a >> 4 & 15;
	if (text->family == 6 || text->family == 15)
		text->model |= (one.a >> 16 & 15) << 4;
	if (text->family == 15)
		text->family += one.a >> 20 & 255;
	text->stepping = one.a & 15;
	text->clflush = (one.b >> 8 & 255) * 8;
}

static void read_cpu(struct cpu_text *text)
{
	struct cpuid zero = cpuid(0, 0), r;
	uint32_t extended = cpuid(0x80000000, 0).a;
	unsigned int i;

	memset(text, 0, sizeof(*text));
	text->level = zero.a;
	memcpy(text->vendor, &zero.b, 4);
	memcpy(text->vendor + 4, &zero.d, 4);
	memcpy(text->vendor + 8, &zero.c, 4);
	for (i = 0; i < 3 && extended >= 0x80000004; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(text->model_name + 16 * i, &r, 16);
	}
	text->phys_bits = 36;
	text->virt_bits = 48;
	if (extended >= 0x80000008) {
		r = cpuid(0x80000008, 0);
		text->phys_bits = r.a & 255;
		text->virt_bits = r.a >> 8 & 255;
	}
	read_model(text);
	read_flags(text, extended);
}

static int show_cpu(struct text_sink *sink, unsigned int cpu, const struct cpu_text *text)
{
	unsigned long khz = clock_tsc_khz();
	char buf[640];
	int len, err;

	len = quire_scnprintf(buf, sizeof(buf),
			      "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
			      "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n"
			      "physical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
			      "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
			      "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
			      cpu, text->vendor, text->family, text->model, text->model_name, text->stepping,
			      khz / 1000, khz % 1000, cpu, acpi.apic_ids[cpu], acpi.apic_ids[cpu],
			      text->level);
	err = sink->write(sink, buf, len);
	if (!err)
		err = sink->write(sink, text->flags, strlen(text->flags));
	len = quire_scnprintf(buf, sizeof(buf),
			      "\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\n"
			      "cache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n"
			      "power management:\n\n",
			      khz / 500, khz / 5 % 100, text->clflush, text->clflush, text->phys_bits,
			      text->virt_bits);
	return err ? err : sink->write(sink, buf, len);
}

int cpuinfo_show(struct text_sink *sink)
{
	struct cpu_text text;
	unsigned int cpu;
	int err = 0;

	read_cpu(&text);
	for (cpu = 0; cpu < nr_cpu_ids && !err; cpu++)
		if (cpu_online(cpu))
			err = show_cpu(sink, cpu, &text);
	return err;
}
