# SPDX-License-Identifier: MIT
"""Debian's unmodified programs in the booted kernel: see tests/programs."""
import os
import subprocess

from . import boot, machine
from .job import Job, meson_build

SOURCES = "tests/programs"
ROOTS = "build/programs"
RELEASE_DIR = "build/kernel"
RELEASE = f"{RELEASE_DIR}/kernel/quire.elf"
CANNOT_BE_HAD = 3  # debian-root's status without a network
# What goes into each root, and why it is not there.
PROGRAMS = {"tools": ["ls", "python3", "sqlite3", "memtester", "gcc"], "stress": ["stress-ng"]}
MISSING = {}
# How long a machine with all its stressors may take: each has a limit of its own as well.
LIMIT = 170

# The memory classes, small enough for a machine of 768 MiB under emulation.
STRESSORS = [
    "vm --vm-bytes 48m", "mmap --mmap-bytes 16m", "mmapfork",
    "mremap --mremap-bytes 8m", "mprotect", "brk", "stack", "fork", "vm-rw --vm-rw-bytes 8m",
    "memfd --memfd-bytes 16m", "shm --shm-bytes 2m", "shm-sysv --shm-sysv-bytes 1m", "userfaultfd --userfaultfd-bytes 4m", "mlock", "mincore", "madvise",
    "mmapfixed", "mmapmany", "mmapaddr", "mmaphuge", "bigheap --bigheap-growth 1m", "malloc",
    "memcpy", "vforkmany --vforkmany-vm", "clone --clone-max 64",
    "msync --msync-bytes 1m", "msyncmany", "munmap", "pagemove", "pageswap", "physpage",
    "remap", "resources", "rmap", "bad-altstack", "stackmmap", "tlb-shootdown", "vm-addr",
    "dev-shm", "env", "context", "full",
]
# What the kernel with its invariants checked runs too.
CHECKED = ["vm --vm-bytes 16m", "mmapfork", "mremap --mremap-bytes 4m",
           "mprotect", "fork", "mmapfixed", "vm-rw --vm-rw-bytes 4m", "rmap", "madvise",
           "clone --clone-max 32", "remap", "munmap"]


def make_root(name):
    """A (key, function) pair that makes a root; packages that cannot be had skip its tests."""
    def build():
        os.makedirs(ROOTS, exist_ok=True)
        root = f"{ROOTS}/{name}"
        stamp = f"{ROOTS}/{name}.made"
        if boot.fresh(stamp, ["tools/debian-root", __file__]):
            return ""
        done = subprocess.run(["tools/debian-root", root, *PROGRAMS[name]], capture_output=True,
                              text=True)
        if done.returncode == CANNOT_BE_HAD:
            MISSING[name] = done.stderr.strip()
            return ""
        if done.returncode == 0:
            with open(stamp, "w", encoding="ascii"):
                pass
        return done.stderr if done.returncode else ""
    return f"programs/{name}", build


def make_initramfs():
    command = ["tools/mkinitramfs", "--base", "--file", "tests/tap.sh=tests/boot/lib/tap.sh"]
    for name in sorted(os.listdir(SOURCES)):
        command += ["--file", f"tests/{name}={SOURCES}/{name}"]
    done = subprocess.run([*command, f"{ROOTS}/tests.cpio"], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def builds(root, debug):
    kernel = meson_build(boot.KERNEL_DIR, "-Dworld=kernel", "-Ddebug_checks=true") if debug else \
        meson_build(RELEASE_DIR, "-Dworld=kernel")
    return [kernel, make_root(root), ("programs/tests", make_initramfs)]


def job(name, root, command, memory="768M", debug=False):
    """The script runs in a machine whose root has the programs; it speaks TAP."""
    def test(result):
        if root in MISSING:
            result.skipped = MISSING[root]
            return
        kernel = boot.KERNEL if debug else RELEASE
        seconds = int(os.environ.get("STRESS", "0"))
        limit = (seconds * 4 + 45) * len(STRESSORS) if seconds else LIMIT
        before = "cat /proc/meminfo >/tests/.before; "
        variables = {"MEM": memory, "CPUS": os.environ.get("CPUS", "2"),
                     "ROOT": f"{ROOTS}/{root}", "TIMEOUT": str(limit), "CMD": before + command}
        done = subprocess.run(["tools/run", kernel, f"{ROOTS}/tests.cpio"], text=True,
                              env=machine.environment(variables), capture_output=True,
                              stdin=subprocess.DEVNULL, errors="replace")
        result.read(done.stdout + done.stderr, done.returncode)
    return Job(f"programs/{name}", test, builds(root, debug))


def stress(stressors):
    seconds = int(os.environ.get("STRESS", "1"))
    return f"sh /tests/stress-ng.sh {seconds} " + " ".join(f"'{item}'" for item in stressors)


def jobs():
    return [job("debian", "tools", "sh /tests/programs.sh"),
            job("stress-ng", "stress", stress(STRESSORS)),
            job("stress-ng-checked", "stress", stress(CHECKED), debug=True)]
