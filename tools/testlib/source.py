# SPDX-License-Identifier: MIT
"""The rules of the house that can be read off the source."""
import glob
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from . import docs
from .job import Job

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
LONGEST_FUNCTION = 60
HOST_HEADER = "quire_host.h"


def files(*tops, suffixes=(".c", ".h")):
    found = []
    for top in tops:
        for folder, dirs, names in os.walk(top):
            dirs.sort()
            found += [os.path.join(folder, name) for name in sorted(names)
                      if name.endswith(suffixes)]
    return found


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# --- Floors ---

def kernel_isas(root="."):
    """Where the kernel's headers for each CPU are."""
    return sorted(os.path.relpath(path, root)
                  for path in glob.glob(os.path.join(root, "kernel/arch/*/include")))


class Floors:
    """floors.txt, and the answer to: may this file include that one?"""

    def __init__(self, path="floors.txt", root="."):
        self.root = root  # of the files that are asked about
        self.floor, self.together, self.public, self.outside = {}, [], {}, {}
        for number, line in enumerate(read(path).splitlines(), 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "floor":
                self.floor.update({room: int(words[1]) for room in words[2:]})
            elif words[0] == "together":
                self.together.append(set(words[1:]))
            elif words[0] == "public":
                self.public.update({"include/" + h: int(words[1]) for h in words[2:]})
            elif words[0] == "outside":
                self.outside[words[1]] = set(words[2:])
            else:
                raise ValueError(f"{path}:{number}: what is '{words[0]}'?")

    def home(self, path):
        """The room or outside folder that a file belongs to."""
        parts = path.split("/")
        for length in (2, 1):
            name = "/".join(parts[:length])
            if name in self.floor or name in self.outside:
                return name
        return None

    def resolve(self, path, header):
        """The file that an include means, or None when it is not one of the project's."""
        if header == HOST_HEADER:
            return None
        home = self.home(path)
        isas = sorted(os.listdir(os.path.join(self.root, "src/arch")))
        folders = [os.path.dirname(path)]
        if home in self.outside:
            folders += [home, home + "/include", home + "/lib", *kernel_isas(self.root)]
        folders += ["include", "src", *(f"src/arch/{isa}/include" for isa in isas),
                    "tests/lib", "."]
        for folder in folders:
            candidate = os.path.normpath(os.path.join(folder, header))
            if os.path.exists(os.path.join(self.root, candidate)):
                return candidate
        return None

    def objection(self, path, header):
        """Why the include is not allowed, or None."""
        target = self.resolve(path, header)
        if target is None:
            return None if header == HOST_HEADER else "there is no such header"
        home, there = self.home(path), self.home(target)
        if home in self.outside:
            if target.startswith("include/") or there in (home, None):
                return None
            if there in self.outside[home]:
                return None
            return f"{home}/ may not look into {there}/"
        if home is None or home == there:
            return None
        mine = self.floor[home]
        theirs = self.public.get(target, 0) if there is None else self.floor.get(there)
        if theirs is None:
            return f"the house may not depend on {there}/"
        if theirs > mine:
            return f"floor {mine} reaches up to floor {theirs}"
        if theirs == mine and there and not any({home, there} <= s for s in self.together):
            return f"{home} and {there} are wings of one floor"
        return None


def floors(result):
    rules = Floors()
    for path in files("src", "kernel", "ports", "examples"):
        bad = []
        for header in INCLUDE.findall(read(path)):
            why = rules.objection(path, header)
            if why:
                bad.append(f'{path}: #include "{header}": {why}')
        result.check(not bad, "\n".join(bad))
    for room in rules.floor:
        result.check(os.path.isdir(room), f"floors.txt names {room}, which does not exist")


# --- Sizes and shapes ---

def strip_comments(text):
    """The text with comments and literals blanked, line by line."""
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def long_functions(path):
    """(line, length) of each function longer than LONGEST_FUNCTION, its braces on column 0."""
    begin = None
    for number, line in enumerate(strip_comments(read(path)).splitlines(), 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin is not None:
            if number - begin + 1 > LONGEST_FUNCTION + 2:
                yield begin, number - begin - 1
            begin = None


def functions(result):
    for path in files("src", "kernel", "ports"):
        bad = [f"{path}:{line}: a function of {length} lines (at most {LONGEST_FUNCTION})"
               for line, length in long_functions(path)]
        result.check(not bad, "\n".join(bad))


def conditionals(result):
    for path in files("src", suffixes=(".c",)):
        bad = [f"{path}:{number}: {line.strip()}"
               for number, line in enumerate(read(path).splitlines(), 1)
               if re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line)]
        result.check(not bad, "no #if in src/**/*.c; a knob is tested by a plain if\n"
                     + "\n".join(bad))


def style(result):
    for path in files("src", "kernel", "ports", "include", "tests", "bench", "examples",
                      suffixes=(".c", ".h", ".S")):
        text = read(path)
        bad = []
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                bad.append(f"{path}:{number}: white space at the end of the line")
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                bad.append(f"{path}:{number}: unfinished business")
        if "SPDX-License-Identifier: MIT" not in text[:200]:
            bad.append(f"{path}: does not begin with its licence")
        result.check(not bad, "\n".join(bad[:10]))


def readmes(result):
    folders = sorted({os.path.dirname(path) for path in files("src", "kernel", "ports", "tests",
                                                              "bench", "include", "examples")})
    for folder in folders:
        if "/include" in folder and folder.startswith(("src/", "kernel/arch/")):
            continue
        result.check(os.path.exists(os.path.join(folder, "README.md")),
                     f"{folder}/ has no README.md")


# --- Headers compile alone ---

X86_64 = ["src/arch/x86_64/include", "src/arch/x86/include"]


def world_of(path):
    """Include path of the world that a header belongs to."""
    if path.startswith("kernel/arch/i386/"):
        return ["kernel/include", "kernel/arch/i386/include", "kernel", "include", "src",
                *(f"src/arch/{part}/include" for part in ("i386pae", "x86_32", "x86"))]
    for isa in ("i386pae", "i386", "x86_32"):
        if path.startswith(f"src/arch/{isa}/"):
            parts = {"x86_32": "i386pae"}.get(isa, isa), "x86_32", "x86"
            return ["include/quire/host_default", "include", "src",
                    *(f"src/arch/{part}/include" for part in parts)]
    if path.startswith("kernel/") or path.startswith("src/arch/x86"):
        return ["kernel/include", "kernel/arch/x86_64/include", "kernel", "include", "src",
                *X86_64]
    return ["ports/hosted", "ports", "include", "src", "src/arch/sim/include", "tests/lib"]


def header_alone(path):
    args = [f"-I{folder}" for folder in world_of(path)]
    if path.startswith("include/quire/host_default"):
        args = ["-Iinclude/quire/host_default", "-Iinclude", "-Isrc", *(f"-I{folder}" for folder in X86_64)]
    if "src/arch/x86_32/include" in world_of(path):
        args.append("-m32")
    command = ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
               "-DQUIRE_DEBUG=1", "-fsyntax-only", *args, "-x", "c", "-"]
    text = f'#include "{os.path.abspath(path)}"\n#include "{os.path.abspath(path)}"\n'
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return path, done.returncode == 0, "\n".join(errors[:3] or done.stderr.splitlines()[:3])


