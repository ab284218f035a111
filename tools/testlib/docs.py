# SPDX-License-Identifier: MIT
"""What the texts say about the code is there: links, paths, functions, the chart of the locks."""
import glob
import os
import re
import subprocess
import tempfile

TOPS = ("include", "src", "kernel", "ports", "tests", "bench", "tools", "examples", "docs")
CODE = (".c", ".h", ".S", ".py", ".ld", ".sh")

FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.S | re.M)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!\!)\[[^\]\n]*\]\(([^)\s]+)\)")
PATH = re.compile(r"^((?:%s)/[\w./*{},+-]*|[\w-]+\.(?:md|txt))(?::(\w+))?$" % "|".join(TOPS))
CALL = re.compile(r"^(\w+)\(\)$")
BRACES = re.compile(r"\{([^{}]*)\}")
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b")  # tests/unit/ROOM/FILE_test.c


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def anchors(text):
    """Names that a link may end in: the headings as the usual viewers spell them."""
    for line in FENCE.sub("", text).splitlines():
        if line.startswith("#"):
            title = line.lstrip("#").strip().lower()
            yield re.sub(r"[^\w\- ]", "", title).replace(" ", "-")


def expand(pattern):
    """a/{b,c}.h -> a/b.h a/c.h"""
    match = BRACES.search(pattern)
    if not match:
        return [pattern]
    return [path for part in match[1].split(",")
            for path in expand(pattern[:match.start()] + part + pattern[match.end():])]


class Tree:
    """A source tree, and what texts in it may mention."""

    def __init__(self, root="."):
        self.root = root
        self.called = set()  # names that stand before a parenthesis in the code
        for top in TOPS:
            for folder, _, files in os.walk(os.path.join(root, top)):
                for file in files:
                    if file.endswith(CODE):
                        self.called.update(re.findall(r"\b(\w+)\s*\(",
                                                      read(os.path.join(folder, file))))

    def at(self, path):
        return os.path.join(self.root, path)

    def texts(self):
        """Every Markdown file of the project."""
        found = glob.glob("*.md", root_dir=self.root)
        for top in TOPS:
            found += glob.glob(f"{top}/**/*.md", root_dir=self.root, recursive=True)
        return sorted(found)

    def broken_link(self, path, target):
        """Why a link of the text leads nowhere, or None."""
        if re.match(r"[a-z]+:", target):
            return None
        file, _, anchor = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(self.at(there)):
            return f"the link {target} leads nowhere"
        if anchor and there.endswith(".md") and anchor not in anchors(read(self.at(there))):
            return f"{there} has no heading for #{anchor}"
        return None

    def bad_path(self, pattern, name):
        """Why a path that a text mentions, or a name in it, is not there, or None."""
        if PLACEHOLDER.search(os.path.splitext(pattern)[0]) and not os.path.exists(
                self.at(pattern)):
            return None
        for path in expand(pattern):
            if not glob.glob(self.at(path)):
                return f"there is no {path}"
        if name and not re.search(rf"\b{name}\b", read(self.at(pattern))):
            return f"{pattern} has no {name}"
        return None

    def objections(self, path, text):
        """What is wrong with one text."""
        text = FENCE.sub("", text)
        for target in LINK.findall(text):
            why = self.broken_link(path, target)
            if why:
                yield why
        for span in SPAN.findall(text):
            call = CALL.match(span)
            if call and call[1] not in self.called:
                yield f"nothing is called {span}"
            mention = PATH.match(span)
            if mention and not os.path.exists(self.at(os.path.join(os.path.dirname(path), span))):
                why = self.bad_path(mention[1], mention[2])
                if why:
                    yield why


def docs(result):
    tree = Tree()
    for path in tree.texts():
        bad = [f"{path}: {why}" for why in tree.objections(path, read(path))]
        result.check(not bad, "\n".join(bad))


def locks(result):
    done = subprocess.run(["tools/lockchart", "--check"], capture_output=True, text=True)
    result.check(done.returncode == 0, (done.stdout + done.stderr).strip())


def docs_self(result):
    """The checker must refuse what it should, and nothing else."""
    cases = [("see [x](y.md)", None), ("see [x](z.md)", "nowhere"), ("[x](y.md#two-words)", None),
             ("[x](y.md#three)", "no heading"), ("[x](https://z.example/z.md)", None),
             ("`src/a.c:f`", None), ("`src/a.c:g`", "has no g"), ("`src/{a,b}.c`", "no src/b.c"),
             ("`src/*.c`", None), ("`f()`", None), ("`g()`", "nothing is called"),
             ("`src/ROOM/FILE.c`", None), ("```\n[x](z.md) `g()`\n```", None),
             ("`y.md`", None), ("`z.md`", "there is no")]
    with tempfile.TemporaryDirectory() as top:
        os.makedirs(f"{top}/src")
        with open(f"{top}/src/a.c", "w", encoding="ascii") as file:
            file.write("int f(void);\n")
        with open(f"{top}/y.md", "w", encoding="ascii") as file:
            file.write("# Y\n\n## Two words\n")
        tree = Tree(top)
        got = [" ".join(tree.objections("x.md", text)) for text, _ in cases]
    for (text, wanted), said in zip(cases, got):
        result.check(said == "" if wanted is None else wanted in said,
                     f"{text!r}: got {said!r}, wanted {wanted!r}")


CHECKS = {"docs": docs, "locks": locks, "docs-checker": docs_self}
