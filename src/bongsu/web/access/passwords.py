"""Passwords: argon2id, off the event loop, a few at a time."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 1000
"""characters; hashing must not be a way to keep the server busy"""
AT_ONCE = 2
"""each takes 64 MiB while it runs"""


class PasswordRefusedError(Exception):
    """A new password is too short or too long."""

    text = N_("a password needs {shortest} to {longest} characters")

    def __init__(self) -> None:
        super().__init__(self.show("en"))

    def show(self, lang: str) -> str:
        """Return what is asked of a password."""
        return translator(lang)(self.text, shortest=SHORTEST, longest=LONGEST)


class Passwords:
    """Hashes and verifies; one per process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return what is kept of a new password.

        Raises:
            PasswordRefusedError: it is too short or too long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordRefusedError
        async with self._places:
            return await asyncio.to_thread(hash_password, password)

    async def verify(self, known: str | None, password: str) -> bool:
        """Say whether the password is the one that was hashed.

        Where nothing is ``known`` it takes as long, so that nobody learns which accounts exist.
        """
        async with self._places:
            return await asyncio.to_thread(_verify, known, password)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password; takes about a tenth of a second."""
    return _hasher().hash(_encoded(password))


def _verify(known: str | None, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415  as `_hasher`

    try:
        _hasher().verify(known or _nobodys(), _encoded(password[:LONGEST]))
    except (Argon2Error, InvalidHashError):
        return False
    return known is not None and len(password) <= LONGEST


def _encoded(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415  only who signs in pays for it

    return PasswordHasher()


@cache
def _nobodys() -> str:
    return hash_password("nobody has this password")
