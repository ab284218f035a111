/* SPDX-License-Identifier: MIT */
/* badelf.c - execve refuses broken programs; none of them harms the kernel. */
#include "common.h"

#include <elf.h>
#include <stddef.h>

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	unsigned char code[16];
};

static const char path[] = "./bad-program";

/* A program of one segment that exits with status 3. */
static struct image good_image(void)
{
	static const unsigned char code[] = { 0xb8, 60, 0, 0, 0, 0xbf, 3, 0, 0, 0, 0x0f, 0x05 };
	struct image image = { 0 };

	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	image.header.e_type = ET_EXEC;
	image.header.e_machine = EM_X86_64;
	image.header.e_version = EV_CURRENT;
	image.header.e_entry = 0x400000 + offsetof(struct image, code);
	image.header.e_phoff = offsetof(struct image, segments);
	image.header.e_ehsize = sizeof(Elf64_Ehdr);
	image.header.e_phentsize = sizeof(Elf64_Phdr);
	image.header.e_phnum = 1;
	image.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X,
					  .p_vaddr = 0x400000, .p_filesz = sizeof(image),
					  .p_memsz = sizeof(image), .p_align = PAGE };
	memcpy(image.code, code, sizeof(code));
	return image;
}

static void run(void *argument)
{
	(void)argument;
	execl(path, path, (char *)NULL);
	_exit(100 + (errno < 100 ? errno : 99));
}

static int outcome_of_bytes(const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (write(fd, bytes, length) != (ssize_t)length)
		tap_diag("cannot write the program");
	close(fd);
	return in_child(run, NULL);
}

static int outcome(const struct image *image)
{
	return outcome_of_bytes(image, sizeof(*image));
}

/* Refused by execve, or killed while or after it was loaded: never run as if it were well. */
static int refused(int status)
{
	return status > 100;
}

static void test_headers(void)
{
	struct image image = good_image();

	tap_is(outcome(&image), 3, "a good program runs");
	tap_is(outcome_of_bytes("", 0), 100 + ENOEXEC, "an empty file is no program");
	tap_is(outcome_of_bytes("\177ELF", 4), 100 + ENOEXEC, "nor is its beginning");
	tap_is(outcome_of_bytes(&image, 70), 100 + ENOEXEC, "nor one cut in its headers");
	image.header.e_machine = EM_AARCH64;
	tap_is(outcome(&image), 100 + ENOEXEC, "another machine");
	image = good_image();
	image.header.e_type = ET_REL;
	tap_is(outcome(&image), 100 + ENOEXEC, "an object file");
	image = good_image();
	image.header.e_phnum = 0;
	tap_ok(refused(outcome(&image)), "no segments");
	image = good_image();
	image.header.e_phentsize = 17;
	tap_is(outcome(&image), 100 + ENOEXEC, "odd segment headers");
	image = good_image();
	image.header.e_phoff = 1UL << 62;
	tap_ok(refused(outcome(&image)), "segment headers far outside the file");
	image.header.e_phoff = (Elf64_Off)-8;
	tap_ok(refused(outcome(&image)), "segment headers before it");
	image = good_image();
	image.header.e_phnum = 0xffff;
	tap_ok(refused(outcome(&image)), "65,535 segments that are not there");
}

static void test_segments(void)
{
	struct image image = good_image();

	image.segments[0].p_memsz = 100;
	tap_ok(refused(outcome(&image)), "a segment larger in the file than in memory");
	image = good_image();
	image.segments[0].p_vaddr = 0xffffffff80000000UL;
	tap_ok(refused(outcome(&image)), "a segment in the kernel");
	image = good_image();
	image.segments[0].p_vaddr = (1UL << 56) - 2 * PAGE;
	image.segments[0].p_memsz = 1UL << 30;
	tap_ok(refused(outcome(&image)), "a segment across the end of addresses");
	image = good_image();
	image.segments[0].p_memsz = ~0UL - 0x1000;
	tap_ok(refused(outcome(&image)), "a segment that wraps around");
	image = good_image();
	image.segments[0].p_vaddr = 0x400010;
	tap_ok(refused(outcome(&image)), "a segment at an odd address");
	image = good_image();
	image.segments[0].p_offset = 1UL << 40;
	tap_ok(refused(outcome(&image)), "a segment far beyond the end of the file");
	image = good_image();
	image.segments[0].p_filesz = image.segments[0].p_memsz = 1 << 20;
	image.header.e_entry = 0x400000 + (1 << 19);
	tap_is(outcome(&image), 256 + SIGBUS, "what runs past the end of the file gets SIGBUS");
	image = good_image();
	image.header.e_phnum = 2;
	image.segments[1] = image.segments[0];
	image.segments[1].p_vaddr += 0x10;
	image.segments[1].p_offset += 0x10;
	tap_ok(outcome(&image) != 0, "overlapping segments do no harm");
	image = good_image();
	image.header.e_entry = 0xdead0000;
	tap_is(outcome(&image), 256 + SIGSEGV, "an entry in the middle of nowhere");
	image.header.e_entry = 0xffffffff80200000UL;
	tap_is(outcome(&image), 256 + SIGSEGV, "an entry in the kernel");
	image.header.e_entry = 0x8000000000000000UL;
	tap_is(outcome(&image), 256 + SIGSEGV, "an entry that is no address");
	image = good_image();
	image.header.e_phnum = 2;
	image.segments[1] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 1UL << 50,
					  .p_filesz = 1UL << 40 };
	tap_ok(refused(outcome(&image)), "an interpreter far outside the file");
}

/* Change bytes of the headers at random, but the same ones each time. */
static void test_noise(void)
{
	uint64_t seed = 1;
	int nr_odd = 0;

	for (int round = 0; round < 300; round++) {
		struct image image = good_image();
		unsigned char *bytes = (unsigned char *)&image;
		int status;

		for (int i = 0; i < 3; i++) {
			seed = seed * 6364136223846793005UL + 1442695040888963407UL;
			bytes[(seed >> 33) % offsetof(struct image, segments[1])] =
				(unsigned char)(seed >> 25);
		}
		status = outcome(&image);
		nr_odd += status < 0;
	}
	tap_is(nr_odd, 0, "300 programs with noise in their headers end somehow");
}

int main(void)
{
	tap_plan(0);
	test_headers();
	test_segments();
	test_noise();
	unlink(path);
	return tap_done();
}
