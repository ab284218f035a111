# SPDX-License-Identifier: MIT
"""Machines booted to look at their page frames: topology, memory maps, zones set apart, owners."""
import re

from .job import Job
from . import boot
from .machine import expect, make_base, run
from .tap import tail

NODES = ("-object memory-backend-ram,size=128M,id=m0 -object memory-backend-ram,size=256M,id=m1 "
         "-object memory-backend-ram,size=128M,id=m2 "
         "-numa node,nodeid=0,memdev=m0,cpus=0 -numa node,nodeid=1,memdev=m1,cpus=1-2 "
         "-numa node,nodeid=2,memdev=m2,cpus=3 "
         "-numa dist,src=0,dst=1,val=15 -numa dist,src=0,dst=2,val=40 -numa dist,src=1,dst=2,val=21")


def numa(result):
    outcome = run(MEM="512M", CPUS="4", QEMU_ARGS=NODES, CMD=(
        "cd /sys/devices/system/node; cat online; cat node*/distance; cat node*/cpulist;"
        "grep -h MemTotal node*/meminfo; grep -c '^Node 2, zone' /proc/buddyinfo; dmesg | grep zonelists;"
        "cat node*/numastat | grep numa_hit; cat has_memory has_normal_memory has_cpu possible node*/cpumap;"
        "grep -h 'Node [0-2] AnonPages' node*/meminfo; grep AnonPages /proc/meminfo;"
        "grep -E '^Node .* zone|nr_anon_pages' /proc/zoneinfo"))
    expect(result, outcome, 0, r"\A0-2\n10 15 40\n15 10 21\n40 21 10\n0\n1-2\n3\n", "SLIT and SRAT")
    sizes = [int(n) / 1024 for n in re.findall(r"Node \d MemTotal: +(\d+) kB", outcome[1])]
    result.check(len(sizes) == 3 and 90 < sizes[0] <= 128 and 245 < sizes[1] <= 256
                 and 120 < sizes[2] <= 128, f"the nodes' sizes are {sizes}", tail(outcome[1]))
    expect(result, outcome, 0, r"\n1\n.*Built 3 zonelists", "every node has its zones")
    hits = [int(n) for n in re.findall(r"numa_hit (\d+)", outcome[1])]
    result.check(len(hits) == 3 and hits[0] and hits[1], f"numa_hit of the nodes: {hits}")
    expect(result, outcome, 0, r"\n0-2\n0-2\n0-2\n0-2\n1\n6\n8\n", "which nodes have what, and the maps of their CPUs")
    anon = [int(n) for n in re.findall(r"Node \d AnonPages: +(\d+) kB", outcome[1])]
    whole = re.search(r"\nAnonPages: +(\d+) kB", outcome[1])
    result.check(len(anon) == 3 and whole and any(anon) and min(anon) < max(anon)
                 and abs(sum(anon) - int(whole[1])) < 512,
                 f"AnonPages of the nodes, {anon}, add up to the machine's", tail(outcome[1]))
    zones = [int(n) * 4 for n in re.findall(r"nr_anon_pages (\d+)", outcome[1])]
    result.check(len(zones) == 3 and all(abs(a - z) < 512 for a, z in zip(anon, zones)),
                 f"zoneinfo has them by node, too: {zones}", tail(outcome[1]))


def uma(result):
    expect(result, run(CMD="cd /sys/devices/system/node; cat online node0/distance node0/cpulist"), 0,
           r"\A0\n10\n0-1\n\Z", "a machine without SRAT is one node")


