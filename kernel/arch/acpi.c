/* SPDX-License-Identifier: MIT */
/* acpi.c - reads the firmware's static tables into plain numbers. */
#include "arch/acpi.h"

#include "arch/paging.h"
#include "base/string.h"
#include "boot/linker.h"
#include "lib/printk.h"

#define LAPIC_USUAL	0xfee00000ull
#define IOAPIC_USUAL	0xfec00000ull

struct acpi_info acpi;

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
} __attribute__((packed));

struct table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

static uint64_t __init get(const void *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static bool __init sums_to_zero(const void *at, size_t bytes)
{
	const uint8_t *p = at;
	uint8_t sum = 0;

	while (bytes--)
		sum += *p++;
	return !sum;
}

/* A table that lies in reach and is whole, or NULL. */
static const struct table *__init table_at(uint64_t phys)
{
	const struct table *t;

	if (!phys || phys + sizeof(*t) > EARLY_PHYS_END)
		return NULL;
	t = early_phys(phys);
	if (t->length < sizeof(*t) || phys + t->length > EARLY_PHYS_END || !sums_to_zero(t, t->length))
		return NULL;
	return t;
}

static void __init log_table(const struct table *t)
{
	pr_info("ACPI: %.4s 0x%016llx %06x (v%02u %.6s %.8s %08x %.4s %08x)", t->signature,
		(unsigned long long)early_phys_of(t), t->length,
		t->revision, t->oem, t->oem_table, t->oem_revision, t->creator, t->creator_revision);
}

static const struct rsdp *__init rsdp_at(uint64_t phys)
{
	const struct rsdp *r = early_phys(phys);

	if (memcmp(r->signature, "RSD PTR ", 8) || !sums_to_zero(r, 20))
		return NULL;
	return r;
}

/* Where a BIOS keeps it: the first KiB of its data area, or its ROM. */
static const struct rsdp *__init rsdp_search(void)
{
	uint64_t ebda = get(early_phys(0x40e), 2) << 4;
	uint64_t at;

	for (at = ebda; ebda >= 0x400 && at < ebda + 1024; at += 16)
		if (rsdp_at(at))
			return rsdp_at(at);
	for (at = 0xe0000; at < 0x100000; at += 16)
		if (rsdp_at(at))
			return rsdp_at(at);
	return NULL;
}

static void __init add_cpu(unsigned int apic_id)
{
	if (apic_id == acpi.apic_ids[0])
		return;
	if (acpi.nr_cpus == QUIRE_MAX_CPUS) {
		pr_warn("ACPI: CPU with APIC id %u ignored: more than %u", apic_id, QUIRE_MAX_CPUS);
		return;
	}
	acpi.apic_ids[acpi.nr_cpus++] = apic_id;
}

static void __init add_ioapic(uint64_t phys, unsigned int first_gsi)
{
	if (acpi.nr_ioapics == ACPI_MAX_IOAPICS)
		return;
	acpi.ioapics[acpi.nr_ioapics].phys = phys;
	acpi.ioapics[acpi.nr_ioapics++].first_gsi = first_gsi;
}

static void __init add_override(const uint8_t *e)
{
	unsigned int flags = get(e + 8, 2), n = acpi.nr_overrides;

	if (n == ACPI_MAX_OVERRIDES)
		return;
	acpi.overrides[n].isa_irq = e[3];
	acpi.overrides[n].gsi = get(e + 4, 4);
	acpi.overrides[n].low = (flags & 3) == 3;
	acpi.overrides[n].level = (flags >> 2 & 3) == 3;
	acpi.nr_overrides++;
}

/* Calls @entry for each {type, length, ...} of a table's body. */
static void __init for_each_entry(const struct table *t, unsigned int from,
				  void (*entry)(const uint8_t *e))
{
	const uint8_t *at = (const uint8_t *)t + from, *end = (const uint8_t *)t + t->length;

	for (; at + 2 <= end && at[1] >= 2 && at + at[1] <= end; at += at[1])
		entry(at);
}

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5, MADT_X2APIC = 9 };

