# SPDX-License-Identifier: MIT
"""libquire.a as an embedder gets it: complete without a libc, and without hidden state."""
import glob
import os
import re
import glob
import os
import shutil
import subprocess
import tempfile

from .job import Job, meson_build
from .tap import tail

DIRECTORY = "build/embed"
ARCHIVE = f"{DIRECTORY}/include/libquire.a"
# What the host supplies, and the ends of a section, which the linker names.
PORT = ("quire_host_", "__start_quire_", "__stop_quire_")
BUILD = meson_build(DIRECTORY, "-Dworld=embed")
WELL = 33  # examples/lib/example.h
STATE_HOLDERS = {"quire.c.o"}  # src/front/quire.c may own what hangs off struct quire


def symbols():
    """(member, kind, name) of every symbol in the archive."""
    out = subprocess.run(["nm", ARCHIVE], check=True, capture_output=True, text=True).stdout
    member = ""
    for line in out.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line:
            kind, name = line.split()[-2:]
            yield member, kind, name


def undefined(result):
    everything = list(symbols())
    defined = {name for _, kind, name in everything if kind not in "Uw"}
    result.check(len(defined) > 50, f"{ARCHIVE} is nearly empty: {len(defined)} symbols")
    for member, kind, name in everything:
        if kind in "Uw" and name not in defined:
            result.check(name.startswith(PORT),
                         f"{member} needs {name}, which is not in the documented port")
    result.check(True, "")


def state(result):
    for member, kind, name in symbols():
        if kind in "bBdDC" and member.split("_")[-1] not in STATE_HOLDERS:
            result.fail(f"{member}: {name} is writable and does not hang off struct quire")
    result.check(True, "")


def instructions(result):
    """No floating point, and no stack protector: ring 0 has neither."""
    out = subprocess.run(["objdump", "-d", "--no-show-raw-insn", ARCHIVE], check=True,
                         capture_output=True, text=True).stdout
    bad = [line.strip() for line in out.splitlines() if "%xmm" in line or "%fs:" in line]
    result.check(not bad, f"{len(bad)} instructions use %xmm or %fs", "\n".join(bad[:5]))


def example(name, pattern, without=()):
    """An example boots, says what it should and ends well; it links none of the names `without`."""
    def run(result):
        program = f"{DIRECTORY}/examples/{name}"
        done = subprocess.run(
            [os.environ.get("QEMU") or "qemu-system-x86_64", "-M", "q35", "-m", "256M",
             "-nodefaults", "-display", "none", "-no-reboot", "-debugcon", "stdio",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", program],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        text = done.stdout + done.stderr
        result.check(done.returncode == WELL, f"{name} ended with status {done.returncode}",
                     tail(text))
        result.check(re.search(pattern, text, re.S) is not None,
                     f"{name} does not say /{pattern}/", tail(text))
        names = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
        linked = {line.split()[-1] for line in names.splitlines()}
        for unwanted in without:
            result.check(unwanted not in linked, f"{name} links {unwanted}, of a higher tier")
    return Job(f"library/{name}", run, [BUILD])


def install(result):
    """Every public header compiles with nothing but what was installed and pkg-config says."""
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["meson", "install", "-C", DIRECTORY, "--quiet", "--no-rebuild"],
                       check=True, env={**os.environ, "DESTDIR": top}, capture_output=True)
        found = glob.glob(f"{top}/**/quire.pc", recursive=True)
        result.check(len(found) == 1, "no quire.pc was installed")
        flags = subprocess.run(["pkg-config", "--cflags", "quire"], check=True, text=True,
                               capture_output=True,
                               env={**os.environ, "PKG_CONFIG_SYSROOT_DIR": top,
                                    "PKG_CONFIG_PATH": os.path.dirname(found[0])}).stdout.split()
        for path in sorted(glob.glob("include/quire/*.h")):
            done = subprocess.run(["gcc", "-std=gnu17", "-ffreestanding", "-fsyntax-only", *flags,
                                   "-x", "c", "-"], text=True, capture_output=True, cwd=top,
                                  input=f'#include "quire/{os.path.basename(path)}"\n')
            result.check(done.returncode == 0, f"{path} does not compile where it is installed",
                         tail(done.stderr, 3))


def jobs():
    low = {"kmem_cache_alloc", "kva_init", "object_init", "vm_init"}
    return [*(Job(f"library/{function.__name__}", function, [BUILD])
              for function in (undefined, state, instructions, install)),
            example("embed-frames", r"before:\n(Node.*?)a zeroed frame.*after:\n\1", low),
            example("embed-objects", r"\nprime +78498 .*memory is free again",
                    low - {"kmem_cache_alloc"})]
