"""A real SMTP server (aiosmtpd) for the tests, and rude ones that break off where they are told."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCEPTED = "250 2.0.0 OK"
USER, PASSWORD = b"bongsu", "p@ss:w/rd봉수".encode()


@dataclass
class MailServer:
    """What arrived, and what to answer instead of accepting."""

    port: int = 0
    tls: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """command (MAIL, RCPT, DATA) → the replies to the next ones"""
    connections: list[asyncio.BaseTransport] = field(default_factory=list)

    def replies_next(self, command: str, *replies: str) -> None:
        """Answer the next of these commands so."""
        self.replies[command] += replies

    def _reply(self, command: str) -> str:
        return self.replies[command].pop(0) if self.replies[command] else ACCEPTED

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.sessions.append(session)
        return lines

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        reply = self._reply("MAIL")
        if reply == ACCEPTED:
            envelope.mail_from = address
        return reply

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        reply = self._reply("RCPT")
        if reply == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = self._reply("DATA")
        if reply == ACCEPTED and isinstance(envelope.content, bytes):
            self.raw.append(envelope.content)
            self.recipients += envelope.rcpt_tos
            self.encrypted.append(session.ssl is not None)
            parsed = message_from_bytes(envelope.content, policy=default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
        return reply


class _Watched(SMTP):
    """Tells of every new connection (STARTTLS makes one of its own in aiosmtpd)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.event_handler.connections.append(transport)


def _signed_in(*call: Any) -> AuthResult:
    given = call[-1]
    good = isinstance(given, LoginPassword) and (given.login, given.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def running(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, auth: bool = False
) -> AsyncIterator[MailServer]:
    """Run a server on a free port."""
    mail, loop = MailServer(), asyncio.get_running_loop()

    def protocol() -> SMTP:
        return _Watched(
            mail, hostname="mail.example.com", loop=loop, tls_context=starttls,
            authenticator=_signed_in if auth else None, auth_require_tls=starttls is not None,
        )  # fmt: skip

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        for connection in mail.connections:
            connection.close()
        await asyncio.sleep(0)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def rude(*script: tuple[str, str | None]) -> AsyncIterator[int]:
    """Run a server that answers by a script of (command, reply); a reply of None hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies = dict(script)
        writer.write(b"220 rude ESMTP\r\n")
        while line := await reader.readline():
            command = line.split()[0].decode("ascii", "replace").upper() if line.strip() else ""
            reply = replies.get(command, "250 OK")
            if reply is None:
                break
            writer.write(reply.encode() + b"\r\n")
            if command == "DATA":
                await reader.readuntil(b"\r\n.\r\n")
                if (last := replies.get(".")) is None:
                    break
                writer.write(last.encode() + b"\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
