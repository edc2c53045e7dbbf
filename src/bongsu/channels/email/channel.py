"""Delivers messages by SMTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import formatdate

from bongsu.channels.delivery import Secrets, bounded
from bongsu.channels.email.compose import warm as load_templates
from bongsu.channels.email.compose import written
from bongsu.channels.email.connections import CONNECTIONS, Connections
from bongsu.channels.email.settings import EmailSettings
from bongsu.channels.message import DeliveryError, Message, Receipt
from bongsu.i18n import Translator, translator


class EmailChannel:
    """One mail to one address for each message, over connections that stay open."""

    name = "email"
    places = CONNECTIONS // 2
    """half for what is urgent, half for the rest: nobody waits for a connection inside the 5 s"""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._secrets = Secrets([settings.password])
        self._connections = Connections(settings)

    async def warm(self) -> None:
        """Connect, sign in, and load what writes the mails.

        Raises:
            DeliveryError: mails would fail now.
        """
        await asyncio.to_thread(load_templates)
        async with bounded("SMTP", "en"):
            await self._guarded(self._connections.warm, translator("en"))

    async def send(self, message: Message, to: str) -> Receipt:
        """Send one mail; the receipt is its Message-ID.

        Raises:
            DeliveryError: the server did not take it, as far as can be known.
        """
        t = translator(message.lang)
        recipient = address(to, t)
        sender, date = self._settings.sender, formatdate(usegmt=True)
        async with bounded("SMTP", message.lang):
            # In a thread: Markdown can be written to take a second.
            mail_id, content = await asyncio.to_thread(written, message, sender, recipient, date)
            await self._guarded(
                lambda: self._connections.deliver(sender.addr_spec, recipient.addr_spec, content), t
            )
        return Receipt(mail_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def _guarded(self, work: Callable[[], Awaitable[None]], t: Translator) -> None:
        from aiosmtplib import SMTPException  # noqa: PLC0415  loaded when first needed

        from bongsu.channels.email.errors import explained  # noqa: PLC0415  as above

        try:
            await work()
        except (SMTPException, OSError) as error:
            found = explained(error, t)
            raise DeliveryError(
                self._secrets.hide(str(found)),
                permanent=found.permanent, retry_after=found.retry_after,
            ) from None  # fmt: skip


def address(to: str, t: Translator) -> Address:
    """Read one recipient: ``name@example.com`` and nothing else.

    Raises:
        DeliveryError: it is something else; permanent.
    """
    local, _, domain = to.strip().rpartition("@")
    try:
        found = Address(addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (MessageError, ValueError, IndexError):
        found = Address()
    if not found.domain or not found.addr_spec.isascii():
        text = t("{to} is no e-mail address; write name@example.com in the manual", to=repr(to))
        raise DeliveryError(text, permanent=True)
    return found
