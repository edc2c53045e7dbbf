"""What the Slack channel needs to know."""

from __future__ import annotations

import msgspec


class SlackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A bot token, or a webhook, or both (the token is then used)."""

    bot_token: str | None = None
    webhook_url: str | None = None
    signing_secret: str | None = None
    """without it presses of a button can't be verified, so messages carry links instead"""
    api_url: str = "https://slack.com/api"
