"""Lets a signed-in person through to a page, and others to the sign-in page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bongsu.i18n import N_, Translator
from bongsu.store.access import Role
from bongsu.web.access import csrf
from bongsu.web.access.actor import Actor
from bongsu.web.access.door import current_actor
from bongsu.web.console.shell import Frame
from bongsu.web.services import Services, services

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual

LONGEST = 10_000
"""characters of a form's field that are kept"""


class PageError(Exception):
    """A page can't be shown, or a form can't be taken; `text` is of the catalogue."""

    def __init__(self, status: int, text: str, /, **values: object) -> None:
        super().__init__(text)
        self.status, self.text, self.values = status, text, values


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    at: Services
    actor: Actor
    frame: Frame

    @property
    def t(self) -> Translator:
        """The reader's language."""
        return self.frame.t

    @property
    def manual(self) -> Manual:
        """What decides at the moment."""
        return self.at.policy.manual

    @property
    def now(self) -> datetime:
        """The time, UTC."""
        return self.at.engine.clock.now()

    @property
    def enhanced(self) -> bool:
        """Whether the page's script asks, and so wants the parts that changed."""
        return "hx-request" in self.request.headers

    def page(
        self, name: str, values: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        """Answer with a page."""
        return self.frame.page(name, values, status)

    async def form(self) -> Fields:
        """Read a form that was meant.

        Raises:
            PageError: it does not carry this session's token.
        """
        sent = await self.request.form(max_files=0, max_fields=50)
        given = self.request.headers.get(csrf.HEADER) or _text(sent, csrf.FIELD)
        if not self.at.access.meant(self.actor, given):
            raise PageError(
                403, N_("This form is too old or not ours. Load the page and try again.")
            )
        return Fields(sent)


class Fields:
    """The fields of a form, as texts that the database can bear."""

    def __init__(self, sent: FormData) -> None:
        self._sent = sent

    def __getitem__(self, name: str) -> str:
        """Return a field, stripped; empty where it was not sent."""
        return _text(self._sent, name).replace("\0", "").strip()[:LONGEST]

    def secret(self, name: str) -> str:
        """Return a field exactly as it was typed."""
        return _text(self._sent, name)[:LONGEST]

    def number(self, name: str) -> int:
        """Return a field as a number, -1 where it is none."""
        text = self[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1  # noqa: PLR2004  fits into a bigint


def _text(sent: FormData, name: str) -> str:
    found = sent.get(name, "")
    return found if isinstance(found, str) else ""


Handler = Callable[[Visit], Awaitable[Response]]


def signed(role: Role = "viewer") -> Callable[[Handler], Callable[[Request], Awaitable[Response]]]:
    """Ask for somebody who is signed in and may do at least what ``role`` may."""

    def wrap(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def route(request: Request) -> Response:
            actor = await current_actor(request)
            if actor is None:
                return _to_sign_in(request)
            if not actor.may(role):
                raise PageError(
                    403, N_("This needs the role {needed}; {name} is {role}."),
                    needed=role, name=actor.name, role=actor.role,
                )  # fmt: skip
            at = services(request)
            return await handler(Visit(request, at, actor, Frame(request, at, actor)))

        return route

    return wrap


def _to_sign_in(request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method not in ("GET", "HEAD"):
        path = urlsplit(request.headers.get("referer", "/")).path
    target = f"/sign-in?next={quote(path)}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


def own_path(path: str) -> str:
    """Return where to go after signing in: only ever a page of ours."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    return path if inside and path.isprintable() else "/"
