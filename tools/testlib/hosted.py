# SPDX-License-Identifier: MIT
"""Unit tests on this system: every compiler and word size, under the sanitizers."""
import json
import os
import subprocess
import time

from .job import Job, meson_build
from .tap import Result

MATRIX = {
    "hosted-gcc": ("gcc", "address,undefined", ""),
    "hosted-clang": ("clang", "address,undefined", ""),
    "hosted-gcc-32": ("gcc", "address,undefined", "-m32"),
    "hosted-clang-32": ("clang", "address,undefined", "-m32"),
    "hosted-tsan": ("clang", "thread", ""),
}
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Group(Job):
    """All unit tests of one build; only meson knows which they are, so that names() may list more."""

    def __init__(self, name):
        super().__init__(name, None)
        self.cc, self.sanitize, self.machine = MATRIX[name]
        self.directory = f"build/{name}"
        self.pattern = None

    def builds(self):
        options = ["-Dworld=hosted", "-Ddebug_checks=true", f"-Db_sanitize={self.sanitize}",
                   "-Db_lundef=false", "-Doptimization=1", f"-Dtsan={str(self.tsan()).lower()}"]
        if self.machine:
            options += [f"-Dc_args={self.machine}", f"-Dc_link_args={self.machine}"]
        return [meson_build(self.directory, *options, cc=self.cc)]

    def tsan(self):
        return self.sanitize == "thread"

    def narrow(self, pattern):
        self.pattern = pattern

    def names(self):
        names = [f"{self.name}/{test}" for test in source_names()]
        return names if self.tsan() else names + [f"{name}@sim" for name in names]

    def run(self, report):
        listing = subprocess.run(["meson", "introspect", "--tests", self.directory],
                                 check=True, capture_output=True, text=True).stdout
        for test in json.loads(listing):
            name = f"{self.name}/{test['name']}"
            if not self.pattern or self.pattern.search(name):
                report(run_program(name, test["cmd"], test["timeout"]))


def source_names():
    """The names of the unit tests as meson will know them, read from their files."""
    names = []
    for top, _, files in os.walk("tests/unit"):
        room = os.path.relpath(top, "tests/unit")
        names += [f"{room}/{f[:-len('_test.c')]}" for f in files if f.endswith("_test.c")]
    return sorted(names)


def run_program(name, command, limit):
    result = Result(name)
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                              timeout=limit, stdin=subprocess.DEVNULL,
                              env={**os.environ, **ENVIRONMENT})
        result.read(done.stdout + done.stderr, done.returncode)
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode(errors="replace")
        result.read(out, None, ended=False)
    result.seconds = time.monotonic() - begin
    return result


def jobs():
    return [Group(name) for name in MATRIX]
