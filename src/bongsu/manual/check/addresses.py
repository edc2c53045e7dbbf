"""The form of an address on each channel, and of the web addresses in a manual."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.problems import KeyPath, Problem, error

_WEB = re.compile(r"https?://[^\s/?#]+[^\s]*")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{5,}[0-9]")
_ENVIRONMENT = re.compile(r"env:[A-Z_][A-Z0-9_]*")
"""A secret address that stands in Bongsu's environment instead of the manual."""

_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "slack": (
        re.compile(r"#[^\s#@A-Z.,!?]{1,80}|[UWCGD][A-Z0-9]{7,20}"),
        N_("write a channel (#oncall) or a member id (U012AB3CD, in the Slack profile's menu)"),
    ),
    "email": (
        re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+"),
        N_("write for example kim@example.com"),
    ),
    "sms": (_PHONE, N_('write digits, for example "01012345678" or "+821012345678"')),
    "kakao": (_PHONE, N_('write digits, for example "01012345678" or "+821012345678"')),
    "call": (_PHONE, N_('write digits, for example "01012345678" or "+821012345678"')),
    "webhook": (_WEB, N_("write an address that begins with https://, or env:NAME")),
}

NEEDS_ADDRESS = frozenset(_FORMS)
"""Channels on which nothing can be sent without an address."""


def works(channel: str, to: str) -> bool:
    """Say whether something could be sent to this address."""
    form = _FORMS.get(channel)
    return form is None or bool(form[0].fullmatch(to) or _ENVIRONMENT.fullmatch(to))


def address(path: KeyPath, channel: str, to: str) -> Iterator[Problem]:
    """Yield a problem if nothing could be sent to this address."""
    if not works(channel, to):
        yield error(
            path, N_("{to} is no address on {channel}"), _FORMS[channel][1], to=to, channel=channel
        )


def web(path: KeyPath, url: str | None) -> Iterator[Problem]:
    """Yield a problem if this is given and no address of the web."""
    if url is not None and not _WEB.fullmatch(url):
        yield error(
            path, N_("{url} is not a web address"), N_("write it with https:// and without spaces"),
            url=url,
        )  # fmt: skip
