"""obligations.yaml: legal clocks, each with article and version; never legal advice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bongsu.manual.schema.base import Duration, Expression, Id, Model, Text


class Obligation(Model):
    """A duty to tell somebody within a time once something is known."""

    name: Text
    law: str
    version: str
    trigger: Text
    within: Duration | None = None
    """None is 지체 없이: without delay"""
    to: Text
    question: Text
    """what a person has to answer before the clock applies"""
    when: Expression | None = None
    repeats: bool = False
    unconfirmed: Text | None = None
    source: str | None = None


class Obligations(Model):
    """The legal clocks that may run for an incident."""

    confirmed_by: Id
    """the role that answers the applicability questions"""
    kind: Literal["versioned_data"] = "versioned_data"
    duties: dict[Id, Obligation] = Field(default_factory=dict)
