"""What every page shares: the templates, the frame around them, and the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from bongsu.i18n import Translator, translator
from bongsu.web.access import csrf
from bongsu.web.access.language import language
from bongsu.web.console.views import words
from bongsu.web.static import asset

if TYPE_CHECKING:
    from starlette.requests import Request

    from bongsu.web.access.actor import Actor
    from bongsu.web.services import Services

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "bongsu_theme"


@cache
def environment() -> Environment:
    """Return the console's templates; whatever is inserted into them is escaped."""
    made = Environment(
        loader=PackageLoader("bongsu.web.console"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(
        asset=asset, csrf_field=csrf.FIELD, beacons=words.beacons, iso=words.iso,
    )  # fmt: skip
    return made


def reader_language(request: Request, actor: Actor | None, locale: str) -> str:
    """Return the language of a page: what the link asks for, what they chose, the browser's."""
    asked = request.query_params.get("lang", "")
    if actor is None and asked in ("ko", "en"):
        return asked
    accepted = request.headers.get("accept-language", "")
    return language(accepted, actor, locale, chosen_first=True)


def theme(request: Request) -> str:
    """Return the colours that this browser was told to use."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


class Frame:
    """Renders templates for one reader."""

    def __init__(self, request: Request, at: Services, actor: Actor | None) -> None:
        manual = at.policy.manual
        self.t: Translator = translator(reader_language(request, actor, manual.overview.locale))
        self._request, self._at, self._actor = request, at, actor

    def text(self, name: str, values: Mapping[str, Any]) -> str:
        """Render a template, or a fragment of a page."""
        return environment().get_template(name).render({**self._shared(), **values})

    def page(
        self, name: str, values: Mapping[str, Any] | None = None, status: int = 200
    ) -> HTMLResponse:
        """Answer with a page."""
        # A page shows how things stand and carries a session's token: nothing may keep it.
        headers = {"cache-control": "no-store", "content-language": self.t.lang}
        return HTMLResponse(self.text(name, values or {}), status, headers)

    def _shared(self) -> dict[str, Any]:
        zone = self._at.policy.manual.overview.timezone
        actor = self._actor
        return {
            "t": self.t, "lang": self.t.lang, "actor": actor, "zone": zone,
            "csrf": self._at.access.csrf_token(actor) if actor else "",
            "manual_name": self._at.policy.manual.overview.name,
            "moment": lambda at: words.moment(at, zone), "clock": lambda at: words.clock(at, zone),
            "span": lambda length: words.span(length, self.t),
            "known_as": lambda word: words.name(word, self.t),
            "theme": theme(self._request), "here": self._request.url.path,
            "now": self._at.engine.clock.now(), "live": "", "quiet": False,
            "may": actor.may if actor else lambda _role: False,
        }  # fmt: skip
