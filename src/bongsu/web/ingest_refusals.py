"""What senders are told when something of theirs can't be taken, apart from its content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bongsu.i18n import N_
from bongsu.signals.refusal import Refusal
from bongsu.store.alert_writer import NotKeptError, OverloadedError, UnstorableError
from bongsu.store.integrations import KeysUnknownError
from bongsu.web.ingest_http import RefusedError, overloaded

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual
    from bongsu.manual.schema.signals import SignalFormat


def written(refused: Sequence[Refusal]) -> str:
    """Write refusals down, to be kept beside their signal."""
    return msgspec.json.encode(refused).decode()


def refusals_of(error: RefusedError | KeysUnknownError | NotKeptError) -> Sequence[Refusal]:
    """Say what an exception on the way in means to the sender."""
    match error:
        case RefusedError():
            return error.refusals
        case OverloadedError():
            return [overloaded()]
        case UnstorableError():
            why = N_("The database refuses this signal: {why}.")
            return [Refusal(why, values={"why": str(error)}, status=422)]
        case _:
            return [no_database()]


def unknown_key() -> Refusal:
    """Refuse a key that is not given or not known."""
    return Refusal(
        N_("The integration key is missing or not known."),
        N_("Issue one with 'bongsu integration key NAME' and send that."),
        status=401,
    )


def nothing_here() -> Refusal:
    """Refuse an address at which nothing is."""
    return Refusal(
        N_("No signal is taken at this address."),
        N_("See the reference of signals for the addresses."),
        status=404,
    )


def wrong_method(method: str) -> Refusal:
    """Refuse a method, and name the one that is meant."""
    return Refusal(
        N_("This address takes {method} only."),
        N_("Send {method}."),
        values={"method": method},
        status=405,
    )


def no_silence() -> Refusal:
    """Refuse to write a silence."""
    return Refusal(
        N_("Silences are written in the manual."),
        N_("Add one to signals.yaml, or snooze the incident."),
        status=405,
    )


def no_database() -> Refusal:
    """Ask for another try: nothing can be kept at the moment."""
    return Refusal(
        N_("The database does not answer."),
        N_("Send it again in {seconds} seconds."),
        values={"seconds": 2},
        status=503,
    )


def not_allowed(manual: Manual, integration: str | None, *formats: SignalFormat) -> Refusal | None:
    """Refuse a sender that may send none of these forms."""
    if integration is None:
        return unknown_key()
    known = manual.signals.integrations.get(integration)
    if known is not None and any(one in known.formats for one in formats):
        return None
    return Refusal(
        N_("The manual does not let the integration '{name}' send {format} signals."),
        N_("Add the format to it in signals.yaml, or use another integration's key."),
        values={"name": integration, "format": formats[0]},
        status=403,
    )
