# SPDX-License-Identifier: MIT
"""Whole machines, each booted for one question: ways to boot, bad luck, sessions on a terminal."""
import gzip
import os
import pty
import re
import select
import signal
import subprocess
import time

from . import boot
from .job import Job
from .monitor import Monitor
from .tap import tail

BASE = "build/initramfs.cpio"
WORK = "build/machine-tests"
LIMIT = 150  # seconds for one machine, under emulation on a busy host
VARIABLES = ("MACHINE", "MEM", "CPUS", "APPEND", "ROOT", "CMD", "TIMEOUT", "QEMU_ARGS", "KVM",
             "ISO", "ARCH", "QEMU", "ONLY", "BENCH", "DEBUG")


def environment(variables):
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return {**clean, "TERM": "vt100", **variables}


def run(initramfs=BASE, command=("tools/run", boot.KERNEL), **variables):
    """(status, stdout, stderr) of a machine."""
    variables = {"MEM": "256M", "TIMEOUT": str(LIMIT), **variables}
    arguments = [*command, initramfs] if initramfs else list(command)
    done = subprocess.run(arguments, env=environment(variables), capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=2 * LIMIT)
    return (done.returncode, done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"))


def expect(result, outcome, status, pattern="", what=""):
    got, out, errors = outcome
    text = out + errors
    result.check(got == status, f"{what or 'the machine'}: status {got}, wanted {status}",
                 tail(text))
    if pattern:
        result.check(re.search(pattern, text) is not None,
                     f"{what or 'the machine'} does not say /{pattern}/", tail(text))


# --- Ways to boot ---

def machine_of(name):
    def test(result):
        outcome = run(MACHINE=name, CMD="uname -r; nproc; grep -c MemTotal /proc/meminfo")
        expect(result, outcome, 0, r"\A6\.12\.0-quire\n2\n1\n\Z", name)
    return test


def iso(result):
    outcome = run(ISO="1", CMD="uname -r; cat /proc/cmdline; dmesg | grep Page.tables", APPEND="no5lvl")
    expect(result, outcome, 0, r"6\.12\.0-quire\n.*console=ttyS0.*\n.*: 4 levels \(no5lvl\)", "the ISO")


def gzipped(result):
    """Its command lies in the archive, since an archive that tools/run adds is not compressed."""
    subprocess.run(["tools/mkinitramfs", "--base", "--text",
                    "etc/quire/cmd=echo hello from gzip", f"{WORK}/gz.cpio"], check=True)
    with open(f"{WORK}/gz.cpio", "rb") as source, gzip.open(f"{WORK}/gz.cpio.gz", "wb") as out:
        out.write(source.read())
    expect(result, run(f"{WORK}/gz.cpio.gz"), 0, r"hello from gzip", "a gzip initramfs")


def cpus(result):
    for count, append, wanted in (("1", "", "1"), ("4", "", "4"), ("4", "maxcpus=1", "1"),
                                  ("4", "maxcpus=3", "3")):
        outcome = run(CPUS=count, APPEND=append, CMD="nproc")
        expect(result, outcome, 0, rf"\A{wanted}\n\Z", f"CPUS={count} {append}")


def sizes(result):
    for size, append, least, most in (("64M", "", 40, 64), ("256M", "", 240, 256),
                                      ("1G", "mem=512M", 490, 512), ("3G", "", 2950, 3072),
                                      ("5G", "", 4950, 5120)):
        status, out, errors = run(MEM=size, APPEND=append, CMD="grep MemTotal /proc/meminfo")
        found = re.search(r"MemTotal:\s+(\d+) kB", out)
        mib = int(found[1]) / 1024 if found else 0
        result.check(status == 0 and least <= mib <= most,
                     f"MEM={size} {append}: MemTotal {mib:.0f} MiB, status {status}",
                     tail(out + errors))


# --- CMD, and what tools/run answers ---

def exact_output(result):
    status, out, errors = run(CMD="printf 'a\\nb\\r\\t$x\\n'; printf 'no end'")
    result.check(status == 0 and out == "a\nb\r\t$x\nno end" and errors == "",
                 f"exactly what was printed, and nothing else: {status} {out!r} {errors!r}")
    for number in (1, 42, 127, 255):
        expect(result, run(CMD=f"exit {number}"), number, "", f"exit {number}")
    expect(result, run(CMD="kill -SEGV $$"), 139, "", "a command killed by a signal")
    expect(result, run(CMD="no-such-command"), 127, "not found", "an unknown command")


def page_table_levels(result):
    """What the CPU has and the user lets it use, in the log, in cpuinfo, and for a program."""
    for cpu, append, levels, flags in (("qemu64", "", "4 levels", 0), ("qemu64,+la57", "", "5 levels", 1),
                                       ("max", 'x="a no5lvl" -- no5lvl', "5 levels", 1),
                                       ("max", "no5lvl", r"4 levels \(no5lvl\)", 0)):
        outcome = run(APPEND=append, CPUS="4", QEMU_ARGS=f"-cpu {cpu}",
                      CMD="dmesg | grep 'Page tables:'; nproc; grep -c la57 /proc/cpuinfo")
        expect(result, outcome, 0 if flags else 1, rf"Page tables: {levels}\n4\n{4 * flags}\n",
               f"-cpu {cpu} {append}")


def through_make(result):
    for command, status, wanted in (("echo \"$HOME\"; echo '#x'; exit 3", 3, "/root\n#x\n"),
                                    ("free -m | wc -l", 0, "3\n")):
        done = subprocess.run(["make", "run", f"CMD={command}", "MEM=256M", f"TIMEOUT={LIMIT}",
                               "DEBUG=1"], env=environment({}), capture_output=True, text=True)
        result.check(done.returncode == status and done.stdout == wanted and done.stderr == "",
                     f"make run CMD='{command}': status {done.returncode}, "
                     f"{done.stdout!r} {done.stderr!r}")


def overlay(result):
    root = f"{WORK}/overlay"
    subprocess.run(["rm", "-rf", root], check=True)
    os.makedirs(f"{root}/data/deep")
    with open(f"{root}/data/one", "w", encoding="ascii") as file:
        file.write("hello\n")
    os.chmod(f"{root}/data/one", 0o4751)
    os.link(f"{root}/data/one", f"{root}/data/deep/two")
    os.symlink("deep/two", f"{root}/data/link")
    os.makedirs(f"{root}/bin")
    with open(f"{root}/bin/dos2unix", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\necho replaced\n")
    os.chmod(f"{root}/bin/dos2unix", 0o755)
    os.makedirs(f"{root}/usr/bin")
    os.rename(f"{root}/bin/dos2unix", f"{root}/usr/bin/dos2unix")
    command = ("cd /data; stat -c '%a %h %u %s' one deep/two; readlink link; cat link; /usr/bin/dos2unix;"
               "ls -l /bin/busybox | cut -c1-10")
    expect(result, run(ROOT=root, CMD=command), 0,
           r"\A4751 2 0 6\n4751 2 0 6\ndeep/two\nhello\nreplaced\n-rwxr-xr-x\n\Z", "ROOT")


def statuses(result):
    expect(result, run(CMD="sleep 100", TIMEOUT="8"), 124, r"stopped after 8 s", "a time-out")
    expect(result, run(QEMU_ARGS="-no-such-option"), 121, r"QEMU did not start", "bad QEMU_ARGS")
    expect(result, run(QEMU="no-such-qemu"), 121, r"no no-such-qemu here", "no QEMU")
    for name, value in (("MEM", "lots"), ("MEM", "0"), ("CPUS", "zero"), ("CPUS", "0"),
                        ("MACHINE", "vax"), ("ARCH", "pdp11"), ("ROOT", "/no/such/dir"),
                        ("TIMEOUT", "soon"), ("QEMU_ARGS", "'unbalanced")):
        outcome = run(**{name: value, "CMD": "true"})
        expect(result, outcome, 2, name, f"{name}={value}")


# --- Bad luck ---

def selftest(name, pattern):
    def test(result):
        outcome = run(APPEND=f"quire.selftest={name}", CMD="true")
        expect(result, outcome, 120, pattern, name)
        result.check(re.search(r"\w+\+0x[0-9a-f]+/", outcome[1]) is not None,
                     "the backtrace names functions", tail(outcome[1], 60))
        result.check("RIP" in outcome[1] or name == "panic", "registers are printed",
                     tail(outcome[1], 60))
    return test


def broken_initramfs(result):
    with open(BASE, "rb") as file:
        base = file.read()
    cases = {"truncated": base[:len(base) // 2], "empty": b"", "noise": os.urandom(100000),
             "bad-magic": base[:600].replace(b"070701", b"070777") + base[600:],
             "bad-size": base.replace(b"070701", b"07070100000bad", 1),
             "cut-gzip": gzip.compress(base)[:30000]}
    for name, data in cases.items():
        with open(f"{WORK}/{name}", "wb") as file:
            file.write(data)
        outcome = run(f"{WORK}/{name}")
        expect(result, outcome, 120, r"[Ii]nitramfs|No working init", f"{name} initramfs")


def no_init(result):
    subprocess.run(["tools/mkinitramfs", "--text", "hello=world", f"{WORK}/no-init"], check=True)
    expect(result, run(f"{WORK}/no-init"), 120, r"No working init", "an initramfs without init")
    subprocess.run(["tools/mkinitramfs", "--text", "init=this is not a program",
                    f"{WORK}/bad-init"], check=True)
    expect(result, run(f"{WORK}/bad-init"), 120, r"No working init", "an init that is no program")
    subprocess.run(["tools/mkinitramfs", "--base", "--text", "init=#!/bin/sh\nexit 3\n",
                    f"{WORK}/short-init"], check=True)
    outcome = run(f"{WORK}/short-init")
    expect(result, outcome, 120, r"Attempted to kill init", "an init that ends")


def which_init(result):
    """/init or rdinit= when the archive has it, then init=, then the customary places."""
    says = "#!/bin/busybox sh\n/bin/busybox mkdir -p /proc\n/bin/busybox mount -t proc p /proc\n" \
           "echo {} is process $$\n/bin/busybox poweroff -f\n"
    every = {name: says.format(name) for name in ("init", "second", "etc/init", "bin/init")}
    bad = {"sbin/init": "no program"}

    def outcome(append, files):
        texts = [word for name, text in files.items() for word in ("--text", f"{name}={text}")]
        subprocess.run(["tools/mkinitramfs", "--file", "bin/busybox=" + busybox(), *texts,
                        f"{WORK}/which-init"], check=True)
        return run(f"{WORK}/which-init", APPEND=append)

    rest = {name: text for name, text in every.items() if name != "init"}
    for append, files, status, says_this in (
            ("init=/second", every, 0, r"\ninit is process 1\b"),
            ("rdinit=/second", every, 0, r"\nsecond is process 1\b"),
            ("rdinit=/none init=/second", every, 0, r"rdinit=/none failed: -2[^\0]*second is process 1\b"),
            ("init=/second", rest, 0, r"\nsecond is process 1\b"),
            ("init=/none", rest, 120, r"Requested init /none failed \(error -2\)"),
            ("", rest, 0, r"\netc/init is process 1\b"),
            ("", {**rest, **bad}, 0, r"/sbin/init exists but couldn't execute it \(error -8\)"
                                     r"[^\0]*etc/init is process 1\b"),
            ("", {**bad, "init": "no program", "bin/init": every["bin/init"]}, 0,
             r"Failed to execute /init \(error -8\)[^\0]*bin/init is process 1\b")):
        expect(result, outcome(append, files), status, says_this, append or "no option")


def busybox():
    return next(path for path in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(path))


def too_little_memory(result):
    for size, status in (("1M", 2), ("4M", 2), ("5M", 120)):
        outcome = run(MEM=size, CMD="true", TIMEOUT="40")
        expect(result, outcome, status, r"(?i)memory.*needs (about )?\d+", f"MEM={size}")


FAULT = re.compile(r"wild\[\d+\]: segfault at 4d2 ip ([0-9a-f]{16}) sp [0-9a-f]{16} error 6 "
                   r"in wild\[([0-9a-f]+),([0-9a-f]+)\+([0-9a-f]+)\] "
                   r"likely on CPU 3 \(core 1, socket 1\)\n.*\] Code: ([0-9a-f<> ]+)\n")


def segfault_line(result):
    """The words of Linux; the place and the bytes are checked against the program's file."""
    text = run(initramfs=wild_initramfs(), CPUS="4",
               QEMU_ARGS="-smp 4,sockets=2,cores=2,threads=1",
               CMD="dmesg -c >/dev/null; taskset 8 /tests/wild; /tests/wild ud; dmesg")[1]
    match = FAULT.search(text)
    result.check(match is not None, "the log tells of the fault", tail(text))
    if match:
        ip, offset, start, size = (int(match[i], 16) for i in range(1, 5))
        with open(f"{WORK}/wild", "rb") as file:
            code = file.read()[offset - 42:offset + 22]
        shown = " ".join(f"<{byte:02x}>" if i == 42 else f"{byte:02x}"
                         for i, byte in enumerate(code))
        result.check(start <= ip < start + size, "the instruction lies in the mapping", match[0])
        result.check(match[5] == shown, "the bytes are the file's at that offset",
                     f"{match[5]}\n{shown}")
    result.check(re.search(r"traps: wild\[\d+\] trap invalid opcode ip:[0-9a-f]+ sp:[0-9a-f]+ "
                           r"error:0 in wild\[[0-9a-f]+,[0-9a-f]+\+[0-9a-f]+\]\n", text) is not None,
                 "and of the bad instruction", tail(text))


def wild_initramfs():
    source = ("int main(int argc, char **argv) { if (argc > 1) __builtin_trap();"
              " *(volatile int *)0x4d2 = 1; return 0; }")
    subprocess.run(["musl-gcc", "-static", "-O1", "-o", f"{WORK}/wild", "-x", "c", "-"],
                   input=source, text=True, check=True)
    subprocess.run(["tools/mkinitramfs", "--base", "--file", f"tests/wild={WORK}/wild",
                    f"{WORK}/wild.cpio"], check=True)
    return f"{WORK}/wild.cpio"


# --- A person at the terminal ---

class Session:
    """tools/run on a pseudo terminal, typed at and read like a person would."""

    def __init__(self, **variables):
        self.monitor = Monitor()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe("tools/run", ["tools/run", boot.KERNEL, BASE],
                       environment({"MEM": "256M", "QEMU_ARGS": self.monitor.arguments,
                                    **variables}))
        self.text = ""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait_for(self, pattern, limit=60):
        """Whether the pattern came; what came before it is forgotten."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return True
            ready, _, _ = select.select([self.master], [], [], 0.5)
            if ready:
                try:
                    data = os.read(self.master, 4096)
                except OSError:
                    data = b""
                if not data:
                    return re.search(pattern, self.text) is not None
                self.text += data.decode(errors="replace")
        return False

    def status(self, limit=30):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.master)
                self.monitor.close()
                return os.waitstatus_to_exitcode(status)
            self.wait_for("\0never", 0.2)
        self.ask_cpus()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)
        self.monitor.close()
        return None


    def ask_cpus(self):
        """Have a machine that stands still tell what its CPUs do."""
        if self.monitor.inject_nmi():
            self.wait_for("\0never", 3)


PROMPT = r"[/~] [$#] (\x1b\[6n)?"


def expect_text(result, session, pattern, what):
    held = session.wait_for(pattern)
    if not held:
        session.ask_cpus()
    result.check(held, what, "" if held else tail(session.text, 240))


def ask(result, session, keys, pattern, what):
    session.type(keys)
    expect_text(result, session, pattern, what)


def shell(result):
    session = Session()
    expect_text(result, session, PROMPT, "the shell prompts")
    ask(result, session, "echo $((6*7))\r", r"\n42\r", "it runs commands")
    session.wait_for(PROMPT)
    ask(result, session, "echo acd\x1b[D\x1b[Db\r", r"\nabcd\r", "lines can be edited")
    session.wait_for(PROMPT)
    ask(result, session, "\x1b[A\r", r"\nabcd\r", "and recalled")
    session.wait_for(PROMPT)
    session.type("sleep 1000\r")
    time.sleep(2)
    ask(result, session, "\x03", PROMPT, "Ctrl-C ends a program")
    session.type("sleep 1000\r")
    time.sleep(2)
    ask(result, session, "\x1a", r"Stopped", "Ctrl-Z stops one")
    session.wait_for(PROMPT)
    ask(result, session, "jobs\r", r"Stopped\s+sleep 1000", "which is a job then")
    session.wait_for(PROMPT)
    session.type("fg\r")
    time.sleep(1)
    ask(result, session, "\x03", PROMPT, "and comes back by fg")
    session.type("cat\r")
    time.sleep(2)
    ask(result, session, "\x04", PROMPT, "Ctrl-D is the end of input")
    ask(result, session, "tty\r", r"/dev/(ttyS0|console)", "it has a terminal")
    session.wait_for(PROMPT)
    session.type("exit\r")
    status = session.status()
    result.check(status == 0, f"exit of the last shell powers off (status {status})")


def va_seed(result):
    """Addresses of programs are random, unless a seed says which."""
    def maps(append):
        return run(CPUS="1", APPEND=append, CMD="cat /proc/self/maps")[1]

    first, again, other = maps("va_seed=7"), maps("va_seed=7"), maps("va_seed=8")
    result.check("[stack]" in first and first == again, "the same seed, the same addresses",
                 tail(first + again))
    result.check(first != other, "another seed, other addresses", tail(first + other))
    result.check(maps("") != maps(""), "and no seed, other ones each time")


def nmi(result):
    """A machine that stands still can be asked what its CPUs do, and goes on."""
    session = Session(CPUS="2")
    expect_text(result, session, PROMPT, "the shell prompts")
    result.check(session.monitor.inject_nmi(), "QEMU sends an NMI to the CPUs")
    # In any order: each CPU reports when its turn comes, the first with the tasks behind.
    expect_text(result, session, r"(?s)(?=.*NMI backtrace for CPU 0.*Call Trace:)(?=.*NMI backtrace for CPU 1.*Call Trace:)"
                r"(?=.*task:init +state:S pid:1 .*(sigtimedwait|do_wait)).*",
                "each tells what it does, and what the tasks wait for")
    ask(result, session, "\recho $((6*7))\r", r"\n42\r", "and goes on")
    session.type("poweroff\r")
    result.check(session.status() == 0, "the machine powers off")


def ends(result):
    for keys, what in (("poweroff\r", "poweroff"), ("\x01x", "Ctrl-A X"), ("reboot\r", "reboot")):
        session = Session()
        expect_text(result, session, PROMPT, f"{what}: the shell prompts")
        session.type(keys)
        status = session.status()
        result.check(status == 0, f"{what} leaves (status {status})",
                     "" if status is not None else tail(session.text, 240))


def jobs():
    os.makedirs(WORK, exist_ok=True)
    builds = boot.builds() + [("initramfs", make_base)]
    tests = {f"boots-on-{name}": machine_of(name) for name in ("q35", "pc", "microvm")}
    tests.update({"boots-from-iso": iso, "gzip": gzipped, "cpus": cpus, "page-table-levels": page_table_levels, "sizes": sizes,
                  "exact-output": exact_output, "make-run": through_make, "overlay": overlay,
                  "statuses": statuses, "broken-initramfs": broken_initramfs, "no-init": no_init,
                  "which-init": which_init,
                  "too-little-memory": too_little_memory, "segfault-line": segfault_line,
                  "shell": shell, "ends": ends, "nmi": nmi, "va-seed": va_seed,
                  "panic": selftest("panic", r"Kernel panic - not syncing"),
                  "stack-overflow": selftest("stack_overflow", r"(?i)stack.*overflow|stack guard"),
                  "double-fault": selftest("double_fault", r"(?i)double fault"),
                  "wild-kernel-pointer": selftest("wild_pointer", r"unable to handle page fault at ffffc8fffffff000"),
                  "text-is-read-only": selftest("write_text", r"write forbidden in kernel mode, kernel address"),
                  "data-does-not-run": selftest("exec_data", r"instruction fetch forbidden in kernel mode, kernel address"),
                  "smap": selftest("read_user", r"read forbidden in kernel mode, user address"),
                  "smep": selftest("exec_user",
                                   r"instruction fetch forbidden in kernel mode, user address")})
    return [Job(f"machine/{name}", function, builds) for name, function in tests.items()]


def make_base():
    done = subprocess.run(["tools/mkinitramfs", "--base", BASE], capture_output=True, text=True)
    return done.stderr if done.returncode else ""