static void __init madt_entry(const uint8_t *e)
{
	switch (e[0]) {
	case MADT_LAPIC:
		if (e[4] & 1)
			add_cpu(e[3]);
		break;
	case MADT_IOAPIC:
		add_ioapic(get(e + 4, 4), get(e + 8, 4));
		break;
	case MADT_OVERRIDE:
		add_override(e);
		break;
	case MADT_LAPIC_ADDRESS:
		acpi.lapic_phys = get(e + 4, 8);
		break;
	case MADT_X2APIC:
		if (e[8] & 1)
			add_cpu(get(e + 4, 4));
		break;
	}
}

static void __init read_madt(const struct table *t)
{
	acpi.lapic_phys = get((const char *)t + 36, 4);
	for_each_entry(t, 44, madt_entry);
}

/* Proximity domains are any numbers; nodes are numbered in the order in which they turn up. */
static uint32_t domain_of_node[QUIRE_MAX_NODES] __initdata;

static int __init node_of_domain(uint32_t domain)
{
	unsigned int i;

	for (i = 0; i < acpi.nr_nodes; i++)
		if (domain_of_node[i] == domain)
			return i;
	if (i == QUIRE_MAX_NODES)
		return -1;
	domain_of_node[i] = domain;
	return acpi.nr_nodes++;
}

static void __init set_cpu_node(unsigned int apic_id, uint32_t domain)
{
	int nid = node_of_domain(domain);
	unsigned int i;

	for (i = 0; i < acpi.nr_cpus && nid >= 0; i++)
		if (acpi.apic_ids[i] == apic_id)
			acpi.cpu_to_node[i] = nid;
}

static void __init add_node_range(const uint8_t *e)
{
	struct quire_node_range *range = &acpi.node_ranges[acpi.nr_node_ranges];
	uint32_t flags = get(e + 28, 4);
	uint64_t length = get(e + 16, 8);
	int nid;

	if (!(flags & 1) || !length || acpi.nr_node_ranges == ACPI_MAX_NODE_RANGES)
		return;
	nid = node_of_domain(get(e + 2, 4));
	if (nid < 0)
		return;
	range->start = get(e + 8, 8);
	range->end = range->start + length;
	range->nid = nid;
	range->hotplug = flags & 2;
	acpi.nr_node_ranges++;
	pr_info("ACPI: SRAT: Node %d PXM %u [mem 0x%08llx-0x%08llx]%s", nid, (unsigned int)get(e + 2, 4),
		(unsigned long long)range->start, (unsigned long long)range->end - 1,
		range->hotplug ? " hotplug" : "");
}

enum { SRAT_LAPIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

static void __init srat_entry(const uint8_t *e)
{
	switch (e[0]) {
	case SRAT_LAPIC:
		if (get(e + 4, 4) & 1)
			set_cpu_node(e[3], e[2] | get(e + 9, 3) << 8);
		break;
	case SRAT_MEMORY:
		add_node_range(e);
		break;
	case SRAT_X2APIC:
		if (get(e + 12, 4) & 1)
			set_cpu_node(get(e + 8, 4), get(e + 4, 4));
		break;
	}
}

static void __init read_srat(const struct table *t)
{
	for_each_entry(t, 48, srat_entry);
}

/* Rows and columns are by domain; the kernel wants them by node. */
static void __init read_slit(const struct table *t)
{
	uint64_t nr = get((const char *)t + 36, 8);
	const uint8_t *matrix = (const uint8_t *)t + 44;
	unsigned int a, b;

	if (nr > 256 || 44 + nr * nr > t->length)
		return;
	for (a = 0; a < acpi.nr_nodes; a++)
		for (b = 0; b < acpi.nr_nodes; b++) {
			if (domain_of_node[a] >= nr || domain_of_node[b] >= nr)
				return;
			acpi.distances[a * acpi.nr_nodes + b] =
				matrix[domain_of_node[a] * nr + domain_of_node[b]];
		}
	acpi.has_distances = acpi.nr_nodes > 0;
}

static struct acpi_register __init read_register(const struct table *t, unsigned int offset)
{
	const uint8_t *r = (const uint8_t *)t + offset;

