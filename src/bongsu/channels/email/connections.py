"""Connections to the mail server, kept open and used again.

A mail that waits for a TCP handshake, TLS, EHLO and AUTH is a second late. A connection serves
one mail at a time; a few may be open, so that one slow recipient does not hold up the others.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from bongsu.channels.email.settings import EmailSettings

if TYPE_CHECKING:
    from aiosmtplib import SMTP

CONNECTIONS = 4
STALE = 1.0
"""seconds to wait for a sign of life on a connection that was idle, before a new one is made"""


class Connections:
    """A small pool. Errors are aiosmtplib's, OSError and ssl.SSLError."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._idle: list[SMTP] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def deliver(self, sender: str, recipient: str, content: bytes) -> None:
        """Hand one mail to the server; it has taken it when this returns."""
        async with self._slots:
            client = await self._begin(sender)
            try:
                await client.rcpt(recipient)
                await client.data(content)
            except BaseException:
                # Refused or cut short: its next answer may still belong to this mail.
                client.close()
                raise
            self._idle.append(client)

    async def warm(self) -> None:
        """Have one live, signed-in connection, and no more than one."""
        async with self._slots:
            client = await self._alive() or await self._connect()
            self._drop()
            self._idle.append(client)

    async def close(self) -> None:
        """Take leave of the server and close all idle connections."""
        from aiosmtplib import SMTPException  # noqa: PLC0415  loaded when first needed

        for client in self._idle:
            try:
                await client.quit(timeout=STALE)
            except (SMTPException, OSError):
                client.close()
        self._idle.clear()

    def _drop(self) -> None:
        for client in self._idle:
            client.close()
        self._idle.clear()

    async def _begin(self, sender: str) -> SMTP:
        """Return a connection that has accepted the sender; nothing of the mail has left before."""
        from aiosmtplib import SMTPException  # noqa: PLC0415  loaded when first needed

        while self._idle:
            client = self._idle.pop()
            try:
                await client.mail(sender, timeout=STALE)
            except (SMTPException, OSError):
                client.close()
            except BaseException:
                client.close()
                raise
            else:
                return client
        client = await self._connect()
        try:
            await client.mail(sender)
        except BaseException:
            client.close()
            raise
        return client

    async def _alive(self) -> SMTP | None:
        from aiosmtplib import SMTPException  # noqa: PLC0415  loaded when first needed

        while self._idle:
            client = self._idle.pop()
            try:
                await client.noop(timeout=STALE)
            except (SMTPException, OSError):
                client.close()
            else:
                return client
        return None

    async def _connect(self) -> SMTP:
        from aiosmtplib import SMTP  # noqa: PLC0415  loaded when first needed

        given = self._settings
        client = SMTP(
            hostname=given.host, port=given.port, username=given.username, password=given.password,
            use_tls=given.encryption == "tls",
            start_tls={"starttls": True, "if_offered": None}.get(given.encryption, False),
            validate_certs=given.verify, cert_bundle=given.cafile,
            local_hostname=given.hostname or _own_name(), timeout=None,
        )  # fmt: skip
        await client.connect()
        return client


def _own_name() -> str:
    """This machine's name without asking the DNS, which can take longer than a page may."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
