# SPDX-License-Identifier: MIT
"""Programs and scripts of tests/boot, and unit tests, in the booted kernel with 1 and with 4 CPUs.

The one CPU translates by page tables of four levels, the four by five; some programs run the other way round, too.
All of a kind run one after the other in one machine. When one takes the machine down or does not
end, it has failed, and a new machine goes on with the next.
"""
import os
import queue
import re
import subprocess
import threading
import time

from .job import Job, meson_build
from .monitor import Monitor
from .tap import Result, tail

SOURCES = "tests/boot"
BINARIES = "build/boot-tests"
KERNEL_DIR = "build/kernel-debug"
KERNEL = f"{KERNEL_DIR}/kernel/quire.elf"
UNIT_KERNEL = f"{KERNEL_DIR}/tests/booted/quire-unit.elf"
CLANG_DIR = "build/kernel-clang"
CLANG_KERNEL = f"{CLANG_DIR}/kernel/quire.elf"
INITRAMFS = "build/boot-tests.cpio"
TAP = ["tests/lib/tap.c", "tests/lib/tap_process.c"]
LIBCS = {"musl": ["musl-gcc"], "glibc": ["gcc"]}
I386_LIBCS = {"musl": ["gcc", "-m32"], "glibc": ["gcc", "-m32"]}
# Programs of more than one file, and not of tests/boot.
OTHERS = {"diff": [f"tests/diff/{name}.c" for name in ("booted", "generate", "on_linux", "on_linux_calls", "on_linux_failing", "on_linux_watch", "maps_text")]}
# What Linux answered to the calls that "diff" makes: in both machines together, and in the hosted
# one, they are more than 100,000.
TRACE, TRACE_CALLS = f"{BINARIES}/diff.trace", 30000
# What a compiler may break: entry, switching, faults, signals, copies, locks.
CLANG_TESTS = ["story", "memory", "process", "signals", "threads", "fpu", "efault"]
# What page tables of another depth may break.
LEVELS_TESTS = ["high", "layout", "memory", "process", "softdirty", "userfault"]
FOUR_LEVELS = "no5lvl"
GLIBC_TOO = {"threads", "futex", "signals"}
# What the 32-bit kernels may break: entry, frames of signals, calls of their own, both formats of page tables.
I386_TESTS = ["process", "signals", "threads", "futex", "pipes", "files", "sched"]
I386_BINARIES, I386_INITRAMFS, I386_BUSYBOX = "build/boot-tests-i386", "build/boot-tests-i386.cpio", "build/busybox-i386"
QUIET_LIMIT = 120  # seconds without a word from a test, under emulation on a busy host
MARK = re.compile(r"^@@ (begin|end) (\S+)(?: (\d+))?$")


def sources():
    return sorted(name for name in os.listdir(SOURCES) if name.endswith((".c", ".sh"))
                  and not name.startswith("_"))


def tests():
    """The names of the tests: one for each script, one for each program and libc."""
    names = list(OTHERS)
    for source in sources():
        stem = source.rsplit(".", 1)[0]
        names.append(stem)
        if stem in GLIBC_TOO and source.endswith(".c"):
            names.append(f"{stem}-glibc")
    return names


def compile_programs(names, directory, libcs):
    """Build what is out of date; returns what went wrong."""
    os.makedirs(directory, exist_ok=True)
    common = ["tests/lib/tap.h", "tests/lib/tap_world.h", *TAP]
    common += [f"{SOURCES}/lib/{name}" for name in sorted(os.listdir(f"{SOURCES}/lib"))]
    trouble, running = [], []
    for name in names:
        mine = OTHERS.get(name, [f"{SOURCES}/{name.removesuffix('-glibc')}.c"])
        output = f"{directory}/{name}"
        if not os.path.exists(mine[0]) or fresh(output, [*mine, *common]):
            continue
        compiler = libcs["glibc" if name.endswith("-glibc") else "musl"]
        command = [*compiler, "-static", "-O1", "-std=gnu17", "-Wall", "-Wextra", "-Werror",
                   "-pthread", "-Itests/lib", f"-I{SOURCES}/lib", "-o", output, *mine,
                   *TAP, f"{SOURCES}/lib/one_schedule.c"]
        running.append((name, subprocess.Popen(command, stderr=subprocess.PIPE, text=True)))
        if len(running) == 2:
            trouble += finish(running)
    trouble += finish(running)
    return "\n".join(trouble)