def headers(result):
    paths = files("include", "src", "kernel", "ports", "tests/lib", suffixes=(".h",))
    with ThreadPoolExecutor(max_workers=2) as pool:
        for path, held, errors in pool.map(header_alone, paths):
            result.check(held, f"{path} does not compile alone", errors)


# --- The floors checker itself is checked: it must refuse what it should. ---

def floors_self(result):
    cases = [("src/base/x.c", "phys/zone.h", "up to"), ("src/kmem/x.c", "pgtable/pgtable.h", "wing"),
             ("src/vm/x.c", "reclaim/kswapd.h", "wing"), ("kernel/fs/x.c", "vm/mm.h", "look into"),
             ("src/vm/x.c", "base/list.h", None), ("src/base/x.c", "nowhere/x.h", "no such")]
    with tempfile.TemporaryDirectory() as top:
        os.makedirs(f"{top}/src/arch/sim/include")
        for path in ("src/phys/zone.h", "src/pgtable/pgtable.h", "src/reclaim/kswapd.h",
                     "src/vm/mm.h", "src/base/list.h"):
            os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
            with open(f"{top}/{path}", "w", encoding="ascii"):
                pass
        rules = Floors(root=top)
        for path, header, wanted in cases:
            why = rules.objection(path, header)
            held = why is None if wanted is None else why is not None and wanted in why
            result.check(held, f"{path} includes {header}: got {why}, wanted {wanted}")


CHECKS = {"floors": floors, "floors-checker": floors_self, "functions": functions,
          "conditionals": conditionals, "style": style, "readmes": readmes, "headers": headers,
          **docs.CHECKS}


def jobs():
    return [Job(f"source/{name}", function) for name, function in CHECKS.items()]
