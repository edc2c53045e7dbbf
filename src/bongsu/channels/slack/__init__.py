"""Slack: messages with buttons by a bot token, or plain ones by an incoming webhook.

It speaks Slack's documented HTTP API through aiohttp, whose parser is compiled: a page leaves in a
third of the time (docs/decisions/0008).
"""

from __future__ import annotations

import re

import msgspec

from bongsu.channels.environment import Environment
from bongsu.channels.slack.channel import SlackChannel
from bongsu.channels.slack.settings import SlackSettings
from bongsu.i18n import N_

__all__ = ["HOW_TO_CONFIGURE", "VARIABLES", "SlackChannel", "SlackSettings", "build", "read"]

TOKEN, SECRET = "BONGSU_SLACK_BOT_TOKEN", "BONGSU_SLACK_SIGNING_SECRET"
WEBHOOK, API = "BONGSU_SLACK_WEBHOOK_URL", "BONGSU_SLACK_API_URL"
VARIABLES: tuple[str, ...] = (TOKEN, SECRET, WEBHOOK, API)
HOW_TO_CONFIGURE = N_(
    "Slack is not configured; set BONGSU_SLACK_BOT_TOKEN or BONGSU_SLACK_WEBHOOK_URL "
    "(docs/how-to/slack.md)"
)


def build(environment: Environment) -> SlackChannel | None:
    """Make the channel; None where it isn't configured. Problems are noted in ``environment``."""
    settings = read(environment)
    return SlackChannel(settings) if settings else None


def read(environment: Environment) -> SlackSettings | None:
    """Read Slack's variables; None where there is neither a token nor a webhook."""
    settings = SlackSettings(
        bot_token=_matching(environment, TOKEN, r"xox[a-z]?[.-]\S{4,}", "xoxb-…"),
        signing_secret=_matching(environment, SECRET, r"\S{16,}", "8f742231b10e…"),
        webhook_url=_address(environment, WEBHOOK, "https://hooks.slack.com/services/T…/B…/…"),
    )
    api = _address(environment, API, "https://slack.com/api")
    if api:
        settings = msgspec.structs.replace(settings, api_url=api.rstrip("/"))
    return settings if settings.bot_token or settings.webhook_url else None


def _matching(environment: Environment, name: str, form: str, example: str) -> str | None:
    value = environment.get(name)
    if value is not None and not re.fullmatch(form, value):
        environment.refuse(name, environment.t("not of the form {x}", x=example))
    return value


def _address(environment: Environment, name: str, example: str) -> str | None:
    found = environment.url(name, ("https", "http"), example)
    return found.geturl() if found else None
