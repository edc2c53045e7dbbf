"""One-tap links out of a message: ``/go/{token}``.

Looking never acts, since mail scanners and chat previews look at every address. The page shows one
big button, and its POST acts; the token is all the authority that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bongsu.channels import links
from bongsu.channels.links import Claims
from bongsu.channels.message import ActionCode
from bongsu.channels.text import action_label, moment
from bongsu.engine.engine import UnknownIncidentError
from bongsu.i18n import N_, Translator, translator
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain, person_name
from bongsu.incident.runs import telling
from bongsu.incident.runs.approving import still_asked
from bongsu.incident.state import Incident
from bongsu.store import incidents
from bongsu.web import perform
from bongsu.web.services import Services, services

_DIGITS = 18
YES_OR_NO: tuple[ActionCode, ActionCode] = ("approve", "refuse")


class GoPage(NamedTuple):
    """What the page of a link shows; the texts are in the reader's language."""

    t: Translator
    title: str
    text: str
    incident: Incident | None = None
    person: str = ""
    """the name of the person it is for"""
    action: ActionCode | None = None
    """what the button would do; None: nothing is left to be done"""
    label: str = ""
    """the button's text"""
    other: tuple[ActionCode, str] | None = None
    """a second button and its text, where the link asks for a yes or a no"""
    details: str = ""
    """the incident's page"""
    status: int = 200


Render = Callable[[Request, GoPage], Response]


async def look(request: Request) -> Response:
    """Show what the link would do; ``GET`` and ``HEAD`` never do it."""
    return await _answer(request, act=False)


async def tap(request: Request) -> Response:
    """Do it."""
    return await _answer(request, act=True)


async def _answer(request: Request, *, act: bool) -> Response:
    at = services(request)
    render: Render = request.app.state.render_go or plain
    try:
        claims = links.read(at.secret, request.path_params["token"], at.engine.clock.now())
    except links.Expired:
        return render(request, _over(at, request))
    except links.Refusal:
        return render(request, _invalid(at, request))
    if act and claims.purpose in YES_OR_NO:
        claims = await _chosen(request, claims)
    page = await (_tapped(at, claims) if act else _looked(at, claims))
    return render(request, page)


async def _chosen(request: Request, claims: Claims) -> Claims:
    """Take the button that was pressed: who may say yes by a link may say no by it."""
    form = await request.form(max_files=0, max_fields=5)
    pressed = next((code for code in YES_OR_NO if code == form.get("answer")), claims.purpose)
    return msgspec.structs.replace(claims, purpose=pressed)


async def _looked(at: Services, claims: Claims) -> GoPage:
    t = _language(at, claims)
    incident = await _incident(at, claims)
    if incident is None:
        return _gone(t)
    done = already(incident, claims)
    if done:
        return _standing(at, claims, incident, t, done=t(N_("Nothing more to do")))
    text = perform.standing(incident, at.policy.manual, t)
    if claims.purpose not in YES_OR_NO:
        return _page(at, claims, incident, t, title=incident.title, text=text)
    wanted = telling.wanted(at.policy.manual, incident, _ladder(incident, claims), t)
    page = _page(at, claims, incident, t, title=t(N_("May this be done?")), text=wanted)
    yes, no = (action_label(code, t.lang) for code in YES_OR_NO)
    return page._replace(action="approve", label=yes, other=("refuse", no))


async def _tapped(at: Services, claims: Claims) -> GoPage:
    t = _language(at, claims)
    if why_not := await perform.shut_out(at, claims.person, t):
        return GoPage(t, t(N_("Not done")), why_not, status=403)
    try:
        incident = await perform.perform(
            at.engine, claims.purpose, _id(claims),
            person=claims.person, via="link", page=claims.page or None,
        )  # fmt: skip
    except UnknownIncidentError:
        return _gone(t)
    except RefusedError as refused:
        return await _refused(at, claims, refused, t)
    text = perform.done(claims.purpose, incident, claims.person, at.policy.manual, t)
    return _standing(at, claims, incident, t, done=text)


async def _refused(at: Services, claims: Claims, refused: RefusedError, t: Translator) -> GoPage:
    """The same link tapped twice is no error: say how things stand."""
    incident = await _incident(at, claims)
    if incident is None:
        return _gone(t)
    if already(incident, claims):
        return _standing(at, claims, incident, t, done=t(N_("Done already")))
    reason = explain(refused.reason, at.policy.manual, t)
    page = _standing(at, claims, incident, t, done=t(N_("Not done")))
    return page._replace(text=f"{reason}. {page.text}", status=409)


