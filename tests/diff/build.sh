# SPDX-License-Identifier: MIT
# Sourced by the scripts here: builds the program into $work/root; `booted` runs CMD on a machine that has it.
work=build/diff
mkdir -p "$work/root/tests"
musl-gcc -static -O1 -std=gnu17 -pthread -Itests/lib -o "$work/root/tests/diff" \
	tests/diff/booted.c tests/diff/generate.c tests/diff/on_linux.c tests/diff/on_linux_calls.c \
	tests/diff/on_linux_failing.c tests/diff/on_linux_watch.c tests/diff/maps_text.c \
	tests/lib/tap.c tests/lib/tap_process.c tests/boot/lib/one_schedule.c
make -s initramfs

booted() {
	ROOT="$work/root" CMD="$CMD" TIMEOUT="$TIMEOUT" \
		tools/run "${KERNEL:-build/kernel-debug/kernel/quire.elf}" build/initramfs.cpio
}
