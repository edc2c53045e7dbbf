"""A failed check keeps an incident from being resolved, also by a button in Slack or a link."""

from __future__ import annotations

import pytest
from tests.channels.slack.standin import SlackStandIn
from tests.web import test_slack_buttons
from tests.web.api.test_verifications import LISTS, comes_to, recovered
from tests.web.site import Site, seed
from tests.web.test_onetap import link, read, state
from tests.web.test_slack_buttons import payload, press, told

from bongsu.engine.policy import compile_policy
from bongsu.manual.schema.document import Manual

slack = test_slack_buttons.slack
site_of_slack = test_slack_buttons.site


@pytest.fixture
def site(site_of_slack: Site) -> Site:
    document = seed().model_dump(by_alias=True, exclude={"sha"})
    site_of_slack.engine.policy = compile_policy(
        Manual.model_validate({**document, "verification": LISTS, "sha": "verified"})
    )
    return site_of_slack


async def test_a_failed_check_closes_the_doors_of_slack_and_links(site: Site, slack: SlackStandIn):
    at = await recovered(site.as_("responder"))
    incident = await site.as_("viewer").get(at)
    await comes_to(site, at, "failed")
    answer = await site.client().post(link(incident, "resolve"))
    assert answer.status_code == 409
    assert "사용자 로그인" in read(answer).text
    await press(site, payload(slack, incident, "resolve"))
    assert "사용자 로그인" in told(slack)
    assert (await state(site, incident))["phase"] == "monitoring"
