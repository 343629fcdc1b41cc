#!/usr/bin/env python3
"""What Doxygen reads in place of a header: the comment that opens it becomes the documentation of the file, with its
code and tables as blocks, and what Doxygen cannot parse (the namespace with a macro, attributes) is taken out. Lines
stay where they are as far as they can, for the messages."""

import re
import sys


def opening_comment(lines):
    count = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    return [line[3:] for line in lines[:count]], lines[count:]


def block_language(text):
    """Code, or a table of names and meanings, which is shown as it stands."""
    return "{.unparsed}" if ";" not in text or re.search(r"^\S.*\S {3,}(?!//)\S", text, re.MULTILINE) else "{.cpp}"


def prose(line):
    """What Markdown and Doxygen would take for marks of theirs."""
    parts = re.split(r"(`[^`]*`)", line)
    parts[::2] = [re.sub(r"([<>@\\#%])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def as_documentation(comment):
    out, block = [], []

    def flush():
        if block:
            out.extend(["", f"~~~{block_language(chr(10).join(block))}", *block, "~~~", ""])
            block.clear()

    for line in comment:
        if line.startswith("    "):
            block.append(line[4:])
        else:
            flush()
            out.append(prose(line))
    flush()
    return out


def main():
    lines = open(sys.argv[1]).read().splitlines()
    comment, rest = opening_comment(lines)
    print("/** @file")
    for line in as_documentation(comment):
        print(line.replace("*/", "*&#47;").replace("/*", "&#47;*"))
    print("*/")
    text = "\n".join(rest)
    text = text.replace("namespace bulwark::inline BULWARK_ABI {", "namespace bulwark {")
    # What a header includes is no part of its documentation; comparisons that the compiler writes need none.
    text = re.sub(r"^#include .*$|^\s*friend .*operator.* = default;$", "", text, flags=re.MULTILINE)
    # Doxygen looks for namespace std, which is not among its files.
    text = re.sub(r"^template <>\nstruct std::.*;$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"\[\[(?:gnu::\w+|nodiscard|noreturn|no_unique_address|likely|unlikely)(?:, gnu::\w+)*\]\] ?", "", text)
    print(text)


if __name__ == "__main__":
    main()
