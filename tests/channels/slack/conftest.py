"""Slack's stand-in, and channels that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.channels.slack.standin import TOKEN, SlackStandIn, running

from bongsu.channels.slack import SlackChannel, SlackSettings

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with running() as standin:
        yield standin


@pytest.fixture
async def bot(slack: SlackStandIn) -> AsyncIterator[SlackChannel]:
    """The channel with a token and interactivity."""
    settings = SlackSettings(bot_token=TOKEN, signing_secret=SIGNING_SECRET, api_url=slack.api_url)
    channel = SlackChannel(settings)
    yield channel
    await channel.close()


@pytest.fixture
async def plain_bot(slack: SlackStandIn) -> AsyncIterator[SlackChannel]:
    """The channel with a token alone."""
    channel = SlackChannel(SlackSettings(bot_token=TOKEN, api_url=slack.api_url))
    yield channel
    await channel.close()


@pytest.fixture
async def hook(slack: SlackStandIn) -> AsyncIterator[SlackChannel]:
    """The channel with an incoming webhook alone."""
    channel = SlackChannel(SlackSettings(webhook_url=slack.webhook_url))
    yield channel
    await channel.close()
