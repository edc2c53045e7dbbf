"""A running Bongsu whose people can be reached: by a real SMTP conversation, and by a Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.channels.email.mailserver import MailServer
from tests.channels.email.mailserver import running as mail_running
from tests.channels.slack import standin
from tests.channels.slack.standin import SlackStandIn
from tests.channels.slack.standin import running as slack_running
from tests.e2e.programs import Bongsu, serving

CHANNELS = (
    "#pm-contact", "#tech-lead", "#devops-team", "#comms-team", "#support-team", "#backend-team",
    "#frontend-team", "#leadership",
)  # fmt: skip
"""the seed's own channels, beside those that the stand-in knows"""


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    """Give the test a mail server."""
    async with mail_running() as server:
        yield server


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackStandIn]:
    """Give the test a Slack with the seed's channels, each its own id."""
    for name in CHANNELS:
        monkeypatch.setitem(standin.CHANNELS, name, name)
    async with slack_running() as server:
        yield server


@pytest.fixture
async def bongsu(mail: MailServer, slack: SlackStandIn) -> AsyncIterator[Bongsu]:
    """Give the test a server with the seed's manual, in a process of its own."""
    async with serving(
        BONGSU_SMTP_URL=f"smtp://127.0.0.1:{mail.port}",
        BONGSU_MAIL_FROM="Bongsu <bongsu@example.com>",
        BONGSU_SLACK_BOT_TOKEN=standin.TOKEN,
        BONGSU_SLACK_SIGNING_SECRET="8f742231b10e8888abcd99aaabbb85a5",
        BONGSU_SLACK_API_URL=f"{slack.api_url}/",
    ) as running:
        yield running
