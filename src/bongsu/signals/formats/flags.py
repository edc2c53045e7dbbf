"""Change events in others' forms: LaunchDarkly, Unleash and GitHub, as each documents its webhook.

LaunchDarkly sends an entry of its audit log, Unleash an event of its event log (the body that its
webhook has without a template), GitHub a ``deployment_status``. What is no change, such as GitHub's
``ping``, is accepted and nothing is kept of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from bongsu.i18n import N_
from bongsu.incident.changes import ChangeEvent
from bongsu.signals.alert import Link, Refusal
from bongsu.signals.formats.changes import ParsedChanges, described, missing, told
from bongsu.signals.formats.decoding import decode
from bongsu.signals.formats.instants import read_instant

LAUNCHDARKLY = "https://app.launchdarkly.com"
SIGNATURES: Mapping[str, tuple[bytes, str]] = {
    "launchdarkly": (b"x-ld-signature", ""),
    "github": (b"x-hub-signature-256", "sha256="),
}
"""the header of a form's signature, hexadecimal HMAC-SHA256 of the body, and what stands before"""


def signature_refusal(form: str, sent: str, key: str, raw: bytes) -> Refusal | None:
    """Refuse a body whose signature is not made with the integration key; none is no reason."""
    known = SIGNATURES.get(form)
    if known is None or not sent:
        return None
    made = known[1] + hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()
    if hmac.compare_digest(made.encode(), sent.strip().encode()):
        return None
    return Refusal(
        N_("The signature of this body is not right."),
        N_("Set the webhook's secret to the integration key that its address has."),
        field=known[0].decode(),
        status=401,
    )


# ── LaunchDarkly ─────────────────────────────────────────────────────────────────────────


class _Href(msgspec.Struct):
    href: str = ""


class _Member(msgspec.Struct, rename="camel"):
    email: str = ""


class _Access(msgspec.Struct):
    action: str = ""
    resource: str = ""


class AuditEntry(msgspec.Struct):
    """LaunchDarkly's audit log entry, as far as it is read here."""

    id: str = msgspec.field(name="_id", default="")
    date: int | None = None
    """milliseconds since 1970"""
    kind: str = ""
    name: str = ""
    title_verb: str = msgspec.field(name="titleVerb", default="")
    description: str = ""
    comment: str = ""
    accesses: list[_Access] = []
    member: _Member | None = None
    links: dict[str, _Href] = msgspec.field(name="_links", default_factory=dict)


_entry = msgspec.json.Decoder(AuditEntry)


def launchdarkly(raw: bytes, now: datetime) -> ParsedChanges:
    """Read one entry of LaunchDarkly's audit log."""
    entry = decode(raw, _entry)
    if isinstance(entry, Refusal):
        return ParsedChanges([], [entry])
    if not entry.name.strip():
        return ParsedChanges([], [missing("name", "name")])
    resource = entry.accesses[0].resource if entry.accesses else ""
    site = entry.links.get("site")
    details = {
        "action": ", ".join(access.action for access in entry.accesses[:10]),
        "by": entry.member.email if entry.member else "",
        "description": entry.description, "comment": entry.comment,
    }  # fmt: skip
    verb = entry.title_verb or f"changed {entry.kind}"
    return _kept(
        told(
            now, _of_milliseconds(entry.date), summary=f"{verb} {entry.name}",
            kind="flag" if entry.kind in ("flag", "segment") else "event",
            subject=_flag_of(resource) or entry.name, source=resource,
            links=[Link(_absolute(site.href))] if site and site.href else [],
            details={name: text for name, text in details.items() if text}, key=entry.id,
        )
    )  # fmt: skip


def _flag_of(resource: str) -> str:
    """Return the flag's key of ``proj/x:env/y:flag/z;tag``; empty where it names none."""
    last = resource.rpartition(":")[2].partition(";")[0]
    kind, _, name = last.partition("/")
    return name if kind in ("flag", "segment") else ""


