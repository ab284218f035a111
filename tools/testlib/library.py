# SPDX-License-Identifier: MIT
"""libquire.a as an embedder gets it: complete without a libc, and without hidden state."""
import subprocess

from .job import Job, meson_build

DIRECTORY = "build/embed"
ARCHIVE = f"{DIRECTORY}/include/libquire.a"
# What the host supplies, and the ends of a section, which the linker names.
PORT = ("quire_host_", "__start_quire_", "__stop_quire_")
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


def jobs():
    build = meson_build(DIRECTORY, "-Dworld=embed")
    return [Job(f"library/{function.__name__}", function, [build])
            for function in (undefined, state, instructions)]
