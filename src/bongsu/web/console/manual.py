"""The manual in force, as a person reads it, and loading it again."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.manual.problems import ManualError, Problem, UnreadableManual
from bongsu.web.console.gate import PageError, Visit, signed
from bongsu.web.headers import CSP

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual

TEXT_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""the printed manual is one file that fetches nothing"""


@signed()
async def show(visit: Visit) -> Response:
    """Show it, with what about it should be mended."""
    return await _shown(visit)


async def _shown(
    visit: Visit, said: str = "", errors: list[Problem] | None = None, status: int = 200
) -> Response:
    warnings = await asyncio.to_thread(_warnings, visit.manual)
    values: dict[str, Any] = {
        "said": said, "errors": errors or [], "warnings": warnings, "sha": visit.manual.sha,
        "head": visit.manual.overview, "can_reload": visit.at.reload is not None,
    }  # fmt: skip
    response = visit.page("manual.html", values, status)
    response.headers["content-security-policy"] = f"{CSP}; frame-src 'self'"
    return response


@lru_cache(maxsize=2)
def _warnings_of(_sha: str, holder: _Held) -> list[Problem]:
    from bongsu.manual.check import check  # noqa: PLC0415  only who looks at it pays for it

    return check(holder.manual)


class _Held:
    """A manual as a cache's value: one hash, one manual."""

    def __init__(self, manual: Manual) -> None:
        self.manual = manual

    def __hash__(self) -> int:
        return hash(self.manual.sha)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.manual.sha == self.manual.sha


def _warnings(manual: Manual) -> list[Problem]:
    return _warnings_of(manual.sha, _Held(manual))


@signed()
async def text(visit: Visit) -> Response:
    """The printed manual itself, which the page shows in a frame."""
    lang: Literal["ko", "en"] = "ko" if visit.t.lang == "ko" else "en"
    html = await asyncio.to_thread(_printed, _Held(visit.manual), lang)
    headers = {
        "content-security-policy": TEXT_CSP, "x-frame-options": "SAMEORIGIN",
        "cache-control": "private, no-cache",
    }  # fmt: skip
    return Response(html, 200, headers, "text/html; charset=utf-8")


@lru_cache(maxsize=4)
def _printed(holder: _Held, lang: Literal["ko", "en"]) -> str:
    from bongsu.manual.render import render  # noqa: PLC0415  as above

    return render(holder.manual, lang, "html")


@signed("admin")
async def reload(visit: Visit) -> Response:
    """Load the manual's folder again; one with errors is refused with all of them."""
    await visit.form()
    if visit.at.reload is None:
        raise PageError(409, N_("This process was started without a manual's folder."))
    before = visit.manual.sha
    try:
        loaded = await visit.at.reload()
    except UnreadableManual as error:
        raise PageError(409, error.what, **error.values) from error
    except ManualError as error:
        return await _shown(visit, errors=error.problems, status=422)
    changed = N_("The new manual decides from now on.")
    same = N_("Nothing in the manual's folder has changed.")
    return await _shown(visit, said=visit.t(changed if loaded.sha != before else same))
