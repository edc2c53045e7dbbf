"""The parts of Kubernetes' objects that are read here, as its API documents them.

Everything may be missing, because half-made objects are what an incident shows.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """Any part of an object; names are camelCase on the wire, unknown ones are passed over."""


class Owner(Part, frozen=True, rename="camel"):
    """Who made it."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Meta(Part, frozen=True, rename="camel"):
    """What every object has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    generation: int = 0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] = []


class Condition(Part, frozen=True, rename="camel"):
    """One of an object's conditions."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_update_time: datetime | None = None


class Waiting(Part, frozen=True, rename="camel"):
    """Why a container doesn't run yet, or not again."""

    reason: str = ""
    message: str = ""


class Terminated(Part, frozen=True, rename="camel"):
    """How a container ended."""

    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None


class Running(Part, frozen=True, rename="camel"):
    """Since when a container runs."""

    started_at: datetime | None = None


class ContainerState(Part, frozen=True, rename="camel"):
    """One of these, or none."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Part, frozen=True, rename="camel"):
    """How one container is."""

    name: str
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Part, frozen=True, rename="camel"):
    """How a pod is."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []


class Named(Part, frozen=True, rename="camel"):
    """A reference by name; secrets as volumes have a name for it of their own."""

    name: str = ""
    secret_name: str = ""


class EnvSource(Part, frozen=True, rename="camel"):
    """Where a variable or all of them come from; one of these, or none."""

    config_map_ref: Named | None = None
    secret_ref: Named | None = None
    config_map_key_ref: Named | None = None
    secret_key_ref: Named | None = None


class EnvVariable(Part, frozen=True, rename="camel"):
    """One variable; its value is not read."""

    value_from: EnvSource | None = None


class Container(Part, frozen=True, rename="camel"):
    """What a container is made of."""

    name: str = ""
    image: str = ""
    env: list[EnvVariable] = []
    env_from: list[EnvSource] = []


class Volume(Part, frozen=True, rename="camel"):
    """What is mounted; one of these, or something else."""

    config_map: Named | None = None
    secret: Named | None = None


class PodSpec(Part, frozen=True, rename="camel"):
    """What a pod should be."""

    node_name: str = ""
    containers: list[Container] = []
    volumes: list[Volume] = []


class Pod(Part, frozen=True, rename="camel"):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Template(Part, frozen=True, rename="camel"):
    """Of which pods are made."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()


class RollingUpdate(Part, frozen=True, rename="camel"):
    """How pods are replaced one after another."""

    partition: int | None = None
    """stateful sets only: pods with a smaller number are left as they are"""


class UpdateStrategy(Part, frozen=True, rename="camel"):
    """How a stateful set or a daemon set replaces its pods."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdate | None = None

    @property
    def partition(self) -> int:
        """The number of the first pod that is replaced."""
        return (self.rolling_update.partition or 0) if self.rolling_update else 0


class WorkloadSpec(Part, frozen=True, rename="camel"):
    """What a deployment, a replica set, a stateful set or a daemon set should be."""

    replicas: int = 1
    paused: bool = False
    template: Template = Template()
    update_strategy: UpdateStrategy = UpdateStrategy()
    """stateful sets and daemon sets only"""
    pod_management_policy: str = "OrderedReady"
    """stateful sets only"""


class WorkloadStatus(Part, frozen=True, rename="camel"):
    """How it is; what is 0 is left out on the wire."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    desired_number_scheduled: int | None = None
    """daemon sets only, as the next two"""
    updated_number_scheduled: int = 0
    number_available: int = 0
    current_revision: str = ""
    """stateful sets only, as the next: names of ControllerRevisions"""
    update_revision: str = ""
    conditions: list[Condition] = []


class Workload(Part, frozen=True, rename="camel"):
    """A deployment, replica set, stateful set or daemon set."""

    metadata: Meta
    kind: str = "Deployment"
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class NodeSpec(Part, frozen=True, rename="camel"):
    """What a node should be."""

    unschedulable: bool = False


class NodeStatus(Part, frozen=True, rename="camel"):
    """How a node is."""

    conditions: list[Condition] = []


class Node(Part, frozen=True, rename="camel"):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class About(Part, frozen=True, rename="camel"):
    """What an event is about."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class Series(Part, frozen=True, rename="camel"):
    """An event that is repeated."""

    count: int = 0
    last_observed_time: datetime | None = None


class Event(Part, frozen=True, rename="camel"):
    """An event."""

    metadata: Meta
    involved_object: About = About()
    type: str = ""
    reason: str = ""
    message: str | None = None
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None

    @property
    def last(self) -> datetime | None:
        """When it was seen last; old and new writers say so in different places."""
        last = self.series.last_observed_time if self.series else None
        return last or self.last_timestamp or self.event_time or self.metadata.creation_timestamp

    @property
    def times(self) -> int:
        """How often it was seen."""
        return (self.series.count if self.series else 0) or self.count or 1
