"""services.yaml: what is run, in which order it is recovered, what it leans on."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bongsu.manual.schema.base import Brief, Duration, Id, Model, Text

Tier = Literal[1, 2, 3, 4]
TierKey = Annotated[
    Tier,
    BeforeValidator(lambda key: int(key) if key in ("1", "2", "3", "4") else key),
    WithJsonSchema({"enum": ["1", "2", "3", "4"]}),
]
"""A tier as the key of a mapping, which is a string in JSON."""


class HealthCheck(Brief):
    """An HTTP address that answers 200 while the service is well; short: the address alone."""

    short: ClassVar[tuple[str, ...]] = ("url",)

    url: str
    timeout: Duration = Field(default="5s", validate_default=True)


class Workload(Model):
    """Where the service lives in Kubernetes."""

    namespace: str
    deployment: str | None = None
    selector: str | None = None


class LogSource(Model):
    """Where the service's log lines come from: ``k8s``, ``loki``, ``journal`` or ``file``."""

    kind: Literal["k8s", "loki", "journal", "file"]
    query: str


class Service(Model):
    """One thing that users or other services depend on."""

    name: Text
    tier: Tier
    owner: Id | None = None
    """the role that looks after it"""
    provides: list[Text] = Field(default_factory=list)
    depends_on: list[Id] = Field(default_factory=list)
    health: HealthCheck | None = None
    workload: Workload | None = None
    logs: list[LogSource] = Field(default_factory=list)
    public: bool = True
    """whether the status page shows it"""


class RecoveryTier(Brief):
    """One line of the recovery order (복구 우선순위); short: its name alone."""

    short: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    what: list[Text] = Field(default_factory=list)


class Services(Model):
    """The services and the order in which they are brought back."""

    recovery_order: dict[TierKey, RecoveryTier]
    services: dict[Id, Service]
