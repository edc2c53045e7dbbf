"""Messages on the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import re

import pytest
from rich.cells import cell_len
from tests.channels.messages import a_notice, a_page

from bongsu.channels import delivery
from bongsu.channels.message import DeliveryError
from bongsu.channels.terminal import TerminalChannel

END = "\x04"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """A real terminal (a pty), 80 columns wide, and what was printed to it."""

    def __init__(self) -> None:
        self._reader, writer = pty.openpty()
        self.stream = os.fdopen(writer, "w", encoding="utf-8")

    def text(self) -> str:
        """Return all of it; the system hands it on in pieces, so its end is marked."""
        self.stream.write(END)
        self.stream.flush()
        shown = b""
        while not shown.endswith(END.encode()):
            shown += os.read(self._reader, 100_000)
        self.stream.close()
        os.close(self._reader)
        return shown.decode().removesuffix(END).replace("\r\n", "\n")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Screen()


async def test_a_page_is_shown_in_the_colour_of_its_severity(screen: Screen) -> None:
    channel = TerminalChannel(screen.stream)
    await channel.warm()
    await channel.send(a_page(), "console")
    shown = screen.text()
    assert "\x1b[1;31m[P0 Critical] 데이터베이스 장애\x1b[0m" in shown
    assert "호출 → 김서연 (console)" in shown
    assert "2025-08-14 14:35 (KST)까지 확인해 주십시오." in shown


async def test_the_rules_are_as_wide_as_the_terminal_though_korean_is_wide(
    screen: Screen,
) -> None:
    await TerminalChannel(screen.stream).send(a_page(), "console")
    lines = ESCAPES.sub("", screen.text()).splitlines()
    rules = [line for line in lines if line.startswith("─")]
    assert [cell_len(line) for line in rules] == [80, 80]


async def test_an_address_is_never_broken_over_lines(screen: Screen) -> None:
    page = a_page(description="https://example.com/" + "a" * 200)
    await TerminalChannel(screen.stream).send(page, "console")
    assert "https://example.com/" + "a" * 200 in screen.text()


async def test_an_alert_can_not_steer_the_terminal(screen: Screen) -> None:
    hostile = "[bold]x[/bold] \x1b]0;owned\x07\x1b[2J\x9b2J"
    await TerminalChannel(screen.stream).send(a_page(title=hostile, why=hostile), hostile)
    shown = ESCAPES.sub("", screen.text())
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "[bold]x[/bold]" in shown


async def test_a_pipe_gets_the_same_words_without_colour() -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    await TerminalChannel(pipe).send(a_notice(), "#critical-alerts")
    pipe.seek(0)
    text = pipe.read()
    assert text.startswith("── 공지 → #critical-alerts ──\n🚨 **INCIDENT ALERT** 🚨")
    assert "\x1b" not in text


async def test_a_stream_without_korean_still_gets_the_page() -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    await TerminalChannel(pipe).send(a_page(), "console")
    pipe.seek(0)
    assert "[P0 Critical] ??????" in pipe.read()


async def test_a_closed_stream_is_a_permanent_error() -> None:
    closed = io.StringIO()
    closed.close()
    with pytest.raises(DeliveryError, match="터미널에 쓸 수 없어요") as failed:
        await TerminalChannel(closed).send(a_page(), "console")
    assert failed.value.permanent


async def test_a_program_without_standard_output_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(DeliveryError) as failed:
        await TerminalChannel().send(a_page(), "console")
    assert failed.value.permanent


async def test_a_reader_that_stops_reading_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    reader, writer = os.pipe()
    _fill(writer)
    stream = os.fdopen(writer, "w", encoding="utf-8")
    stuck = TerminalChannel(stream)
    with pytest.raises(DeliveryError, match=r"0\.2초 안에") as failed:
        await stuck.send(a_page(), "console")
    assert not failed.value.permanent
    os.set_blocking(reader, False)
    while await _drained(reader):
        pass
    await stuck.close()
    stream.close()
    os.close(reader)


def _fill(writer: int) -> None:
    """Write until the pipe takes no more."""
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    os.set_blocking(writer, True)


async def _drained(reader: int) -> bool:
    await asyncio.sleep(0.01)
    try:
        return bool(os.read(reader, 1_000_000))
    except BlockingIOError:
        return False
