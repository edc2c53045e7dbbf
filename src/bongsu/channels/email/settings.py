"""What the e-mail channel needs to know."""

from __future__ import annotations

from email.headerregistry import Address
from typing import Literal

import msgspec

Encryption = Literal["tls", "starttls", "if_offered", "none"]


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One mail server, and in whose name mail is sent."""

    host: str
    port: int
    sender: Address
    username: str | None = None
    password: str | None = None
    encryption: Encryption = "if_offered"
    verify: bool = True
    """whether the server must prove its name by a certificate"""
    cafile: str | None = None
    """more certificate authorities to trust, as a PEM file"""
    hostname: str | None = None
    """how we introduce ourselves (EHLO); by default this machine's name"""
