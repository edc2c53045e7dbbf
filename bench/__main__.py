"""Runs one benchmark of this folder: `python bench NAME [its arguments]`; alone, lists them.

A benchmark is a module here whose first docstring line says what it measures.
"""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def benchmarks() -> dict[str, str]:
    """Name each benchmark and what it measures, without importing any."""
    found = {}
    for path in sorted(HERE.glob("[!_]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        found[path.stem] = docstring.partition("\n")[0]
    return found


def main(arguments: list[str]) -> int:
    """Run the benchmark that the first argument names."""
    known = benchmarks()
    if not arguments or arguments[0] not in known:
        width = max((len(name) for name in known), default=0)
        print("\n".join(f"{name:{width}}  {text}" for name, text in known.items()))
        return 2 if arguments else 0
    name, *rest = arguments
    path = HERE / f"{name}.py"
    sys.argv = [str(path), *rest]
    runpy.run_path(str(path), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
