"""How what was seen becomes a `Looked`: findings, their verdict, and bounded, masked evidence."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.diagnosis.ranking import gravest
from bongsu.incident.report import Evidence, Finding, Looked, Verdict
from bongsu.logs.masking import mask

LONGEST_OUTPUT = 4000
"""characters of an output that a report keeps"""
LONGEST_COMMAND = 600


def said(text: str, **values: object) -> Remark:
    """Make a text for people; numbers are written as they are."""
    return Remark(text, {name: str(value) for name, value in values.items()})


def found(
    code: str,
    verdict: Verdict,
    says: Remark,
    *,
    weight: float = 0.5,
    subject: str = "",
    evidence: Evidence | None = None,
) -> Finding:
    """Make a finding; check and service are filled in by whoever ran the look."""
    return Finding(
        code=code, says=says, verdict=verdict, weight=weight, subject=subject,
        evidence=evidence or Evidence(),
    )  # fmt: skip


def looked(check: str, findings: Iterable[Finding], evidence: Evidence) -> Looked:
    """Sum up: the gravest finding's verdict, healthy without any."""
    kept = tuple(
        one if one.evidence.command else msgspec.structs.replace(one, evidence=_with(one, evidence))
        for one in findings
    )
    verdict = gravest(one.verdict for one in kept)
    why = next((one.says for one in kept if one.verdict == "unknown"), None)
    return Looked(
        check=check, verdict=verdict, took_s=0.0, findings=kept, evidence=evidence,
        why=why if verdict == "unknown" else None,
    )  # fmt: skip


def _with(finding: Finding, evidence: Evidence) -> Evidence:
    """Let a finding name the command that shows it, too."""
    return msgspec.structs.replace(finding.evidence, command=evidence.command)


def bounded(text: str, longest: int = LONGEST_OUTPUT) -> str:
    """Mask secrets and personal data, and keep the beginning."""
    masked = mask(text[: longest * 4])
    return masked if len(masked) <= longest else f"{masked[:longest]}\n…"


def typed(argv: Sequence[str]) -> str:
    """Write a command as one would type it, secrets masked."""
    return bounded(shlex.join(argv), LONGEST_COMMAND)


def without_password(address: str) -> str:
    """Return a connection string that may be shown."""
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    who = f"{parts.username}@" if parts.username else ""
    shown = [(name, value) for name, value in parse_qsl(parts.query) if "pass" not in name.lower()]
    query = urlencode(shown, safe="/:,")
    return bounded(urlunsplit(parts._replace(netloc=who + place, query=query)), LONGEST_COMMAND)


def parts_of(address: str) -> SplitResult | None:
    """Return the parts of an address; None where it is none, as with a password not escaped.

    What can't be told apart must not be shown: a ``/``, ``?`` or ``#`` in a password would make
    the password's beginning a port and its end a path.
    """
    try:
        parts = urlsplit(address)
        _ = _first(parts).port
    except ValueError:
        return None
    behind = parts.path + parts.fragment + ("" if "@" in parts.netloc else parts.query)
    cut = bool(parts.netloc) and "@" in behind
    return parts if parts.scheme and "://" in address and not cut else None


def place_of(parts: SplitResult, port: int) -> str:
    """Return ``host:port`` of an address, the first of several."""
    first = _first(parts)
    return f"{first.hostname or 'localhost'}:{first.port or port}"


def _first(parts: SplitResult) -> SplitResult:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2].partition(",")[0])


def unreadable(name: str) -> Remark:
    """Say that an environment variable holds no address, without showing what it holds."""
    text = N_(
        "{name} holds no address that can be read; write / ? # [ ] in its password as %2F"
        " %3F %23 %5B %5D"
    )
    return said(text, name=name)


def seconds(value: float) -> str:
    """Write a length of time for a text: ``0.42 s``, ``12 s``, ``3 min 20 s``."""
    if value < 10:  # noqa: PLR2004  below it a tenth counts
        return f"{value:.2g} s"
    minutes, left = divmod(round(value), 60)
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


def percent(share: float) -> str:
    """Write a share for a text: ``95%``; what is not whole is never rounded up to it."""
    return f"{int(share * 100)}%"
