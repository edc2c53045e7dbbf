"""A mail server and a Slack that take everything in, slowly if asked, and count it by delivery."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_ID = re.compile(r"<\w+\.(.+)@example\.com>")
BEACON = re.compile(r"beacon-\w+")


class Arrival(NamedTuple):
    """One message that was taken; ``at`` is the event loop's clock."""

    at: float
    channel: str
    delivery: str
    """incident and delivery: ``7/p5.1/0/1``"""
    beacon: str
    """the name that the signal's title carries"""
    notice: bool


class Sinks:
    """Both, on free ports of this machine."""

    def __init__(self, pause: Callable[[], float] = lambda: 0.0) -> None:
        self.arrivals: list[Arrival] = []
        self.of_beacon: dict[str, set[str]] = defaultdict(set)
        """beacon → the channels on which its pages arrived"""
        self.begun = asyncio.Event()
        """set whenever a message begins to be taken"""
        self.hold = asyncio.Event()
        """cleared: what comes in is answered only after it is set again"""
        self.hold.set()
        self.mail_port = self.chat_port = 0
        self._pause = pause
        self._numbers = iter(range(1, 10**9))

    @property
    def environment(self) -> dict[str, str]:
        """What makes Bongsu deliver here."""
        return {
            "BONGSU_SMTP_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "BONGSU_MAIL_FROM": "Bongsu <bongsu@example.com>",
            "BONGSU_SLACK_BOT_TOKEN": "xoxb-resilience",
            "BONGSU_SLACK_API_URL": f"http://127.0.0.1:{self.chat_port}/api/",
        }

    def times(self) -> dict[str, list[float]]:
        """Return when each delivery arrived, once or more often."""
        found: dict[str, list[float]] = defaultdict(list)
        for one in self.arrivals:
            found[one.delivery].append(one.at)
        return found

    async def _take(self, channel: str, delivery: str, text: str, *, notice: bool) -> None:
        """A message counts as arrived when it is whole; the answer may come later, or too late."""
        at = asyncio.get_running_loop().time()
        beacon = found[0] if (found := BEACON.search(text)) else ""
        self.arrivals.append(Arrival(at, channel, delivery, beacon, notice))
        if not notice:
            self.of_beacon[beacon].add(channel)
        self.begun.set()
        await self.hold.wait()
        await asyncio.sleep(self._pause())

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else b"", policy=default)
        assert isinstance(mail, EmailMessage)
        found = MESSAGE_ID.fullmatch(str(mail["Message-ID"]).strip())
        assert found, mail["Message-ID"]
        name = re.sub(r"=([0-9a-f]+)=", lambda code: chr(int(code[1], 16)), found[1])
        await self._take("email", name, str(mail["Subject"]), notice="/n" in name)
        return "250 OK"

    async def chat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as Slack's web API does, for as long as the client keeps the connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                answer = await self._answer(head.split("\r\n", 1)[0], body)
                start = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                writer.write(f"{start}Content-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: str, body: bytes) -> bytes:
        answer: dict[str, object] = {"ok": True, "ts": f"{next(self._numbers)}.000100"}
        if "chat.postMessage" in line:
            sent = json.loads(body)
            name = sent["metadata"]["event_payload"]["delivery_id"]
            await self._take("slack", name, json.dumps(sent), notice="/n" in name)
            answer["channel"] = "C0INCIDENTS"
        return json.dumps(answer).encode()


@asynccontextmanager
async def sinks(pause: Callable[[], float] = lambda: 0.0) -> AsyncIterator[Sinks]:
    """Run both for as long as the block runs."""
    taking, loop = Sinks(pause), asyncio.get_running_loop()
    mail = await loop.create_server(
        lambda: SMTP(taking, hostname="mail.example.com", loop=loop), "127.0.0.1", 0
    )
    chat = await asyncio.start_server(taking.chat, "127.0.0.1", 0)
    taking.mail_port, taking.chat_port = (s.sockets[0].getsockname()[1] for s in (mail, chat))
    try:
        yield taking
    finally:
        mail.close()
        chat.close()
        taking.hold.set()
        await asyncio.sleep(0.05)
