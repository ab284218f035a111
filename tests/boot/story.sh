# SPDX-License-Identifier: MIT
# story.sh - the kernel's log tells of the boot in the customary lines, with true figures.
. /tests/tap.sh

log=/tests/boot.log
dmesg >/dev/null || true
text=$(cat $log 2>/dev/null || dmesg)
like "the firmware's map" "$text" 'BIOS-e820: \[mem 0x0000000000100000-0x[0-9a-f]{16}\] usable'
like "the zones" "$text" '  DMA +\[mem 0x0000000000001000-0x0000000000ffffff\]'
like "DMA32" "$text" '  DMA32 +\[mem 0x0000000001000000-'
like "the node" "$text" 'Initmem setup node 0 '
like "the memory line" "$text" \
	'Memory: [0-9]+K/[0-9]+K available \([0-9]+K kernel code, [0-9]+K rwdata, [0-9]+K rodata, [0-9]+K init, [0-9]+K bss, [0-9]+K reserved'
like "freed init memory" "$text" 'Freeing unused kernel image \(initmem\) memory: [0-9]+K'
like "freed initrd" "$text" 'Freeing initrd memory: [0-9]+K'
like "the CPUs" "$text" "smp: Brought up 1 node, $(nproc) CPU"
like "the first program" "$text" 'Run /init as init process'
like "how long it took" "$text" 'quire: boot took [0-9]+'
like "iomem" "$(cat /proc/iomem)" '^00100000-[0-9a-f]+ : System RAM'
like "iomem shows the kernel" "$(cat /proc/iomem)" 'Kernel code'
is "cpuinfo counts the CPUs" "$(grep -c ^processor /proc/cpuinfo)" "$(nproc)"
like "slabinfo" "$(head -n 2 /proc/slabinfo)" '^slabinfo - version: 2.1'
like "version" "$(cat /proc/version)" '^Linux version 6\.12\.0-quire'
ok "nothing that Linux has not" test ! -e /proc/quire
done_testing
