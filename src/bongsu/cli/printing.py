"""What all commands print with: coloured and fitted where it is a terminal, plain where a pipe."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bongsu.cli import language
from bongsu.i18n import N_, translator

PIPED_WIDTH = 4000
"""columns of a pipe: no line is broken there, so that every line can be searched for"""

t = translator(language())


class PipeableConsole(Console):
    """Leaves it to the command's end what a reader that has gone means."""

    def on_broken_pipe(self) -> None:
        """Raise what rich caught, where rich would end the process with 1.

        Raises:
            BrokenPipeError: always.
        """
        raise BrokenPipeError


console = PipeableConsole(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)

AsJson = Annotated[bool, typer.Option("--json", help=t(N_("print JSON")))]
Json = dict[str, Any]


def log_nothing() -> None:
    """Keep logs out of what a person or a program reads: what went wrong stands in the result."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def print_json(value: object) -> None:
    """Print what a program reads."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def local(text: str) -> datetime:
    """Read a time of the API, in this machine's time zone."""
    return datetime.fromisoformat(text).astimezone()


def moment(text: str | None, *, seconds: bool = False) -> str:
    """Write a time of the API for a person: ``2025-08-14 14:30``; empty for none."""
    if not text:
        return ""
    return f"{local(text):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}}"


def zone(text: str) -> str:
    """Return the name of this machine's time zone at a time of the API: ``KST``."""
    return local(text).tzname() or ""


def span(seconds: float) -> str:
    """Write a length of time for a person: ``3m 20s``, ``1h 05m``, ``2d 03h``."""
    minutes, left = divmod(int(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, rest = divmod(hours, 24)
    if days:
        return f"{days}d {rest:02d}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"


def table(*headings: str) -> Table:
    """Return a table without lines; each heading is an English text of the catalogue."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        made.add_column(t(heading))
    return made


def columns() -> Table:
    """Return a table without headings, in which a long text stays in its own column."""
    return Table.grid(padding=(0, 1))


def print_lines(lines: Table) -> None:
    """Print a table; a text that is too long for its column goes on below, never cut off."""
    for column in lines.columns:
        column.overflow = "fold"
    console.print(lines)


def name_of(one: Json | None, otherwise: str = "-") -> str:
    """Return what people call somebody or something that the API names."""
    return str(one["name"]) if one else otherwise
