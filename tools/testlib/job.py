# SPDX-License-Identifier: MIT
"""What the test runner expects of a job, and how to build a directory."""
import subprocess
import time

from .tap import Result


class Job:
    """One test: a name, what must be built before, and a function that fills in a Result."""

    def __init__(self, name, function, builds=()):
        self.name = name
        self.function = function
        self.needs = list(builds)

    def names(self):
        return [self.name]

    def matches(self, pattern):
        return any(pattern.search(name) for name in self.names())

    def narrow(self, pattern):
        """Called with the pattern of ONLY when it matches."""

    def builds(self):
        return self.needs

    def run(self, report):
        """Run, and hand each Result to report as soon as it is there."""
        result = Result(self.name)
        begin = time.monotonic()
        try:
            self.function(result)
        except Exception as error:  # a broken test must not end the run
            result.fail(f"the test itself broke: {type(error).__name__}: {error}")
        result.seconds = time.monotonic() - begin
        report(result)


def meson_build(directory, *options, cc="gcc", targets=()):
    """A (key, function) pair for Job.builds(); the function returns what went wrong."""
    def build():
        command = ["tools/build", directory, *options]
        done = subprocess.run(["env", f"CC={cc}", *command], capture_output=True, text=True)
        if done.returncode:
            text = (done.stdout + done.stderr).splitlines()
            errors = [line for line in text if "error" in line or "undefined" in line]
            return "\n".join((errors or text)[:30])
        return ""
    return directory, build
