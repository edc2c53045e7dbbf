"""The first report: what was looked at, what was found, and what the manual says to do about it.

These are the words that checks, log analysis, console, Slack and CLI share. They hold plain values
only, so that a report is kept as JSON, compared with another one, and shown in either language.
A text for people is a `Remark`: a text of the catalogue with its values.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from bongsu.incident import events as e
from bongsu.incident.alert import Remark
from bongsu.logs.analysis import Analysis
from bongsu.manual.schema.base import SeverityLevel

Verdict = e.Verdict


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a finding rests on, for a reader who wants to see for himself."""

    command: str = ""
    """as one would type it; secrets masked"""
    output: str = ""
    """what was answered: bounded, secrets and personal data masked"""
    numbers: dict[str, float] = {}
    """by name; the unit is part of the name: ``took_s``, ``connections``, ``limit``"""
    link: str = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong or worth knowing (소견); evidence, never a "root cause"."""

    code: str
    """stable and lower-case, as ``pod_crash_loop``; the same trouble has the same code again"""
    says: Remark
    verdict: Verdict
    weight: float = 0.0
    """0.0 to 1.0, how much it tells; findings are ranked by verdict, then by this"""
    check: str = ""
    """the id of the check that found it"""
    service: str | None = None
    subject: str = ""
    """the thing it is about, as ``pod/korea-backend-7d4f``"""
    evidence: Evidence = Evidence()


class Looked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one check."""

    check: str
    verdict: Verdict
    took_s: float
    why: Remark | None = None
    """for ``unknown``: why it could not be looked at"""
    group: str = ""
    service: str | None = None
    findings: tuple[Finding, ...] = ()
    evidence: Evidence = Evidence()


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was changed before the onset, and how well it explains it."""

    at: datetime
    kind: Literal["deployment", "config", "scale", "flag", "event"]
    subject: str
    """as ``deployment/korea-backend`` or the flag's name"""
    says: Remark
    service: str | None = None
    source: str = ""
    """who told: ``kubernetes``, an integration's name"""
    score: float = 0.0
    """0.0 to 1.0, by time before the onset, distance in the dependency graph, kind and size"""
    reasons: tuple[Remark, ...] = ()
    link: str = ""
    evidence: Evidence = Evidence()


class NextAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the manual says to do about findings: a sentence, a playbook or a command."""

    says: dict[str, str]
    """by language"""
    playbook: str = ""
    command: str = ""
    because: tuple[str, ...] = ()
    """the codes or checks that call for it"""


class Affected(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service that is broken, or leans on one that is."""

    service: str
    verdict: Verdict
    through: tuple[str, ...] = ()
    """the chain of dependencies down to what is broken; empty where it is broken itself"""


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The severity and type that the manual's rules give to what was found."""

    severity: SeverityLevel | None = None
    type: str | None = None
    why: str = ""
    """the condition that held, as the manual writes it"""


class Report(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The seed's initial report, of one incident, one service or the whole manual."""

    incident: str = ""
    """the incident's number; empty for a look without one"""
    service: str = ""
    started_at: datetime
    """the incident's onset, or when the look began (UTC)"""
    taken_at: datetime
    took_s: float
    deadline_s: float
    proposal: Proposal = Proposal()
    affected: tuple[Affected, ...] = ()
    checks: tuple[Looked, ...] = ()
    findings: tuple[Finding, ...] = ()
    """ranked"""
    logs: dict[str, Analysis] = {}
    """by the id of the manual's log query"""
    changes: tuple[Change, ...] = ()
    """ranked"""
    next_actions: tuple[NextAction, ...] = ()
    not_checked: tuple[Looked, ...] = ()
    """the ``unknown`` ones, each with its reason"""
    manual: str = ""
    """hash of the manual by which it was made"""
