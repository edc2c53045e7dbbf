"""Presses of our buttons in Slack: ``POST /slack/interactions``.

Slack wants its answer within three seconds, so the button's work has a limit below that, and
whatever is said to people follows afterwards.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bongsu.channels.links import Refusal
from bongsu.channels.message import DeliveryError
from bongsu.channels.registry import slack_of
from bongsu.channels.slack.interaction import Interaction, parse_interaction, verify
from bongsu.engine.engine import UnknownIncidentError
from bongsu.i18n import Translator, translator
from bongsu.incident.commands import RefusedError
from bongsu.incident.reasons import explain
from bongsu.incident.state import Incident
from bongsu.web import perform
from bongsu.web.services import Services, services

if TYPE_CHECKING:
    from bongsu.channels.slack import SlackChannel
    from bongsu.manual.schema.document import Manual
    from bongsu.manual.schema.team import Person

APPROVALS = ("approve", "refuse")
"""what has been answered has no more buttons"""
IN_TIME = 2.0
"""seconds that the work may take; Slack gives up after three"""
_DIGITS = 18

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What is told after a press: to whom pressed, and, if it did something, in the message."""

    text: str
    t: Translator
    incident: Incident | None = None
    person: str = ""


async def interactions(request: Request) -> Response:
    """Answer Slack: empty, because everything to be said goes to the response_url."""
    at, channel = services(request), slack_of(services(request).channels)
    if channel is None or not channel.signing_secret:
        text = "Slack is not configured here; set BONGSU_SLACK_SIGNING_SECRET"
        return PlainTextResponse(text, 404)
    body, now = await request.body(), at.engine.clock.now()
    if not _is_slacks(request, channel, body, now):
        return PlainTextResponse("this request was not signed by Slack, or too long ago", 401)
    try:
        pressed = parse_interaction(body)
    except Refusal as refusal:
        return PlainTextResponse(str(refusal), 400)
    if pressed.action == "open":
        return Response()
    outcome = await _in_time(at, pressed)
    return Response(background=BackgroundTask(_tell, at, channel, pressed, outcome))


def _is_slacks(request: Request, channel: SlackChannel, body: bytes, now: datetime) -> bool:
    headers = request.headers
    return verify(
        channel.signing_secret or "", headers.get("x-slack-request-timestamp", ""), body,
        headers.get("x-slack-signature", ""), now,
    )  # fmt: skip


async def _in_time(at: Services, pressed: Interaction) -> Outcome:
    """Do it and say what came of it; whatever went wrong is said as well."""
    manual = at.policy.manual
    found = person_of(pressed.user_id, manual)
    if found is None:
        return _nobody(pressed.user_id, manual)
    person, spec = found
    t = translator(spec.lang)
    try:
        async with asyncio.timeout(IN_TIME):
            if why_not := await perform.shut_out(at, person, t):
                return Outcome(why_not, t)
            return await _perform(at, pressed, person, t)
    except Exception as error:  # noqa: BLE001  the edge: the person must hear that it did not work
        log.warning("slack.not_done", action=pressed.action, error=repr(error))
        text = t(
            "It could not be done just now; do it on the incident's page: {url}", url=at.base_url
        )
        return Outcome(text, t)


def person_of(member: str, manual: Manual) -> tuple[str, Person] | None:
    """Return whom the manual reaches at this Slack member id."""
    for name, person in manual.team.people.items():
        if any(c.channel == "slack" and c.to == member for c in person.contacts):
            return name, person
    return None


def _nobody(member: str, manual: Manual) -> Outcome:
    t = translator(manual.overview.locale)
    text = t(
        "The manual does not know you, so nothing was done. Ask for your Slack member id {member} "
        "to be added to your contacts in team.yaml.",
        member=member,
    )
    return Outcome(text, t)


async def _perform(at: Services, pressed: Interaction, person: str, t: Translator) -> Outcome:
    assert pressed.action != "open"
    incident_id, _, page = pressed.value.partition(":")
    if not (incident_id.isascii() and incident_id.isdigit() and len(incident_id) <= _DIGITS):
        return Outcome(t("This button is not one of ours any more."), t)
    manual = at.policy.manual
    try:
        done = await perform.perform(
            at.engine, pressed.action, int(incident_id),
            person=person, via="slack", page=page or None,
        )  # fmt: skip
    except RefusedError as refused:
        return Outcome(explain(refused.reason, manual, t), t)
    except UnknownIncidentError:
        return Outcome(t("There is no such incident any more."), t)
    return Outcome(perform.done(pressed.action, done, person, manual, t), t, done, person)


async def _tell(
    at: Services, channel: SlackChannel, pressed: Interaction, outcome: Outcome
) -> None:
    """Tell the one who pressed, and bring the message up to date for everybody."""
    try:
        if pressed.response_url:
            await channel.respond(pressed.response_url, outcome.text, lang=outcome.t.lang)
        if outcome.incident is not None and pressed.message_ts:
            await _update(at, channel, pressed, outcome, outcome.incident)
    except DeliveryError as error:
        log.warning("slack.not_told", error=str(error))


async def _update(
    at: Services, channel: SlackChannel, pressed: Interaction, outcome: Outcome, incident: Incident
) -> None:
    message = at.writer.update(
        at.policy, incident, text=outcome.text, thread=pressed.receipt, lang=outcome.t.lang
    )
    if pressed.action in APPROVALS:
        message = msgspec.structs.replace(message, actions=())
    await channel.send(message, pressed.channel)