def _of_milliseconds(sent: int | None) -> datetime | None:
    if sent is None:
        return None
    try:
        return datetime.fromtimestamp(sent / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _absolute(href: str) -> str:
    return href if href.startswith(("http://", "https://")) else f"{LAUNCHDARKLY}{href}"


# ── Unleash ──────────────────────────────────────────────────────────────────────────────


class UnleashEvent(msgspec.Struct, rename="camel"):
    """One event of Unleash's log, as far as it is read here."""

    type: str = ""
    id: int | None = None
    created_at: str | None = None
    created_by: str = ""
    feature_name: str | None = None
    project: str | None = None
    environment: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


_unleash = msgspec.json.Decoder(UnleashEvent)


def unleash(raw: bytes, now: datetime) -> ParsedChanges:
    """Read one event of Unleash, as its webhook sends it without a template."""
    event = decode(raw, _unleash)
    if isinstance(event, Refusal):
        return ParsedChanges([], [event])
    if not event.type.strip():
        return ParsedChanges([], [missing("type", "type")])
    at = read_instant(event.created_at, "createdAt") if event.created_at else None
    if isinstance(at, Refusal):
        return ParsedChanges([], [at])
    where = " ".join(part for part in (event.project, event.environment) if part)
    about = f" ({where})" if where else ""
    details = {"by": event.created_by, "environment": event.environment or ""}
    return _kept(
        told(
            now, at, summary=f"{event.type}: {event.feature_name or ''}{about}",
            kind="flag" if event.feature_name else "event", subject=event.feature_name or "",
            source=where, key=f"unleash:{event.id}" if event.id is not None else "",
            details={**described(event.data), **{k: v for k, v in details.items() if v}},
        )
    )  # fmt: skip


# ── GitHub ───────────────────────────────────────────────────────────────────────────────


class _Repository(msgspec.Struct):
    full_name: str = ""
    name: str = ""


class _Deployment(msgspec.Struct):
    id: int | None = None
    ref: str = ""
    sha: str = ""
    environment: str = ""
    description: str | None = None


class _DeploymentStatus(msgspec.Struct):
    state: str = ""
    created_at: str | None = None
    target_url: str | None = None
    log_url: str | None = None
    description: str | None = None


class GitHubEvent(msgspec.Struct):
    """GitHub's ``deployment_status``, as far as it is read here; others lack its two objects."""

    deployment: _Deployment | None = None
    deployment_status: _DeploymentStatus | None = None
    repository: _Repository | None = None


_github = msgspec.json.Decoder(GitHubEvent)
BEGUN_OR_DONE = frozenset({"in_progress", "success", "failure", "error"})


def github(raw: bytes, now: datetime) -> ParsedChanges:
    """Read one status of a deployment; whatever else GitHub sends is no change."""
    event = decode(raw, _github)
    if isinstance(event, Refusal):
        return ParsedChanges([], [event])
    deployed, status = event.deployment, event.deployment_status
    if deployed is None or status is None or status.state not in BEGUN_OR_DONE:
        return ParsedChanges([], [])
    at = (
        read_instant(status.created_at, "deployment_status.created_at")
        if status.created_at
        else None
    )
    if isinstance(at, Refusal):
        return ParsedChanges([], [at])
    repository, where = event.repository or _Repository(), deployed.environment
    link = status.log_url or status.target_url or ""
    details = {
        "ref": deployed.ref, "sha": deployed.sha, "environment": where,
        "description": status.description or deployed.description or "",
    }  # fmt: skip
    return _kept(
        told(
            now, at, kind="deployment", subject=f"deployment/{repository.name}",
            summary=f"{repository.full_name} {deployed.ref} → {where}: {status.state}",
            source=repository.full_name, links=[Link(link)] if link else [],
            details={name: text for name, text in details.items() if text},
            key=f"github:{repository.full_name}:{deployed.id}:{status.state}",
        )
    )  # fmt: skip


def _kept(change: ChangeEvent | Refusal) -> ParsedChanges:
    if isinstance(change, Refusal):
        return ParsedChanges([], [change])
    return ParsedChanges([change], [])
