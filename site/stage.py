#!/usr/bin/env python3
"""Lays out in build/site-src what the site is made of: README.md, docs/, and what they link to, under the paths that
they have in the repository, so that a link works on a forge and on the site.

A link to a public header becomes one to its page of the reference (Doxygen). Any other file of the repository that is
linked to becomes a page that shows it. What mkdocs needs is written beside it: mkdocs.yml without the pages that are
not there yet.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGE = ROOT / "build" / "site-src"
# Code, in which nothing is a link; a picture; a link. Whichever begins first.
MARKS = re.compile(r"^```.*?^```$"
                   r"|`[^`\n]+`"
                   r"|!\[[^\]]*\]\((?P<picture>[^)\s]+)\)"
                   r"|\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)",
                   re.MULTILINE | re.DOTALL)


def doxygen_page(header):
    """How Doxygen names the page of a file."""
    return "reference/" + header.name.replace("_", "__").replace(".", "_8") + ".html"


def is_public(path):
    return path.suffix == ".hpp" and path.parent == ROOT / "include" / "bulwark"


class Site:
    def __init__(self):
        tracked = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
                                 capture_output=True, text=True, check=True)
        self.tracked = {ROOT / name for name in tracked.stdout.splitlines()}
        self.done = set()

    def put(self, path, text):
        target = STAGE / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def page(self, path):
        """A Markdown page, and what it links to."""
        if path in self.done:
            return
        self.done.add(path)
        self.put(path, MARKS.sub(lambda match: self.mark(path, match), path.read_text()))

    def mark(self, page, match):
        if match["picture"]:
            self.copy((page.parent / match["picture"]).resolve())
        return self.link(page, match) if match["target"] else match[0]

    def link(self, page, match):
        text, target, anchor = match["text"], match["target"], match["anchor"] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = (page.parent / target).resolve()
        if path.is_dir():
            path = path / ("index.md" if (path / "index.md").exists() else "README.md")
            if path.parent == ROOT / "examples":
                return f"[{text}]({os.path.relpath(ROOT / 'examples/index.md', page.parent)})"
        if is_public(path):
            return f"[{text}]({os.path.relpath(ROOT / doxygen_page(path), page.parent)}{anchor})"
        if path not in self.tracked:
            sys.exit(f"{page.relative_to(ROOT)}: no such file in the repository: {target}")
        if path.suffix == ".md":
            self.page(path)
            return match[0]
        if path.suffix in (".svg", ".png"):
            self.copy(path)
            return match[0]
        self.source(path)
        return f"[{text}]({target}.md)"

    def copy(self, path):
        if path not in self.tracked:
            sys.exit(f"no such picture in the repository: {path.relative_to(ROOT)}")
        target = STAGE / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def source(self, path):
        """A page that shows a file."""
        if path in self.done:
            return
        self.done.add(path)
        language = {".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".txt": "text"}.get(path.suffix, "text")
        name = path.relative_to(ROOT).as_posix()
        self.put(path.with_name(path.name + ".md"), f"# {path.name}\n\n`{name}`\n\n```{language}\n{path.read_text()}```\n")

    def examples(self):
        """A page that lists the programs by what each says of itself in its first line."""
        rows = []
        for path in sorted((ROOT / "examples").glob("*.cpp")):
            self.source(path)
            rows.append(f"| [{path.name}]({path.name}.md) | {path.read_text().splitlines()[0].removeprefix('// ')} |")
        self.put(ROOT / "examples" / "index.md", "# Examples\n\nEvery test run builds and runs them.\n\n| | |\n|---|---|\n"
                 + "\n".join(rows) + "\n")

    def reference(self):
        """A page that lists the public headers by what each says of itself in its first sentence."""
        rows = []
        for path in sorted(filter(is_public, self.tracked)):
            comment = []
            for line in path.read_text().splitlines():
                if not line.startswith("// "):
                    break
                comment.append(line.removeprefix("// "))
            first = re.split(r"(?<=\.)\s", " ".join(comment))[0].rstrip(":;.") + "."
            first = first.replace("<", "&lt;")
            rows.append(f"- [`{path.name}`](../{doxygen_page(path)}): {first}")
        self.put(ROOT / "reference" / "index.md", "# Reference\n\nOne page for each public header, as `#include <bulwark/...>`;"
                 " `bulwark/bulwark.hpp` has most of them. Also [all types](annotated.html).\n\n"
                 + "\n".join(rows) + "\n")


def navigation(site):
    """mkdocs.yml with the pages that exist; every page of docs/ must be in it."""
    lines, listed = [], set()
    for line in (ROOT / "site" / "mkdocs.yml").read_text().splitlines():
        match = re.match(r"\s+- (?:[^:]+: )?(\S+\.md)$", line)
        if match:
            listed.add(ROOT / match[1])
            if not (STAGE / match[1]).exists():
                print(f"site: not there yet: {match[1]}")
                continue
        lines.append(line)
    missing = [str(page.relative_to(ROOT)) for page in sorted(site.done) if
               page.is_relative_to(ROOT / "docs") and page.suffix == ".md" and page not in listed]
    if missing:
        sys.exit(f"site/mkdocs.yml has no place for {', '.join(missing)}")
    config = "\n".join(lines).replace("../build/site-src", "site-src").replace("../build/site", "site")
    (ROOT / "build" / "mkdocs.yml").write_text(config + "\n")


def main():
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    site = Site()
    site.page(ROOT / "README.md")
    for page in sorted(path for path in site.tracked if path.is_relative_to(ROOT / "docs") and path.suffix == ".md"):
        site.page(page)
    site.examples()
    site.reference()
    shutil.copyfile(ROOT / "site" / "site.css", STAGE / "site.css")
    navigation(site)


if __name__ == "__main__":
    main()