def record_trace():
    """Let Linux answer first; each run asks from another seed, which a difference names."""
    seed = os.environ.get("QUIRE_SEED") or str(int.from_bytes(os.urandom(4), "little"))
    done = subprocess.run([f"{BINARIES}/diff", "record", TRACE, str(TRACE_CALLS), seed],
                          capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def fresh(output, inputs):
    try:
        return os.path.getmtime(output) >= max(map(os.path.getmtime, inputs))
    except OSError:
        return False


def finish(running):
    trouble = []
    for name, process in running:
        errors = process.communicate()[1]
        if process.returncode:
            trouble.append(f"{name}: {errors}")
    running.clear()
    return trouble


def make_initramfs():
    trouble = compile_programs(tests(), BINARIES, LIBCS) or record_trace()
    return trouble or pack(tests(), BINARIES, INITRAMFS, "--base", "--file", f"tests/diff.trace={TRACE}")


def pack(names, directory, output, *base):
    command = ["tools/mkinitramfs", *base, "--file", f"tests/run={SOURCES}/lib/run-tests",
               "--file", f"tests/tap.sh={SOURCES}/lib/tap.sh"]
    for name in names:
        script = f"{SOURCES}/{name}.sh"
        source = script if os.path.exists(script) else f"{directory}/{name}"
        command += ["--file", f"tests/{name}={source}"]
    done = subprocess.run([*command, output], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def make_i386_initramfs():
    """Without a busybox, which takes a mirror that has i386, the tests say so and are left out."""
    trouble = compile_programs(I386_TESTS, I386_BINARIES, I386_LIBCS)
    if trouble or not (os.path.exists(I386_BUSYBOX)
                       or subprocess.run(["tools/busybox-i386", I386_BUSYBOX], capture_output=True).returncode == 0):
        return trouble
    return pack(I386_TESTS, I386_BINARIES, I386_INITRAMFS, "--busybox", I386_BUSYBOX)


def builds():
    return [meson_build(KERNEL_DIR, "-Dworld=kernel", "-Ddebug_checks=true"),
            ("boot-tests", make_initramfs)]


class Batch(Job):
    """Tests that one machine runs one after the other, saying where each begins and ends."""

    initramfs = INITRAMFS

    def __init__(self, name, cpus, names, needs, kernel=KERNEL, append="", qemu_args=""):
        super().__init__(name, None, needs)
        self.kernel = kernel
        self.append = append
        self.qemu_args = qemu_args
        self.cpus = cpus
        self.tests = names

    def names(self):
        return [f"{self.name}/{test}" for test in self.tests]

    def narrow(self, pattern):
        self.tests = [test for test in self.tests if pattern.search(f"{self.name}/{test}")]

    def run(self, report):
        left = list(self.tests)
        while left:
            left = left[self.run_machine(left, report):]

    def run_machine(self, names, report):
        """Report on the first tests of names: all, or up to the one that ended the machine."""
        monitor = Monitor()
        environment = dict(os.environ)
        for variable in ("APPEND", "CMD", "ROOT", "MACHINE", "ISO", "KVM"):
            environment.pop(variable, None)
        environment.update({"CPUS": str(self.cpus), "MEM": "512M", "TIMEOUT": "0",
                            "QEMU_ARGS": f"{monitor.arguments} {self.qemu_args}"})
        process = subprocess.Popen(["tools/run", self.kernel, self.initramfs],
                                   env={**environment, **self.variables(names)}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", start_new_session=True)
        lines = queue.Queue()
        threading.Thread(target=pump, args=(process.stdout, lines), daemon=True).start()
        nr_done = self.listen(process, lines, names, report, monitor)
        stop(process)
        monitor.close()
        return nr_done

    def variables(self, names):
        """Those of tools/run with which the machine runs these tests."""
        return {"CMD": "sh /tests/run " + " ".join(names), "APPEND": self.append}

    def listen(self, process, lines, names, report, monitor):
        nr_done, output, begin = 0, [], time.monotonic()
        current = None
        while nr_done < len(names):
            try:
                line = lines.get(timeout=QUIET_LIMIT)
            except queue.Empty:
                line = None
            mark = MARK.match(line) if line is not None else None
            if mark and mark[1] == "begin":
                current, output, begin = mark[2], [], time.monotonic()
            elif mark and mark[2] == current:
                report(self.result(current, output, int(mark[3]), begin))
                nr_done += 1
                current, output = None, []
            elif line is not None:
                output.append(line)
            else:
                why = "took the machine down" if process.poll() is not None or not current \
                    else f"said nothing for {QUIET_LIMIT} s"
                if process.poll() is None and monitor.inject_nmi():
                    output += answer(lines)
                report(self.broken(current or names[nr_done], output, why, begin))
                return nr_done + 1
        return nr_done

    def result(self, name, output, status, begin):
        result = Result(f"{self.name}/{name}")
        result.read("\n".join(output), status)
        result.seconds = time.monotonic() - begin
        return result

    def broken(self, name, output, why, begin):
        result = Result(f"{self.name}/{name}")
        result.fail(why + tail("\n".join(output), 240))
        result.seconds = time.monotonic() - begin
        return result


class I386Batch(Batch):
    """Programs of 32 bits on a kernel of 32 bits, which `isa` names."""

    initramfs = I386_INITRAMFS

    def __init__(self, isa, cpus):
        directory = f"build/kernel-{isa}-debug"
        super().__init__(f"boot-{isa}", cpus, I386_TESTS,
                         [meson_build(directory, "-Dworld=kernel", "-Ddebug_checks=true", f"-Disa={isa}"),
                          ("boot-tests-i386", make_i386_initramfs)], f"{directory}/kernel/quire.elf")
        self.isa = isa

    def run(self, report):
        if os.path.exists(I386_INITRAMFS):
            super().run(report)
            return
        for name in self.names():
            result = Result(name)
            result.skipped = "tools/busybox-i386 found no busybox for i386"
            report(result)

    def variables(self, names):
        return {**super().variables(names), "ARCH": self.isa}


class UnitBatch(Batch):
    """Unit tests inside the kernel, before there is any program."""

    def variables(self, names):
        # Some of them take all memory: the less there is, the sooner they are through.
        return {"MEM": "256M", "APPEND": f"quiet loglevel=0 {self.append} quire.selftest=unit_tests "
                                         "unit_tests=" + ",".join(names)}


def unit_tests():
    """The names in tests/booted/meson.build, in its order."""
    listing = re.search(r"^booted_list = \{(.*?)^\}", read("tests/booted/meson.build"), re.M | re.S)
    rooms = re.findall(r"^\t'(\w+)': \[(.*?)\],$", listing[1], re.M | re.S)
    return [f"{room}/{test}" for room, tests_of in rooms for test in re.findall(r"'(\w+)'", tests_of)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def make_unit_image():
    done = subprocess.run(["ninja", "-C", KERNEL_DIR, UNIT_KERNEL.removeprefix(KERNEL_DIR + "/")],
                          capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def pump(stream, lines):
    """Hand over the lines of a stream as they come, then None."""
    for line in stream:
        lines.put(line.rstrip("\r\n"))
    lines.put(None)


def answer(lines, seconds=3):
    """The lines that still come in this time."""
    heard, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            line = lines.get(timeout=max(0.01, end - time.monotonic()))
        except queue.Empty:
            break
        if line is None:
            break
        heard.append(line)
    return heard


def stop(process):
    """End tools/run and the QEMU that it started: they are a process group of their own."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def jobs():
    unit_builds = [*builds(), ("unit-image", make_unit_image)]
    clang_builds = [meson_build(CLANG_DIR, "-Dworld=kernel", cc="clang"),
                    ("boot-tests", make_initramfs)]
    return [Batch("boot-1", 1, tests(), builds(), append=FOUR_LEVELS),
            Batch("boot-4", 4, tests(), builds()),
            Batch("boot-five-levels", 1, LEVELS_TESTS, builds(), qemu_args="-cpu qemu64,+la57"),
            UnitBatch("unit-booted-1", 1, unit_tests(), unit_builds, UNIT_KERNEL,
                      append=FOUR_LEVELS),
            UnitBatch("unit-booted-4", 4, unit_tests(), unit_builds, UNIT_KERNEL),
            Batch("boot-clang", 2, CLANG_TESTS, clang_builds, CLANG_KERNEL),
            I386Batch("i386pae", 4), I386Batch("i386", 1)]
