# SPDX-License-Identifier: MIT
"""QEMU's monitor: asks a machine that stands still what its CPUs are doing.

The kernel answers an NMI on the console with the registers and the backtrace of each CPU, so that
a time-out leaves something to work with.
"""
import json
import os
import socket
import tempfile


class Monitor:
    """A QMP socket for one machine; `arguments` goes into QEMU_ARGS."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="quire-monitor-")
        self.path = os.path.join(self.folder, "qmp")
        self.arguments = f"-qmp unix:{self.path},server=on,wait=off"

    def inject_nmi(self):
        """True when QEMU took the command."""
        try:
            with socket.socket(socket.AF_UNIX) as channel:
                channel.settimeout(5)
                channel.connect(self.path)
                answers = channel.makefile("r")
                answers.readline()
                for command in ("qmp_capabilities", "inject-nmi"):
                    channel.sendall(json.dumps({"execute": command}).encode() + b"\n")
                    answer = json.loads(answers.readline())
                    while "event" in answer:
                        answer = json.loads(answers.readline())
                return "return" in answer
        except (OSError, ValueError):
            return False

    def close(self):
        for path, remove in ((self.path, os.remove), (self.folder, os.rmdir)):
            try:
                remove(path)
            except OSError:
                pass