def already(incident: Incident, claims: Claims) -> bool:
    """Whether what the link asks for has happened, by whomever."""
    match claims.purpose:
        case "ack":
            page = incident.pages.get(claims.page)
            if page is not None and page.role is not None:
                return page.answered_at is not None
            return incident.acknowledged_at is not None or not incident.open
        case "confirm":
            return incident.verified_at is not None or not incident.open
        case "dismiss" | "resolve":
            return not incident.open
        case "escalate":
            return False
        case "approve" | "refuse":
            return not still_asked(incident, _ladder(incident, claims))


def _ladder(incident: Incident, claims: Claims) -> str:
    page = incident.pages.get(claims.page)
    return page.ladder if page else ""


def _page(
    at: Services, claims: Claims, incident: Incident, t: Translator, *, title: str, text: str
) -> GoPage:
    return GoPage(
        t, title, text, incident, person_name(claims.person, at.policy.manual), claims.purpose,
        action_label(claims.purpose, t.lang),
        details=f"{at.base_url}/incidents/{incident.id}",
    )  # fmt: skip


def _standing(
    at: Services, claims: Claims, incident: Incident, t: Translator, *, done: str
) -> GoPage:
    """A page without a button: who has it since when, and how far it is."""
    manual = at.policy.manual
    text = perform.standing(incident, manual, t)
    if claims.purpose in YES_OR_NO:
        text = telling.answered(manual, incident, _ladder(incident, claims), t) or text
    elif incident.acknowledged_at is not None:
        person = manual.person(claims.person)
        zone = (person.timezone if person else None) or manual.overview.timezone
        since = t("Acknowledged at {at}.", at=moment(incident.acknowledged_at, zone))
        text = f"{text} {since}"
    page = _page(at, claims, incident, t, title=done, text=text)
    return page._replace(action=None, label="")


def _over(at: Services, request: Request) -> GoPage:
    t = at.translator(request)
    text = t(N_("Sign in and do it on the incident's page; a newer message has a newer link."))
    return GoPage(t, t(N_("This link has expired")), text, details=f"{at.base_url}/", status=410)


def _invalid(at: Services, request: Request) -> GoPage:
    t = at.translator(request)
    text = t(N_("It was altered or cut off. Copy the whole link out of the message, or sign in."))
    return GoPage(t, t(N_("This link is not valid")), text, details=f"{at.base_url}/", status=404)


def _gone(t: Translator) -> GoPage:
    text = t(N_("There is no such incident any more."))
    return GoPage(t, t(N_("Not found")), text, status=404)


def _language(at: Services, claims: Claims) -> Translator:
    person = at.policy.manual.person(claims.person)
    return translator(person.lang if person else at.policy.manual.overview.locale)


def _id(claims: Claims) -> int:
    usable = claims.incident.isdigit() and len(claims.incident) <= _DIGITS
    return int(claims.incident) if usable else 0


async def _incident(at: Services, claims: Claims) -> Incident | None:
    async with at.reading() as conn:
        return await incidents.load(conn, _id(claims))


def _second(page: GoPage) -> str:
    if page.other is None:
        return ""
    code, label = page.other
    return f" <button type=submit name=answer value={code}>{escape(label)}</button>"


def plain(request: Request, page: GoPage) -> Response:
    """Write the page without the console's style: readable, and usable with a thumb."""
    parts = [f"<h1>{escape(page.title)}</h1>"]
    if page.incident is not None:
        number = f"{page.incident.severity} · {page.incident.number}"
        parts.append(f"<p>{escape(number)}<br>{escape(page.incident.title)}</p>")
    parts.append(f"<p role=status>{escape(page.text)}</p>")
    if page.action is not None:
        parts.append(
            f'<form method=post action="{escape(request.url.path)}">'
            f"<button type=submit name=answer value={page.action}>{escape(page.label)}</button>"
            f"{_second(page)}</form>"
        )
    if page.details:
        details = page.t(N_("Incident page")) if page.incident else page.t(N_("Sign in"))
        parts.append(f'<p><a href="{escape(page.details)}">{escape(details)}</a></p>')
    head = (
        f"<!doctype html><html lang={page.t.lang}><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<meta name=robots content=noindex><title>{escape(page.title)}</title></head><body><main>"
    )
    return HTMLResponse(f"{head}{''.join(parts)}</main></body></html>", page.status)
