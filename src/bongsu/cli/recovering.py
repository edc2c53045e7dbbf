"""What the commands that playbooks' steps call have in common: their ends, and their answers.

Exit 0: it is so; 1: it was refused or failed, and why; 2: not understood; 3: it can't be told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from bongsu.actions.saying import SaidError
from bongsu.cli import MISUSED, language
from bongsu.cli.connection import fail
from bongsu.cli.printing import Json, print_json
from bongsu.i18n import N_, translator

REFUSED, NOT_TOLD = 1, 3

t = translator(language())
_T = TypeVar("_T")

Namespace = Annotated[str, typer.Option("--namespace", "-n", help=t(N_("of the cluster")))]


def do(work: Coroutine[Any, Any, _T]) -> _T:
    """Do it; what it refuses is said in the terminal's language, and ends the command with 1."""
    try:
        return asyncio.run(work)
    except SaidError as error:
        refuse(error)
    except OSError as error:
        fail(str(error), REFUSED)


def refuse(error: SaidError) -> NoReturn:
    """Say why not, and end with 1."""
    fail(error.remark.says(t.lang), REFUSED)


def say(line: str, view: Json, *, as_json: bool) -> None:
    """Print what came of it."""
    if as_json:
        print_json(view)
    else:
        print(line)


def address_in(variable: str) -> str:
    """Return the address that an environment variable holds; without one the command ends."""
    found = os.environ.get(variable, "").strip()
    if not found:
        fail(t("the environment variable {name} is not set", name=variable), MISUSED)
    return found
