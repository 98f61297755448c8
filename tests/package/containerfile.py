# SPDX-License-Identifier: MIT
"""Follows etc/Containerfile without an engine: each FROM is a copy of a fresh
Debian, RUN a shell in it, COPY a copy; the rest is remembered."""
import json
import shlex

from root import TOP, copy_tree, run


def instructions(text):
    """(word, rest) of each, continued lines joined, comments left out."""
    joined = ""
    for line in text.splitlines():
        if line.startswith("#") or not (joined or line.strip()):
            continue
        joined += line.rstrip("\\").rstrip() + " "
        if not line.endswith("\\"):
            word, _, rest = joined.strip().partition(" ")
            yield word, rest.strip()
            joined = ""


class Image:
    def __init__(self, roots):
        """Builds it; `root` is the last stage, `settings` its words."""
        self.roots = roots
        self.stages = {}
        self.settings = {}
        self.root = None
        self.folder = "/"
        self.context = roots.folder + "/context"
        copy_tree(self.context)
        with open(TOP + "/etc/Containerfile") as text:
            for word, rest in instructions(text.read()):
                getattr(self, "_" + word.lower(), self._remember)(rest, word)

    def _remember(self, rest, word):
        self.settings[word] = rest

    def _from(self, rest, _):
        words = rest.split()
        if words[0] != "debian:12-slim":
            raise AssertionError("not Debian 12: " + rest)
        name = words[2] if len(words) > 2 else "last"
        self.root = self.stages[name] = self.roots.make("stage-" + name)
        self.settings, self.folder = {}, "/"

    def _workdir(self, rest, _):
        self.folder = rest

    def _copy(self, rest, _):
        words = rest.split()
        base = self.context
        if words[0].startswith("--from="):
            base = self.stages[words.pop(0)[len("--from="):]].path
        source, target = (base + "/" + words[0].lstrip("/"),
                          self.root.file(words[1]))
        run(["sh", "-c", """
            if [ -d "$1" ]; then mkdir -p "$2" && cp -a "$1/." "$2"
            else mkdir -p "$(dirname "$2x")" && cp -a "$1" "$2"; fi
            """, "copy", source, target])

    def _run(self, rest, _):
        self.root.run("sh", "-c", "cd %s && %s" % (
            shlex.quote(self.folder), rest))

    def words(self, name):
        return json.loads(self.settings[name])
