#!/usr/bin/env python3
"""Prints the interfaces of WASI that an adapter in JavaScript or Python calls by name.

    python3 generate.py CRATE

CRATE is the unpacked source of the crate `wasmtime-wasi-http`, whose folder `wit/deps` has the
definitions that the host was built with. The result has no comments and no `@since`: it is only for
tools. Run it again when the host moves to another version of WASI.
"""

import pathlib
import re
import sys

# What sending a request needs, and what those interfaces refer to.
NEEDED = {
    "clocks": ["monotonic-clock"],
    "http": ["types", "outgoing-handler"],
    "io": ["error", "poll", "streams"],
}


def without_comments(text: str) -> str:
    """Removes comments, annotations, unstable functions, and the lines that they leave empty."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"@(since|deprecated)\([^)]*\)", "", text)
    # An unstable function is off unless a tool is told otherwise, and hosts may lack it.
    text = re.sub(r"@unstable\([^)]*\)\s*[a-z-]+: func[^;]*;", "", text)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def needed_part(text: str, names: list[str]) -> str:
    """Returns the package line and the named interfaces."""
    package = re.search(r"^package [^;]+;", text, re.M)
    parts = [package.group(0)] if package else sys.exit("no package is declared")
    for name in names:
        found = re.search(rf"^interface {name} \{{\n.*?^\}}", text, re.M | re.S)
        parts.append(found.group(0) if found else sys.exit(f"there is no interface {name}"))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    deps = pathlib.Path(sys.argv[1]) / "wit" / "deps"
    here = pathlib.Path(__file__).parent
    for package, names in NEEDED.items():
        text = (deps / f"{package}.wit").read_text(encoding="utf-8")
        (here / "deps" / f"{package}.wit").write_text(needed_part(without_comments(text), names), encoding="utf-8")


if __name__ == "__main__":
    main()
