/* SPDX-License-Identifier: MIT */
/* proc_cpuinfo.c - /proc/cpuinfo: what CPUID says, in the words that programs look for. */
#include "arch/clock.h"
#include "arch/io.h"
#include "arch/percpu.h"
#include "arch/smp.h"
#include "base/string.h"
#include "fs/proc.h"

/* Names of the bits of one register, bit 0 first; NULL: has no name here. */
struct feature_word {
	u32 leaf, subleaf;
	char reg; /* 'b', 'c', 'd' */
	const char *names; /* separated by spaces, "-" for none */
};

static const struct feature_word feature_words[] = {
	{ 1, 0, 'd', "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx "
		     "fxsr sse sse2 ss ht tm ia64 pbe" },
	{ 0x80000001, 0, 'd', "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
			      "3dnowext 3dnow" },
	{ 1, 0, 'c', "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca "
		     "sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor" },
	{ 0x80000001, 0, 'c', "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
			      "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
			      "perfctr_llc mwaitx" },
	{ 7, 0, 'b', "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq "
		     "rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw "
		     "avx512vl" },
	{ 7, 0, 'c', "- - umip pku ospke waitpkg - - gfni vaes vpclmulqdq - - - - - la57 - - - - - rdpid" },
};

static u32 reg_of(const struct cpuid *r, char reg)
{
	return reg == 'b' ? r->b : reg == 'c' ? r->c : r->d;
}

static int show_feature_word(struct text_sink *sink, const struct feature_word *w)
{
	u32 max_leaf = cpuid(w->leaf & 0x80000000u, 0).a, bits;
	const char *name = w->names;
	struct cpuid r;
	int err = 0;

	if (w->leaf > max_leaf)
		return 0;
	r = cpuid(w->leaf, w->subleaf);
	bits = reg_of(&r, w->reg);
	if (w->leaf == 7 && w->reg == 'c' && !(read_cr4() & CR4_LA57))
		bits &= ~(1u << 16);	/* known to the CPU, but not used: no5lvl */
	for (unsigned int bit = 0; *name && bit < 32 && !err; bit++) {
		size_t len = strcspn(name, " ");

		if ((bits >> bit & 1) && *name != '-') {
			err = sink->write(sink, " ", 1);
			err = err ? err : sink->write(sink, name, len);
		}
		name += len;
		name += *name == ' ';
	}
	return err;
}

static void vendor_name(char *to)
{
	struct cpuid r = cpuid(0, 0);

	memcpy(to, &r.b, 4);
	memcpy(to + 4, &r.d, 4);
	memcpy(to + 8, &r.c, 4);
	to[12] = 0;
}

static void model_name(char *to)
{
	char *from = to;

	strscpy(to, "unknown", 8);
	if (cpuid(0x80000000u, 0).a < 0x80000004u)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid r = cpuid(0x80000002u + i, 0);

		memcpy(to + 16 * i, &r, 16);
	}
	to[48] = 0;
	while (*from == ' ')
		from++;
	memmove(to, from, strlen(from) + 1);
}

struct cpu_numbers {
	u32 family, model, stepping, physical_bits, virtual_bits, clflush;
};

static struct cpu_numbers read_numbers(void)
{
	struct cpuid r = cpuid(1, 0);
	struct cpu_numbers n = {
		.family = r.a >> 8 & 15, .model = r.a >> 4 & 15, .stepping = r.a & 15, .clflush = (r.b >> 8 & 255) * 8,
		.physical_bits = 36, .virtual_bits = 48,
	};

	if (n.family == 6 || n.family == 15)
		n.model |= (r.a >> 16 & 15) << 4;
	if (n.family == 15)
		n.family += r.a >> 20 & 255;
	if (cpuid(0x80000000u, 0).a >= 0x80000008u) {
		r = cpuid(0x80000008u, 0);
		n.physical_bits = r.a & 255;
		n.virtual_bits = r.a >> 8 & 255;
	}
	return n;
}

static int show_cpu(struct text_sink *sink, unsigned int cpu)
{
	unsigned long khz = clock_tsc_khz();
	struct cpu_numbers n = read_numbers();
	char vendor[16], model[52];
	unsigned int apic = percpu_of(cpu)->apic_id;
	int err;

	vendor_name(vendor);
	model_name(model);
	err = sink_printf(sink, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
			  "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n", cpu, vendor, n.family, n.model, model, n.stepping,
			  khz / 1000, khz % 1000);
	if (!err)
		err = sink_printf(sink, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
				  "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", apic, apic, cpuid(0, 0).a);
	for (size_t i = 0; !err && i < ARRAY_SIZE(feature_words); i++)
		err = show_feature_word(sink, &feature_words[i]);
	/* Two loops a tick, as a busy loop on the time stamp counter would count. */
	return err ? err : sink_printf(sink, "\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\ncache_alignment\t: 64\n"
				       "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
				       khz / 500, khz / 5 % 100, n.clflush, n.physical_bits, n.virtual_bits);
}

static int show_cpuinfo(struct text_sink *sink, void *arg)
{
	int err = 0;

	for (unsigned int cpu = 0; cpu < nr_cpu_ids && !err; cpu++)
		if (cpu_online(cpu))
			err = show_cpu(sink, cpu);
	return err;
}

void proc_cpuinfo_init(void)
{
	pseudo_text(proc_root, "cpuinfo", 0444, show_cpuinfo, NULL);
}
