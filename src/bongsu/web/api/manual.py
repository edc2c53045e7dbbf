"""The manual in force: read it, print it, and load it again from its folder."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.manual.load import to_document
from bongsu.manual.problems import ManualError, Problem, UnreadableManual
from bongsu.web.api.depends import Admin, S, T, Viewer
from bongsu.web.api.json import answer, documents
from bongsu.web.problems import ProblemError

router = APIRouter(prefix="/manual", tags=["manual"])
PRINTED_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""the printed manual is one file that fetches nothing"""


class ManualView(msgspec.Struct, frozen=True):
    """The manual that decides now.

    `document` is the whole of it; `bongsu manual schema` describes its chapters.
    """

    sha: str
    name: str
    locale: str
    timezone: str
    document: msgspec.Raw


class Adopted(msgspec.Struct, frozen=True):
    """The manual that decides from now on, and whether it is another one than before."""

    sha: str
    name: str
    changed: bool


@router.get("", summary="The manual in force", responses=documents(ManualView))
async def get_manual(at: S, who: Viewer) -> Response:
    """With its hash, by which incidents name the manual that decided them."""
    manual = at.policy.manual
    head, document = manual.overview, msgspec.Raw(to_document(manual))
    return answer(ManualView(manual.sha, head.name, head.locale, head.timezone, document))


PRINTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "HTML or Markdown.", "content": {"text/html": {}, "text/markdown": {}}}
}


@router.get("/print", summary="The manual as a person reads it", responses=PRINTED)
async def print_manual(
    at: S, who: Viewer, t: T,
    format_: Annotated[Literal["html", "md"], Query(alias="format")] = "html",
    lang: Literal["ko", "en"] | None = None,
) -> Response:  # fmt: skip
    """With the organisation, the escalation and the rotation drawn."""
    from bongsu.manual.render import render  # noqa: PLC0415  only who prints pays for it

    wanted: Literal["ko", "en"] = lang or ("ko" if t.lang == "ko" else "en")
    text = await asyncio.to_thread(render, at.policy.manual, wanted, format_)
    if format_ == "md":
        return Response(text, media_type="text/markdown; charset=utf-8")
    return Response(text, headers={"content-security-policy": PRINTED_CSP}, media_type="text/html")


@router.post(
    "/reload", summary="Load the manual again from its folder", responses=documents(Adopted)
)
async def reload(at: S, who: Admin, t: T) -> Response:
    """A manual with errors is refused with all of them, and the running one stays.

    What can run comes from the folder alone: a manual can't be sent.
    """
    if at.reload is None:
        text = N_("this process was started without a manual's folder; reload where it was given")
        raise ProblemError("conflict", text)
    before = at.policy.manual.sha
    try:
        manual = await at.reload()
    except UnreadableManual as error:
        raise ProblemError("conflict", error.what, **error.values) from error
    except ManualError as error:
        raise _refused(error.problems, t.lang) from error
    return answer(Adopted(manual.sha, manual.overview.name, manual.sha != before))


def _refused(problems: list[Problem], lang: str) -> ProblemError:
    text = N_("the manual has {count} problems; the running one stays")
    errors = [_shown(problem, lang) for problem in problems]
    return ProblemError("invalid", text, count=len(problems)).adding(errors=errors)


def _shown(problem: Problem, lang: str) -> dict[str, object]:
    field = ".".join(map(str, problem.path))
    place = {"in": "file", "file": problem.file, "line": problem.line, "field": field}
    return {**place, "level": problem.level, "detail": problem.say(lang)}
