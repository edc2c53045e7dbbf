"""diagnosis.yaml: the checks and log queries of the first report, and what findings mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bongsu.manual.schema.base import Duration, Expression, Id, Model, SeverityLevel, Text


class HttpProbe(Model):
    """A GET whose status and response time are looked at."""

    kind: Literal["http"]
    url: str
    expect_status: int = Field(default=200, ge=100, le=599)
    degraded_over: Duration | None = None


class KubectlProbe(Model):
    """A read-only kubectl command."""

    kind: Literal["kubectl"]
    args: list[str]


class PrometheusProbe(Model):
    """A query whose value is held against a condition on ``value``."""

    kind: Literal["prometheus"]
    query: str
    healthy: Expression


class DatabaseProbe(Model):
    """Connections, replication, slow operations and locks of one database."""

    kind: Literal["postgresql", "mongodb", "redis"]
    dsn_env: str
    """the environment variable that holds the connection string"""
    connections_over: float = Field(default=0.8, gt=0, le=1)
    """share of the connection limit above which the database is degraded"""
    slow_over: Duration = Field(default="5s", validate_default=True)
    """an operation, or a wait for a lock, that takes longer is a finding"""
    lag_over: Duration = Field(default="30s", validate_default=True)
    """a replica that is further behind is a finding"""


class NetworkProbe(Model):
    """A name that must resolve, a port that must open, or a certificate that must hold."""

    kind: Literal["dns", "tcp", "tls"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class CommandProbe(Model):
    """A read-only command of the team's own; exit 0 is healthy."""

    kind: Literal["command"]
    argv: list[str]
    env: list[str] = Field(default_factory=list)
    """environment variables that it is given besides the usual ones (PATH, HOME, KUBECONFIG …)"""


Probe = Annotated[
    HttpProbe | KubectlProbe | PrometheusProbe | DatabaseProbe | NetworkProbe | CommandProbe,
    Field(discriminator="kind"),
]


class Check(Model):
    """One read-only look with a verdict (점검)."""

    name: Text
    service: Id | None = None
    timeout: Duration = Field(default="5s", validate_default=True)
    probe: Probe


class LogQuery(Model):
    """The log lines that the report analyses."""

    name: Text
    source: str
    since: Duration = Field(default="5m", validate_default=True)
    baseline: Duration = Field(default="1h", validate_default=True)
    top: int = Field(default=10, ge=1)


class FindingRule(Model):
    """What a combination of findings means: a severity, a type, next actions."""

    when: Expression
    severity: SeverityLevel | None = None
    type: Id | None = None
    next: list[Text] = Field(default_factory=list)
    playbooks: list[Id] = Field(default_factory=list)


class Diagnosis(Model):
    """The first report (상황 분석)."""

    deadline: Duration = Field(default="10s", validate_default=True)
    automatic: list[SeverityLevel] = Field(default=["P0", "P1"], validate_default=True)
    """severities whose first report is made by itself; of others when a person asks for it"""
    prometheus: str | None = None
    """where Prometheus is asked: http://prometheus:9090; BONGSU_PROMETHEUS_URL comes before it"""
    groups: dict[Id, list[Id]] = Field(default_factory=dict)
    """a group's name (api_health, database, …) → its checks"""
    checks: dict[Id, Check] = Field(default_factory=dict)
    logs: dict[Id, LogQuery] = Field(default_factory=dict)
    rules: list[FindingRule] = Field(default_factory=list)
