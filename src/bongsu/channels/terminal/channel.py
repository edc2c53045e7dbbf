"""Prints messages where the program runs."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TextIO

from bongsu.channels.delivery import bounded
from bongsu.channels.message import DeliveryError, Kind, Message, Receipt
from bongsu.channels.text import one_line, render
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from rich.text import Text

_KINDS: dict[Kind, str] = {"page": N_("Page"), "notice": N_("Notice"), "update": N_("Update")}
_COLOURS = {"P0": "bold red", "P1": "red", "P2": "yellow", "P3": "blue"}
_RULE = "─"


class TerminalChannel:
    """Prints to a stream, by default standard output; the address is only shown.

    A terminal gets colour by severity. Anything else (a pipe, a log) gets the same text plain.
    Nothing is wrapped or framed, so that addresses stay whole for a click or a copy.
    """

    name = "terminal"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        # A thread of its own: a reader that stops reading must not hold up the event loop, nor
        # the threads that others share.
        self._printer = ThreadPoolExecutor(1, "bongsu-terminal")

    async def warm(self) -> None:
        """Load what colours the text, where it will be coloured."""
        await asyncio.get_running_loop().run_in_executor(self._printer, self._load)

    async def send(self, message: Message, to: str) -> Receipt:
        """Print one message; there is no receipt.

        Raises:
            DeliveryError: the stream is closed (permanent), or takes nothing now.
        """
        t, loop = translator(message.lang), asyncio.get_running_loop()
        async with bounded("terminal", message.lang):
            try:
                await loop.run_in_executor(self._printer, self._print, message, to)
            except (OSError, ValueError, AttributeError) as error:
                text = t("the terminal can't be written to: {reason}", reason=str(error))
                full = isinstance(error, BlockingIOError)
                raise DeliveryError(text, permanent=not full) from None
        return Receipt()

    async def close(self) -> None:
        """Let go of the thread; the stream is not ours to close."""
        printer, self._printer = self._printer, ThreadPoolExecutor(1, "bongsu-terminal")
        printer.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> None:
        if _coloured(self._out()):
            import rich.console  # noqa: F401, PLC0415  loaded when first needed

    def _out(self) -> TextIO:
        return self._stream or sys.stdout

    def _print(self, message: Message, to: str) -> None:
        out = self._out()
        if _coloured(out):
            _print_coloured(message, to, out)
        else:
            text = plain(message, to)
            encoding = out.encoding or "utf-8"
            out.write(text.encode(encoding, "replace").decode(encoding))
        out.flush()


def plain(message: Message, to: str) -> str:
    """Write a message as text between two rules."""
    return f"{_RULE * 2} {_title(message, to)} {_RULE * 2}\n{_body(message)}\n{_RULE * 8}\n"


def _title(message: Message, to: str) -> str:
    whom = one_line(to)
    if message.person is not None and message.person.name != whom:
        whom = f"{one_line(message.person.name)} ({whom})"
    return f"{translator(message.lang)(_KINDS[message.kind])} → {whom}"


def _body(message: Message) -> str:
    return render(message)[1]


def _coloured(out: TextIO) -> bool:
    return out.isatty() and (out.encoding or "").lower().replace("-", "") == "utf8"


def _print_coloured(message: Message, to: str, out: TextIO) -> None:
    from rich.console import Console  # noqa: PLC0415  loaded when first needed

    colour = _COLOURS.get(message.severity, "white")
    console = Console(file=out, highlight=False)
    console.rule(_styled(_title(message, to), colour), style=colour, characters=_RULE)
    first, _, others = _body(message).partition("\n")
    console.print(_styled(first, colour), soft_wrap=True)
    console.print(_styled(others, ""), soft_wrap=True)
    console.rule(style=colour, characters=_RULE)


def _styled(text: str, style: str) -> Text:
    """A text that is never read as rich's markup, whatever an alert wrote into it."""
    from rich.text import Text  # noqa: PLC0415  loaded when first needed

    return Text(text, style=style)
