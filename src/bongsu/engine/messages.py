"""What a delivery says: an incident, its manual and the reason, made into a `Message`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bongsu.channels import links
from bongsu.channels.message import Action, ActionCode, Links, Message, Person, mentions_of
from bongsu.channels.text import action_label
from bongsu.engine.policy import Policy
from bongsu.i18n import Translator, translator
from bongsu.incident import events as e
from bongsu.incident.calls import REPORT
from bongsu.incident.digest import thread_of
from bongsu.incident.phases import Phase
from bongsu.incident.reasons import explain
from bongsu.incident.runs.approving import asked_on, still_asked
from bongsu.incident.runs.calling import CALLS
from bongsu.incident.runs.telling import wanted
from bongsu.incident.state import Incident, Notice, Page
from bongsu.manual.schema.document import Manual

LINKS_LAST = timedelta(hours=24)


@dataclass(frozen=True)
class Writer:
    """Writes messages; knows where the console is and how links are signed."""

    base_url: str
    """the console's public address, without a slash at its end"""
    secret: bytes

    def message(
        self, policy: Policy, incident: Incident, due: e.DeliveryDue, now: datetime
    ) -> Message:
        """Return the message of a delivery, in the language of whoever it goes to."""
        page = incident.pages.get(due.ref) if due.subject == "page" else None
        if page is not None:
            return self._page(policy.manual, incident, due, page, now)
        return self._notice(policy.manual, incident, due)

    def update(
        self, policy: Policy, incident: Incident, *, text: str, thread: str, lang: str
    ) -> Message:
        """Return what brings an earlier message (its receipt is ``thread``) up to date."""
        due = e.DeliveryDue(f"update.{incident.seq}", "notice", "", "slack", "")
        t = translator(lang)
        return self._message(
            policy.manual, incident, due, t,
            kind="update", timezone=policy.manual.overview.timezone, text=text, thread=thread,
            actions=self._for_everyone(incident, t),
        )  # fmt: skip

    def _page(
        self, manual: Manual, incident: Incident, due: e.DeliveryDue, page: Page, now: datetime
    ) -> Message:
        person = manual.person(page.person)
        lang = person.lang if person else manual.overview.locale
        t = translator(lang)
        zone = (person.timezone if person else None) or manual.overview.timezone
        return self._message(
            manual, incident, due, t,
            kind="page", timezone=zone,
            person=Person(page.person, person.name if person else page.person, lang),
            role=manual.role_name(page.role).in_(lang) if page.role else None,
            answer_by=page.answer_by, why=explain(page.why, manual, t),
            actions=self._actions(incident, page, t, now),
            text=wanted(manual, incident, page.ladder, t),
        )  # fmt: skip

    def _notice(self, manual: Manual, incident: Incident, due: e.DeliveryDue) -> Message:
        notice = incident.notices.get(due.ref)
        t = translator(manual.overview.locale)
        return self._message(
            manual, incident, due, t,
            kind="notice", timezone=manual.overview.timezone,
            text=notice.text if notice else incident.title,
            mentions=mentions_of(manual.template_text(notice.template) or "") if notice else (),
            thread=thread_of(incident, notice) if notice else "",
            actions=self._buttons(incident, due, notice, t),
        )  # fmt: skip

    def _buttons(
        self, incident: Incident, due: e.DeliveryDue, notice: Notice | None, t: Translator
    ) -> tuple[Action, ...]:
        """A report answers a message that has the buttons already."""
        if due.channel != "slack" or (notice and notice.template == REPORT):
            return ()
        return self._for_everyone(incident, t)

    def _message(
        self, manual: Manual, incident: Incident, due: e.DeliveryDue, t: Translator, **own: object
    ) -> Message:
        kind = manual.incident_type(incident.type) if incident.type else None
        service = manual.services.services.get(incident.service or "")
        fields: dict[str, object] = {
            "delivery_id": f"{incident.id}/{due.delivery}",
            "incident_id": incident.id,
            "incident_number": incident.number,
            "title": incident.title,
            "severity": incident.severity,
            "severity_name": manual.overview.severities[incident.severity].name.in_(t.lang),
            "started_at": incident.started_at,
            "description": incident.description,
            "type": incident.type or "",
            "type_name": kind[1].name.in_(t.lang) if kind else "",
            "service_name": service.name.in_(t.lang) if service else incident.service or "",
            "phase": incident.phase.value,
            "drill": incident.drill,
            "lang": t.lang,
            "links": self._links(manual, incident),
        }
        return Message(**{**fields, **own})  # type: ignore[arg-type]  # checked by msgspec's own tests

    def _links(self, manual: Manual, incident: Incident) -> Links:
        return Links(
            incident=f"{self.base_url}/incidents/{incident.id}",
            war_room=incident.war_room or "",
            status_page=manual.team.links.status_page or "",
        )

    def _actions(
        self, incident: Incident, page: Page, t: Translator, now: datetime
    ) -> tuple[Action, ...]:
        return tuple(self._signed(code, incident, page, t, now) for code in _codes(incident, page))

    def _signed(
        self, code: ActionCode, incident: Incident, page: Page, t: Translator, now: datetime
    ) -> Action:
        expires = now + LINKS_LAST
        token = links.sign(self.secret, code, incident.id, page.person, page.id, expires)
        value = f"{incident.id}:{page.id}"
        return Action(code, action_label(code, t.lang), value, f"{self.base_url}/go/{token}")

    def _for_everyone(self, incident: Incident, t: Translator) -> tuple[Action, ...]:
        """Buttons that anybody in the channel may press; Slack says who did."""
        codes = _open_codes(incident)
        return tuple(Action(code, action_label(code, t.lang), f"{incident.id}:") for code in codes)


def _codes(incident: Incident, page: Page) -> tuple[ActionCode, ...]:
    if asked_on(page.ladder) is not None:
        return ("approve", "refuse") if still_asked(incident, page.ladder) else ()
    if page.role is not None or page.ladder.startswith(CALLS):
        return ("ack",)
    if incident.phase is Phase.DETECTED:
        return ("ack", "confirm", "dismiss")
    return ("ack", "resolve")


def _open_codes(incident: Incident) -> tuple[ActionCode, ...]:
    if not incident.open:
        return ()
    begun: tuple[ActionCode, ...] = () if incident.acknowledged_at else ("ack",)
    if incident.phase is Phase.DETECTED:
        return (*begun, "confirm", "dismiss", "resolve")
    return (*begun, "resolve")
