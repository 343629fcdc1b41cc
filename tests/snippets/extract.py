#!/usr/bin/env python3
"""Makes C++ of the documentation's snippets, so that the tests compile them, and run those that assert something.

    extract.py OUTPUT PAGE...          a Markdown page, or a header whose file comment has code in it

What is compiled: in Markdown every block that is marked as cpp; in a header the code of its file comment, indented by
four. Rules that keep the pages readable, and free of what only the tests need:

 - The blocks of a page stand one in another, so that a later one sees the names of those before it, and may use them
   anew. Names that no block declares come from prelude.hpp.
 - A block that begins a line with struct, class, template, namespace, inline or int main stands at namespace scope.
 - A block with assert( in it stands alone, and the test runs it.
 - '...' where a statement or a block's content would be is left out.
 - <!-- not compiled: the reason --> on the line before a block leaves it out.
 - <!-- given: declarations; --> before a block is what else that block needs, and readers need not see.
 - <!-- snippets need <some/header.h> --> anywhere on a page: the page is skipped where that header is absent.

#line names page and line, for the compiler's messages and for those of assert.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMESPACE_SCOPE = re.compile(r"^(?:struct|class|template|namespace|inline|int main)\b", re.MULTILINE)
LEFT_OUT = re.compile(r"(?<=[\s{])\.\.\.(?=;|\s|\}|$)")
NEEDS = re.compile(r"<!-- snippets need (<[^>]+>) -->")
# A line of a table in a header's comment: a name, and behind a gap what it means.
TABLE_LINE = re.compile(r"^\S.*\S {3,}(?!//)\S", re.MULTILINE)
INCLUDE = re.compile(r"^#include\s+[<\"][^>\"]+[>\"].*$")


class Block:
    """Code of a page: the number of its first line, its lines, and what is given to it."""

    def __init__(self, line, given=""):
        self.line = line
        self.given = given
        self.code = []

    @property
    def text(self):
        return "\n".join(self.code)


def markdown_blocks(lines):
    """The blocks to compile; everything that looks like a mark and is none is an error."""
    blocks, block, given, skip = [], None, "", False
    for number, line in enumerate(lines, 1):
        if block is not None:
            if line.strip() == "```":
                if not skip:
                    blocks.append(block)
                block, given, skip = None, "", False
            else:
                block.code.append(line)
        elif line.startswith("```"):
            # Blocks in other languages are read to their end and dropped.
            block = Block(number + 1, given)
            skip = skip or line.strip() != "```cpp"
        elif line.lstrip().startswith("```cpp"):
            sys.exit(f"{number}: an indented block is not compiled: begin it at the margin")
        elif re.match(r"<!-- not compiled: \S.* -->$", line):
            skip = True
        elif match := re.match(r"<!-- given: (.*) -->$", line):
            given += match[1]
        elif line.strip():
            given, skip = "", False
    return blocks


def header_blocks(lines):
    """The code in the comment that opens a header: what is indented by four, has a statement in it and is no table."""
    blocks, block = [], None
    for number, line in enumerate(lines, 1):
        if not line.startswith("//"):
            break
        if line.startswith("//     "):
            if block is None:
                block = Block(number)
                blocks.append(block)
            block.code.append(line[7:])
        else:
            block = None
    return [each for each in blocks if ";" in each.text and not TABLE_LINE.search(each.text)]


def marked(name, block):
    """The code, with the place it is from; includes are elsewhere, and leave an empty line."""
    lines = ["" if INCLUDE.match(line) else LEFT_OUT.sub(";", line) for line in block.code]
    return [block.given] * bool(block.given) + [f'#line {block.line} "{name}"', *lines]


def page_code(index, name, blocks):
    outside, inside, run, depth = [], [], [], 0
    for number, block in enumerate(blocks):
        code = marked(name, block)
        if NAMESPACE_SCOPE.search(block.text):
            outside += [f"inline namespace block_{number} {{", *code, "}"]
        elif "assert(" in block.text:
            run += ["const bool run_%d_%d = (snippet::tests().emplace_back([] {" % (index, number), *code, "}), true);"]
        else:
            inside += [f"[[maybe_unused]] auto block_{number} = [&] {{", *code]
            depth += 1
    # What lambdas capture by name must be local.
    body = ["[[maybe_unused]] void page(http_client client, int id) {", *inside, "};" * depth, "}"]
    return [f"namespace page_{index} {{", "using namespace snippet;", *outside, *body, *run, "}"]


def main():
    output, pages = pathlib.Path(sys.argv[1]), [pathlib.Path(each).resolve() for each in sys.argv[2:]]
    includes, code, compiled = ['#include "prelude.hpp"'], [], 0
    for index, page in enumerate(pages):
        name, lines = page.relative_to(ROOT).as_posix(), page.read_text().splitlines()
        try:
            blocks = markdown_blocks(lines) if page.suffix == ".md" else header_blocks(lines)
        except SystemExit as error:
            sys.exit(f"{name}:{error}")
        if not blocks:
            continue
        compiled += len(blocks)
        needs = sorted(set(NEEDS.findall("\n".join(lines))))
        only_with = [f"#if {' && '.join(f'__has_include({each})' for each in needs)}"] if needs else []
        wanted = {match[0] for block in blocks for line in block.code if (match := INCLUDE.match(line))}
        if page.suffix == ".hpp":
            wanted.add(f"#include <{page.relative_to(ROOT / 'include').as_posix()}>")
        includes += [*only_with, *sorted(wanted), *["#endif"] * bool(needs)]
        code += [*only_with, *page_code(index, name, blocks), *["#endif"] * bool(needs)]
    if not compiled:
        sys.exit(f"no snippets in {' '.join(sys.argv[2:])}")
    text = "\n".join([*includes, '#include "assert.hpp"', "namespace {", *code, "}", ""])
    if not output.exists() or output.read_text() != text:
        output.write_text(text)
    print(f"{output.name}: {compiled} snippets")


if __name__ == "__main__":
    main()
