"""A report is told in Slack where the incident was told before, as an answer to that message."""

from __future__ import annotations

from tests.engine.desk import POLICY, START, Desk, alert
from tests.web.made_reports import full

from bongsu.channels.slack.blocks import compose
from bongsu.engine.messages import Writer
from bongsu.engine.policy import Policy
from bongsu.incident import events as e
from bongsu.incident.calls import REPORT
from bongsu.incident.digest import report_notices
from bongsu.incident.state import Incident

WRITER = Writer("https://bongsu.example", b"s" * 32)
RECEIPT = "C012345:1755149400.000100"


async def told(desk: Desk, channel: str = "slack") -> Incident:
    """Open an incident of which a channel was told, with the receipt of that message."""
    await desk.receive(alert("BackendDown"))
    incident = int((await desk.only()).id)
    notice = e.NoticeDue("n0", "team", channel, "#ops", "it is down", e.Reason("notice_written"))
    await desk.engine.act(incident, e.SYSTEM, lambda *_: [notice])
    due = [one.body for one in await desk.log(incident) if isinstance(one.body, e.DeliveryDue)]
    delivery = next(one.delivery for one in due if one.ref == "n0")
    return await desk.engine.act(incident, e.SYSTEM, lambda *_: [e.Delivered(delivery, RECEIPT)])


async def reported(desk: Desk, incident: Incident) -> list[e.DeliveryDue]:
    """Tell of a report; returns the deliveries that follow."""

    def command(policy: Policy, known: Incident, _now: object) -> list[e.NoticeDue]:
        return report_notices(policy.manual, known, 7, full(START, known.number, findings=300))

    await desk.engine.act(int(incident.id), e.SYSTEM, command)
    log = await desk.log(incident.id)
    return [
        one.body for one in log
        if isinstance(one.body, e.DeliveryDue) and one.body.ref.startswith("r7")
    ]  # fmt: skip


def of_ops(deliveries: list[e.DeliveryDue]) -> e.DeliveryDue:
    (found,) = [one for one in deliveries if one.to == "#ops"]
    assert found.channel == "slack"
    return found


async def test_a_report_answers_the_first_message_in_its_thread(desk: Desk) -> None:
    incident = await told(desk)
    due = of_ops(await reported(desk, incident))
    now = await desk.incident(int(incident.id))
    message = WRITER.message(POLICY, now, due, START)
    assert (message.kind, message.thread, message.actions) == ("notice", RECEIPT, ())
    assert "health: 503" in message.text
    composed = compose(message, "buttons")
    assert len(composed.blocks) <= 6
    shown = str(composed.blocks)
    assert f"https://bongsu.example/incidents/{incident.id}" in shown


async def test_a_second_report_answers_the_first_message_too(desk: Desk) -> None:
    incident = await told(desk)
    first = of_ops(await reported(desk, incident))
    done = e.Delivered(first.delivery, "C012345:9.9")
    await desk.engine.act(int(incident.id), e.SYSTEM, lambda *_: [done])
    now = await desk.incident(int(incident.id))
    assert WRITER.message(POLICY, now, first, START).thread == RECEIPT
    again = report_notices(POLICY.manual, now, 8, full(START))
    assert (REPORT, "slack", "#ops") in [(one.template, one.channel, one.to) for one in again]
    assert len({one.to for one in again}) == len(again)


async def test_who_was_told_by_mail_or_not_at_all_hears_nothing_of_it(desk: Desk) -> None:
    incident = await told(desk, channel="email")
    assert "#ops" not in [one.to for one in await reported(desk, incident)]


async def test_a_page_is_answered_too_and_nobody_else_counts_as_told(desk: Desk) -> None:
    await desk.receive(alert("BackendDown"))
    incident = await desk.only()
    page = e.Paged("p0", "backend-a", "oncall", START, e.Reason("declared"))
    due = e.DeliveryDue("p0/0/1", "page", "p0", "slack", "U0BACKEND")
    sent = e.Delivered("p0/0/1", RECEIPT)
    await desk.engine.act(int(incident.id), e.SYSTEM, lambda *_: [page, due, sent])
    answers = await reported(desk, await desk.incident(int(incident.id)))
    answer = next(one for one in answers if one.to == "U0BACKEND")
    done = e.Delivered(answer.delivery, "C012345:9.9")
    now = await desk.engine.act(int(incident.id), e.SYSTEM, lambda *_: [done])
    assert WRITER.message(POLICY, now, answer, START).thread == RECEIPT
    assert now.communicated_at is None
