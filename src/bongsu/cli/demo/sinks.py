"""A mailbox and a chat that take everything in and show it on a page."""

from __future__ import annotations

import asyncio
import html
import itertools
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from bongsu.cli import language

PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Bongsu demo</title>
<meta http-equiv="refresh" content="2"><meta name="viewport" content="width=device-width">
<style>
  body {{ font: 16px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
  pre {{ white-space: pre-wrap; background: #8881; padding: .8rem; border-radius: .5rem }}
</style>
<h1>📬 {count}</h1>{entries}"""


class Received(NamedTuple):
    """One message as it came in."""

    channel: str
    to: str
    text: str
    links: tuple[str, ...] = ()


class Sinks:
    """Both, and what they have received; `arrived` wakes whoever waits for more."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        self.mail_port = 0
        self.chat_port = 0
        self._servers: list[asyncio.Server] = []
        self._numbers = itertools.count(1)

    async def start(self) -> None:
        """Listen on free ports of this machine."""
        loop = asyncio.get_running_loop()
        mail = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)
        chat = await asyncio.start_server(self._chat, "127.0.0.1", 0)
        self._servers = [mail, chat]
        self.mail_port, self.chat_port = (s.sockets[0].getsockname()[1] for s in self._servers)

    async def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()

    def keep(self, message: Received) -> None:
        """Take a message in."""
        self.received.append(message)
        self.arrived.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002  aiosmtpd's name and arguments
        """Take a mail in."""
        content = envelope.content
        mail = message_from_bytes(
            content if isinstance(content, bytes) else b"", policy=policy.default
        )
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        text = f"{mail['Subject']}\n\n{body.get_content() if body else ''}"
        links = tuple(word for word in text.split() if "/go/" in word)
        self.keep(Received("email", ", ".join(envelope.rcpt_tos), text, links))
        return "250 OK"

    async def _chat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as Slack's web API does, for as long as the client keeps the connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(_length(head))
                writer.write(self._page() if head.startswith("GET") else self._answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            writer.close()

    def _answer(self, head: str, body: bytes) -> bytes:
        answer: dict[str, Any] = {"ok": True, "ts": f"{next(self._numbers)}.000100"}
        if "chat.postMessage" in head.split("\r\n", 1)[0]:
            sent = msgspec.json.decode(body, type=dict[str, Any])
            answer["channel"] = sent.get("channel", "")
            self.keep(Received("slack", str(sent.get("channel", "")), str(sent.get("text", ""))))
        return _http("application/json; charset=utf-8", msgspec.json.encode(answer))

    def _page(self) -> bytes:
        entries = "".join(map(_entry, reversed(self.received)))
        whole = PAGE.format(lang=language(), count=len(self.received), entries=entries)
        return _http("text/html; charset=utf-8", whole.encode())


def _entry(message: Received) -> str:
    head = html.escape(f"{message.channel} → {message.to}")
    return f"<h3>{head}</h3><pre>{html.escape(message.text)}</pre>"


def _length(head: str) -> int:
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def _http(kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
