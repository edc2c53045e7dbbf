"""Secrets that we were given ourselves, hidden wherever a program shows them.

`bongsu.logs.masking` knows secrets by their form; these are known by their value, because they
stand in the environment under a name that says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

HIDDEN = "[SECRET]"
SHORTEST = 6
"""characters; hiding shorter values would blacken words that only look like them"""
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|credential|api_?key|access_?key|private_?key|webhook",
    re.IGNORECASE,
)


def hide(text: str, env: Mapping[str, str]) -> str:
    """Return ``text`` without the secret values of ``env``, passwords in its URLs included."""
    for value in secrets_of(env):
        text = text.replace(value, HIDDEN)
    return text


def secrets_of(env: Mapping[str, str]) -> list[str]:
    """Return the secret values, the longest first, so that none is hidden by half."""
    found = {value for name, value in env.items() if _SECRET_NAME.search(name)}
    for value in env.values():
        if "://" in value:
            found |= _passwords(value)
    return sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True)


def _passwords(address: str) -> set[str]:
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}
