"""Which channels there are, made from the environment; to add one, add its line to `FOLDERS`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from bongsu.channels import email, slack, terminal, webhook
from bongsu.channels.environment import Environment, SettingsError
from bongsu.channels.message import Channel, DeliveryError, Message, Receipt
from bongsu.channels.slack import SlackChannel
from bongsu.i18n import N_, translator


class Folder(Protocol):
    """What a channel's folder offers."""

    HOW_TO_CONFIGURE: str
    VARIABLES: tuple[str, ...]

    def build(self, environment: Environment) -> Channel | None:
        """Make the channel; None where it isn't configured."""


FOLDERS: dict[str, Folder] = {
    "slack": slack, "email": email, "webhook": webhook, "terminal": terminal
}  # fmt: skip

_log = structlog.get_logger(__name__)


class Missing:
    """A channel that can't be used here; every send says how to change that."""

    def __init__(self, name: str, how: str) -> None:
        self.name = name
        self._how = how

    async def warm(self) -> None:
        """Do nothing: there is nothing to connect to, and that is no failure."""

    async def send(self, message: Message, to: str) -> Receipt:  # noqa: ARG002  the protocol's
        """Refuse, for good.

        Raises:
            DeliveryError: always; permanent.
        """
        raise DeliveryError(self.how(message.lang), permanent=True)

    async def close(self) -> None:
        """Do nothing."""

    def how(self, lang: str) -> str:
        """Say what to do so that it can be used."""
        return translator(lang)(self._how, channel=self.name, known=", ".join(FOLDERS))


class Channels(dict[str, Channel]):
    """Channels by name; a name that the manual knows but this release doesn't gets a `Missing`."""

    def __missing__(self, name: str) -> Channel:
        """Answer for a channel that doesn't exist (yet)."""
        how = N_("this release has no channel {channel}; use one of {known}")
        return Missing(name, how)


def build(variables: Mapping[str, str], lang: str = "en") -> Channels:
    """Make every channel from environment variables; nothing is imported or connected yet.

    Raises:
        SettingsError: all variables that can't be used, in ``lang``.
    """
    environment, channels = Environment(variables, lang), Channels()
    for name, folder in FOLDERS.items():
        channels[name] = folder.build(environment) or Missing(name, folder.HOW_TO_CONFIGURE)
    environment.refuse_unknown(name for folder in FOLDERS.values() for name in folder.VARIABLES)
    if environment.problems:
        raise SettingsError(environment.problems)
    return channels


def unusable(channels: Channels, names: Iterable[str], lang: str = "en") -> dict[str, str]:
    """Return which of these channels can carry no message here, and what to do about each.

    Ask it for the channels that the manual's contacts and notices name, before somebody relies
    on them.
    """
    found = {name: channels[name] for name in names}
    return {name: one.how(lang) for name, one in found.items() if isinstance(one, Missing)}


def slack_of(channels: Mapping[str, Channel]) -> SlackChannel | None:
    """Return the Slack channel, for its signing secret and `respond`; None if not configured."""
    found = channels.get("slack")
    return found if isinstance(found, SlackChannel) else None


async def warm(channels: Mapping[str, Channel]) -> dict[str, str]:
    """Warm all channels at once; return what is wrong, by name, and log it.

    Call it at start and then about once a minute: connections stay open, and a token that was
    revoked or a mail server that is gone is known before somebody must be paged.
    """
    troubles = await asyncio.gather(*(_trouble(channel) for channel in channels.values()))
    return {name: trouble for name, trouble in zip(channels, troubles, strict=True) if trouble}


async def _trouble(channel: Channel) -> str:
    try:
        await channel.warm()
    except DeliveryError as error:
        _log.warning("channel_not_ready", channel=channel.name, error=str(error))
        return str(error)
    return ""


async def close(channels: Mapping[str, Channel]) -> None:
    """Close all channels; one that fails doesn't keep the others open."""
    done = await asyncio.gather(*(one.close() for one in channels.values()), return_exceptions=True)
    for name, result in zip(channels, done, strict=True):
        if isinstance(result, BaseException):
            _log.warning("channel_not_closed", channel=name, error=type(result).__name__)
