# SPDX-License-Identifier: MIT
"""Each fuzz target for a few seconds from its corpus: it still builds, and nothing old comes back."""
import glob
import os
import re
import subprocess

from .job import Job
from .tap import tail

SECONDS = 15


def target(name):
    def run(result):
        done = subprocess.run(["tests/fuzz/run", name, str(SECONDS)], capture_output=True, text=True,
                              errors="replace", timeout=900)
        text = done.stdout + done.stderr
        runs = re.search(r"Done (\d+) runs", text)
        result.check(done.returncode == 0, f"{name} ended with status {done.returncode}",
                     tail(text, 40))
        result.check(runs and int(runs[1]) > 20, f"{name} played fewer than 20 scripts", tail(text))
    return Job(f"fuzz/{name}", run)


def jobs():
    sources = sorted(glob.glob("tests/fuzz/*_fuzz.c"))
    return [target(os.path.basename(path).removesuffix("_fuzz.c")) for path in sources]
