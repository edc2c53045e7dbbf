"""The frame around every delivery: its time limit, and nothing secret in what it reports."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from bongsu.channels.message import DeliveryError
from bongsu.i18n import translator

TIMEOUT = 5.0
"""seconds that a delivery may take, connecting included"""


@asynccontextmanager
async def bounded(name: str, lang: str) -> AsyncIterator[None]:
    """Give up after `TIMEOUT` seconds.

    Raises:
        DeliveryError: it took too long; temporary.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            yield
    except TimeoutError:
        t = translator(lang)
        text = t("{channel}: no answer within {seconds} s", channel=name, seconds=f"{TIMEOUT:g}")
        raise DeliveryError(text, permanent=False) from None


_SECRET_SHAPES = re.compile(
    r"xox[a-z]?[.-][\w.-]+"  # Slack's tokens
    r"|(?<=/services/)[^\s\"'<>]+|(?<=/actions/)[^\s\"'<>]+|(?<=/commands/)[^\s\"'<>]+"
    r"|(?<=://)[^\s/@\"'<>]+:[^\s/@\"'<>]*(?=@)"  # user:password@ in an address
)
MASK = "•••"


class Secrets(logging.Filter):
    """What must never be read in an error or a log; as a logging filter it masks whole records."""

    def __init__(self, known: Iterable[str | None] = ()) -> None:
        super().__init__()
        self._known = sorted({secret for secret in known if secret}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return ``text`` with every secret masked."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        return _SECRET_SHAPES.sub(MASK, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record; none is dropped."""
        record.msg, record.args = self.hide(record.getMessage()), None
        return True

    def guard(self, logger: str) -> None:
        """Mask what a library logs: a client logs whole addresses, a webhook's secret included."""
        logging.getLogger(logger).addFilter(self)

    def release(self, logger: str) -> None:
        """Stop masking what a library logs."""
        logging.getLogger(logger).removeFilter(self)
