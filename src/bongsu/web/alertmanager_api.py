"""The part of Alertmanager's API v2 that its own tools (Prometheus, amtool) ask for.

Field names and which of them are required are those of its OpenAPI description.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from bongsu.i18n import N_, translator
from bongsu.incident.alert import ChangedAlert
from bongsu.manual.matchers import Matcher, all_of
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.signals import Silence
from bongsu.signals.alert import Parsed, Refusal
from bongsu.store.alerts import list_active
from bongsu.web.ingest_http import Answer, RefusedError

if TYPE_CHECKING:
    from bongsu.store.database import PoolConnection

OK = Answer(200, b"", ())
RECEIVER = "bongsu"
MOST_LISTED = 10_000


def accepted(_parsed: Parsed) -> Answer:
    """Answer a post of which everything was accepted."""
    return OK


def refused(parsed: Parsed, lang: str) -> Answer:
    """Answer a bad post as Alertmanager does: 400 and a JSON string."""
    said = "; ".join(
        f"{r.field}: {r.says(lang)} {r.advises(lang)}".strip(": ") for r in parsed.refused
    )
    kept = translator(lang)("{count} valid alerts were kept", count=len(parsed.alerts))
    return Answer(400, msgspec.json.encode(f"{said} ({kept})"))


def status(started: datetime) -> Answer:
    """Return ``alertmanagerStatus``."""
    unknown = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
    return _json(
        {
            "cluster": {"status": "disabled"},
            "config": {"original": ""},
            "uptime": started,
            "versionInfo": {**unknown, "version": "bongsu"},
        }
    )


def receivers() -> Answer:
    """Return the one receiver: the manual."""
    return _json([{"name": RECEIVER}])


def silences(manual: Manual, since: datetime, now: datetime) -> Answer:
    """Return the manual's silences as ``gettableSilences``."""
    return _json([_silence(manual, silence, since, now) for silence in manual.signals.silences])


def _silence(manual: Manual, silence: Silence, since: datetime, now: datetime) -> dict[str, object]:
    matchers = [Matcher.parse(text) for text in silence.match]
    return {
        "id": _silence_id(silence),
        "status": {"state": _state(silence, now)},
        "updatedAt": since,
        "comment": silence.reason.in_(manual.overview.locale),
        "createdBy": manual.overview.name,
        "startsAt": silence.start,
        "endsAt": silence.until,
        "matchers": [
            {
                "name": m.label, "value": m.value,
                "isRegex": m.op.endswith("~"), "isEqual": m.op.startswith("="),
            }
            for m in matchers
        ],
    }  # fmt: skip


def _silence_id(silence: Silence) -> str:
    return hashlib.blake2b(silence.model_dump_json().encode(), digest_size=16).hexdigest()


def _state(silence: Silence, now: datetime) -> str:
    if now < silence.start:
        return "pending"
    return "active" if now < silence.until else "expired"


async def alerts(
    conn: PoolConnection, integration: str, query: bytes, manual: Manual, now: datetime
) -> Answer:
    """Return the integration's active alerts as ``gettableAlerts``."""
    asked = parse_qsl(query.decode("latin-1"))
    wanted = _filter([value for name, value in asked if name == "filter"])
    off = {name for name, value in asked if value.lower() == "false"}
    found = [
        _alert(alert, silenced)
        for alert in await list_active(conn, integration, MOST_LISTED)
        if wanted(alert.labels)
        and ("silenced" if (silenced := _silenced(manual, alert, now)) else "active") not in off
    ]
    return _json(found)


def _filter(matchers: Sequence[str]) -> Callable[[Mapping[str, str]], bool]:
    try:
        return all_of(matchers)
    except ValueError:
        raise RefusedError(
            Refusal(
                N_("This is not a matcher."),
                N_('Write it for example as severity="critical".'),
                field="filter",
            )
        ) from None


def _silenced(manual: Manual, alert: ChangedAlert, now: datetime) -> list[str]:
    labels = {"integration": alert.integration, **alert.labels}
    return [
        _silence_id(silence)
        for silence in manual.signals.silences
        if silence.start <= now < silence.until and all_of(silence.match)(labels)
    ]


def _alert(alert: ChangedAlert, silenced: list[str]) -> dict[str, object]:
    return {
        "fingerprint": alert.id,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at,
        "endsAt": alert.ends_at or datetime(1, 1, 1, tzinfo=UTC),
        "updatedAt": alert.last_seen,
        "generatorURL": alert.source_url,
        "receivers": [{"name": RECEIVER}],
        "status": {
            "state": "suppressed" if silenced else "active",
            "silencedBy": silenced,
            "inhibitedBy": [],
        },
    }


def _json(body: object) -> Answer:
    return Answer(200, msgspec.json.encode(body))