def memory_map(result):
    """mem= and each form of memmap=, seen in iomem and in the zones."""
    outcome = run(MEM="512M", APPEND="memmap=16M$64M,1M#100M memmap=32M!128M mem=400M "
                  "memmap=2M%300M-1+2", CMD="cat /proc/iomem; cat /proc/zoneinfo; dmesg | grep user:")
    expect(result, outcome, 0, r"\n04000000-04ffffff : Reserved\n", "memmap=$")
    expect(result, outcome, 0, r"\n06400000-064fffff : ACPI Tables\n", "memmap=#")
    expect(result, outcome, 0, r"\n08000000-09ffffff : Persistent Memory\n", "memmap=!")
    expect(result, outcome, 0, r"\n12c00000-12dfffff : Reserved\n", "memmap=%")
    expect(result, outcome, 0, r"\n12e00000-18ffffff : System RAM\n", "mem=")
    expect(result, outcome, 0, r"zone +Device\n(?:.*\n)*? +spanned +8192\n +present +0\n +managed +0",
           "persistent memory is spanned by zone Device")
    outcome = run(MEM="256M", APPEND="memmap=exactmap memmap=636K@0 memmap=200M@1M",
                  CMD="grep RAM /proc/iomem")
    expect(result, outcome, 0, r"\A00001000-0009efff : System RAM\n00100000-0c8fffff : System RAM\n\Z",
           "memmap=exactmap and memmap=@")


def movable(result):
    show = ("cat /proc/zoneinfo; cat /proc/self/maps >/dev/null; dmesg | grep -A1 'Movable zone';"
            "echo 16 >/proc/sys/vm/percpu_pagelist_high_fraction; cat /proc/sys/vm/percpu_pagelist_high_fraction;"
            "echo 7 >/proc/sys/vm/percpu_pagelist_high_fraction || echo refused")
    for option, least, most in (("kernelcore=64M", 180, 192), ("movablecore=64M", 56, 64),
                                ("kernelcore=50%", 120, 128)):
        outcome = run(APPEND=option, CMD=show)
        expect(result, outcome, 0, r"Node 0: 0x[0-9a-f]+\n", option)
        expect(result, outcome, 0, r"\n16\n(?:.*\n)*refused\n", "percpu_pagelist_high_fraction")
        found = re.search(r"zone +Movable\n(?:.*\n)*?.* free +(\d+)(?:.*\n)*? +present +(\d+)", outcome[1])
        mib = int(found[2]) / 256 if found else 0
        result.check(least <= mib <= most, f"{option}: {mib} MiB are Movable", tail(outcome[1]))
        result.check(found and int(found[1]) < int(found[2]), f"{option}: programs live there")
    outcome = run(APPEND="kernelcore=mirror loglevel=8", CMD="dmesg | grep mirror")
    expect(result, outcome, 0, r"no mirror memory, ignore kernelcore=mirror", "kernelcore=mirror")


def page_owner(result):
    expect(result, run(CMD="ls /sys/kernel/debug | grep -c page_owner; true"), 0, r"\A0\n\Z", "without the option")
    outcome = run(APPEND="page_owner=on", CMD=(
        "cat /sys/kernel/debug/page_owner >/tmp/owners; grep -c ^PFN /tmp/owners; head -n 24 /tmp/owners;"
        "grep -c '(sh), ts [1-9][0-9]* ns' /tmp/owners; grep -c 'GFP_HIGHUSER_MOVABLE' /tmp/owners;"
        "grep 'do_anonymous\\|fault' /tmp/owners | sort | uniq | head -3"))
    expect(result, outcome, 0, r"Page allocated via order \d+, mask 0x[0-9a-f]+\(\S+\), pid \d+, tgid \d+ \(.*\), ts \d+ ns\n"
           r"PFN 0x[0-9a-f]+ type \w+ Block \d+ type \w+ Flags 0x[0-9a-f]+\(\S+\)\n"
           r"(?: \w+(?:\.\w+)*\+0x[0-9a-f]+/0x[0-9a-f]+\n)+\n", "page_owner's paragraphs")
    count = re.match(r"(\d+)\n", outcome[1])
    result.check(count and int(count[1]) > 300, "an allocation for each frame in use", tail(outcome[1]))
    expect(result, run(APPEND="page_poison=on page_owner=on", CMD="ls -lR /bin | wc -l; free | wc -l;"
                       "dmesg | grep -c corruption"), 1, r"\A\d+\n3\n0\n\Z", "poison on a quiet machine")


def jobs():
    builds = boot.builds() + [("initramfs", make_base)]
    tests = {"numa": numa, "uma": uma, "memory-map": memory_map, "movable": movable,
             "page-owner": page_owner}
    return [Job(f"machine/{name}", function, builds) for name, function in tests.items()]