	if (offset + 12 > t->length)
		return (struct acpi_register){ 0, 0 };
	return (struct acpi_register){ r[0], get(r + 4, 8) };
}

/* A small integer of AML at *at: ZeroOp, OneOp, or a byte with its prefix. */
static uint8_t __init aml_byte(const uint8_t **at)
{
	uint8_t op = *(*at)++;

	return op == 0x0a ? *(*at)++ : op;
}

/* Name(_S5_, Package(n) { a, b, ... }): the values that switch the machine off. */
static void __init find_s5(const struct table *dsdt)
{
	const uint8_t *at = (const uint8_t *)dsdt, *end = at + dsdt->length - 12;

	for (; at < end; at++) {
		const uint8_t *p = at + 4;

		if (memcmp(at, "_S5_", 4) || p[0] != 0x12)
			continue;
		p += 1 + (p[1] >> 6) + 1 + 1;	/* op, length bytes, number of elements */
		acpi.s5_a = aml_byte(&p);
		acpi.s5_b = aml_byte(&p);
		acpi.has_s5 = true;
		return;
	}
}

#define FADT_RESET_SUPPORTED	(1u << 10)

static void __init read_fadt(const struct table *t)
{
	const char *f = (const char *)t;
	const struct table *dsdt;

	dsdt = t->length >= 148 ? table_at(get(f + 140, 8)) : NULL;
	if (!dsdt)
		dsdt = table_at(get(f + 40, 4));
	if (dsdt) {
		log_table(dsdt);
		find_s5(dsdt);
	}
	acpi.smi_command = get(f + 48, 4);
	acpi.acpi_enable = f[52];
	acpi.pm1a_control = get(f + 64, 4);
	acpi.pm1b_control = get(f + 68, 4);
	acpi.pm_timer_port = get(f + 76, 4);
	if (t->length >= 129 && get(f + 112, 4) & FADT_RESET_SUPPORTED) {
		acpi.reset = read_register(t, 116);
		acpi.reset_value = f[128];
	}
	acpi.sleep_control = read_register(t, 244);
}

static const struct {
	char signature[4];
	void (*read)(const struct table *t);
} readers[] __initconst = {	/* in this order: SRAT knows the CPUs of the MADT, SLIT the nodes of the SRAT */
	{ "FACP", read_fadt }, { "APIC", read_madt }, { "SRAT", read_srat }, { "SLIT", read_slit },
};

static void __init read_tables(const struct table *root, unsigned int pointer_bytes)
{
	unsigned int r, i, nr = (root->length - sizeof(*root)) / pointer_bytes;
	const struct table *t;

	log_table(root);
	for (r = 0; r < sizeof(readers) / sizeof(readers[0]); r++)
		for (i = 0; i < nr; i++) {
			t = table_at(get((const char *)(root + 1) + i * pointer_bytes, pointer_bytes));
			if (!t || memcmp(t->signature, readers[r].signature, 4))
				continue;
			log_table(t);
			readers[r].read(t);
			break;
		}
}

void __init acpi_init(uint64_t rsdp, unsigned int boot_apic_id)
{
	const struct rsdp *r = rsdp && rsdp < EARLY_PHYS_END ? rsdp_at(rsdp) : rsdp_search();
	const struct table *root = NULL;

	acpi.apic_ids[0] = boot_apic_id;
	acpi.nr_cpus = 1;
	if (r && r->revision >= 2)
		root = table_at(r->xsdt);
	if (root)
		read_tables(root, 8);
	else if (r && (root = table_at(r->rsdt)))
		read_tables(root, 4);
	else
		pr_info("ACPI: no tables: one CPU, interrupts as in a PC");
	if (!acpi.nr_ioapics)
		add_ioapic(IOAPIC_USUAL, 0);
	if (!acpi.lapic_phys)
		acpi.lapic_phys = LAPIC_USUAL;
}
