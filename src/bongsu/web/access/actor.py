"""Who does something: a person of the manual, or an account that the manual does not know."""

from __future__ import annotations

from typing import Literal, NamedTuple

from bongsu.store.access import ROLES, Role

Via = Literal["console", "api", "cli", "slack", "link"]


class Actor(NamedTuple):
    """Who is asking, with what they may do."""

    person: str
    """the account's login, which is the person's id in the manual where the manual has one"""
    name: str
    role: Role
    lang: str | None
    """the language they chose, if they did"""
    via: Via
    key: bytes = b""
    """what is kept of their session or token; empty where there is neither"""

    @property
    def signature(self) -> str:
        """How the log names them: ``person:kim``."""
        return f"person:{self.person}"

    @property
    def by_cookie(self) -> bool:
        """Whether a browser sent this by itself, so that a write must prove that it was meant."""
        return self.via == "console"

    def may(self, needed: Role) -> bool:
        """Say whether they may do what ``needed`` may."""
        return ROLES.index(self.role) >= ROLES.index(needed)
