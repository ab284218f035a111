# SPDX-License-Identifier: MIT
"""Read TAP, and add up what several programs said."""
import re

LINE = re.compile(r"^(ok|not ok)\b(?:\s+\d+)?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")


class Result:
    """What one test program said and how it ended."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.skipped = ""
        self.trouble = []
        self.seconds = 0.0

    def fail(self, text):
        self.failed += 1
        self.trouble.append(text)

    def check(self, held, text, detail=""):
        """One check made by the runner itself."""
        if held:
            self.passed += 1
        else:
            self.fail(text + (f"\n{detail}" if detail else ""))

    def read(self, text, status, ended=True):
        """Take in a program's output and exit status; a program must keep its plan."""
        plan = None
        ran = 0
        note_on = False
        for line in text.splitlines():
            match = LINE.match(line)
            if match:
                ran += 1
                note_on = match[1] == "not ok" and "# TODO" not in line
                if note_on:
                    self.fail(line)
                else:
                    self.passed += 1
            elif PLAN.match(line):
                plan = int(PLAN.match(line)[1])
                if plan == 0:
                    self.skipped = line.partition("SKIP")[2].strip() or "no reason given"
            elif line.startswith("Bail out!"):
                self.fail(line)
            elif note_on and line.startswith("#"):
                self.trouble.append("    " + line)
        if not ended:
            self.fail("did not end" + tail(text))
        elif plan is None:
            self.fail(f"ended with status {status} and without a plan" + tail(text))
        elif plan not in (0, ran):
            self.fail(f"planned {plan} checks and made {ran}" + tail(text))
        elif status != 0 and not self.failed:
            self.fail(f"exit status {status}" + tail(text))


def tail(text, lines=25):
    """The last lines of an output, indented for a report."""
    last = text.rstrip().splitlines()[-lines:]
    return "".join(f"\n    | {line}" for line in last)
