"""The API server: each request to its answer, over `Storage`; every request is written down."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.kube import discovery, objects, openapi
from tests.kube.discovery import METRICS, RESOURCES
from tests.kube.faults import Faults, RefusedError
from tests.kube.patches import patched
from tests.kube.pod_logs import PodLogs
from tests.kube.remote_exec import Executed, upgrade
from tests.kube.rollouts import Rollouts
from tests.kube.storage import Object, Storage
from tests.kube.tables import table
from tests.kube.watching import watched
from tests.kube.wire import DROP, Answer, Reply, Request

_THING = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<version>[^/]+/[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[a-z]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<below>[a-z]+))?"
)


@dataclass
class Asked:
    """One request, as the API server understands it."""

    method: str
    verb: str
    """``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``"""
    version: str
    resource: str
    namespace: str
    name: str
    below: str
    """the subresource: ``scale``, ``log``, ``exec``"""
    request: Request
    at: datetime
    status: int = 0
    """0: not answered (hung or dropped)"""

    @property
    def body(self) -> Any:
        return json.loads(self.request.body) if self.request.body else None

    @property
    def dry_run(self) -> bool:
        body = self.body if self.verb == "delete" else None
        return self.request.asked("dryRun") == "All" or "All" in (body or {}).get("dryRun", [])

    @property
    def what(self) -> str:
        """In short, as ``patch deployments/korea-backend/scale``."""
        return " ".join([self.verb, "/".join(filter(None, [self.resource, self.name, self.below]))])


@dataclass
class Api:
    """What the server does; `Cluster` is the test's side of it."""

    storage: Storage
    rollouts: Rollouts
    faults: Faults
    logs: PodLogs
    now: Callable[[], datetime]
    minor: str = "32"
    on_exec: Callable[[str, list[str]], Executed] = lambda _pod, _argv: Executed()
    usage: dict[str, tuple[int, int]] = field(default_factory=dict)
    """by pod's or node's name, or what it begins with: millicores and MiB"""
    asked: list[Asked] = field(default_factory=list)

    async def respond(self, request: Request) -> Answer:
        """Answer one request."""
        asked = self._understood(request)
        if asked is not None:
            self.asked.append(asked)
        await self.faults.hold_up()
        if self.faults.drops(asked):
            return DROP
        try:
            with self.storage.lock:
                answer = self._discovered(request) if asked is None else self._done(asked)
        except RefusedError as refusal:
            answer = refusal.reply()
        except Exception as error:  # noqa: BLE001  a fault of the stand-in shows in kubectl's words
            broken = f"the stand-in itself is broken: {error!r} in {request.target}"
            answer = RefusedError(500, "InternalError", broken).reply()
        if asked is not None:
            asked.status = answer.status if isinstance(answer, Reply) else 200
        return DROP if self.faults.loses(asked) else answer

    def _understood(self, request: Request) -> Asked | None:
        found = _THING.fullmatch(request.path)
        if found is None:
            return None
        part = {name: value or "" for name, value in found.groupdict().items()}
        verb = _verb(request, part["name"])
        return Asked(
            request.method,
            verb,
            part["core"] or part["version"],
            part["resource"],
            part["namespace"],
            part["name"],
            part["below"],
            request,
            self.now(),
        )

    def _discovered(self, request: Request) -> Reply:
        versions = [one for one in RESOURCES if one != METRICS or self.faults.metrics]
        groups = [one for one in versions if one != "v1"]
        version = request.path.removeprefix("/apis/").removeprefix("/api/")
        match request.path:
            case "/version":
                return Reply.of(discovery.version_info(self.minor, objects.stamp(self.now())))
            case "/api" | "/apis" if request.accepts("as=APIGroupDiscoveryList"):
                form = "v2" if request.accepts("v=v2;") else "v2beta1"
                kind = f"application/json;g=apidiscovery.k8s.io;v={form};as=APIGroupDiscoveryList"
                among = ["v1"] if request.path == "/api" else groups
                return Reply.of(discovery.aggregated(among, form), content_type=kind)
            case "/api":
                return Reply.of(discovery.core_versions())
            case "/apis":
                return Reply.of(discovery.group_list(groups))
            case "/openapi/v2" if request.accepts("proto-openapi"):
                return Reply(200, openapi.document(), openapi.CONTENT_TYPE)
            case _ if version in versions:
                return Reply.of(discovery.resource_list(version))
        raise RefusedError(404, "NotFound", "the server could not find the requested resource")

    def _done(self, asked: Asked) -> Answer:
        self.faults.check(asked)
        known = discovery.resource(asked.version, asked.resource)
        if known is None or (asked.version == METRICS and not self.faults.metrics):
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        if asked.version == METRICS:
            return Reply.of(self._metrics(asked))
        if "protobuf" in asked.request.headers.get("content-type", ""):
            raise RefusedError(415, "UnsupportedMediaType", "this stand-in reads JSON only")
        answers = {**_ANSWERS, **_ANSWERS_BELOW.get(asked.below, {})}
        if asked.verb not in answers:
            raise RefusedError(405, "MethodNotAllowed", f"{asked.what} is not served")
        return answers[asked.verb](self, asked)

    def _watch(self, asked: Asked) -> Answer:
        where = asked.resource, asked.namespace
        return watched(self.storage, *where, asked.request, self.faults)

    def _list(self, asked: Asked) -> Answer:
        return self._shown(asked, self._chosen(asked))

    def _get(self, asked: Asked) -> Answer:
        return self._shown(asked, [self._found(asked)], one=True)

    def _get_scale(self, asked: Asked) -> Answer:
        return Reply.of(_scale(self._found(asked)))

    def _log(self, asked: Asked) -> Answer:
        return self.logs.answer(self._found(asked), asked.request, self.now())

    def _exec(self, asked: Asked) -> Answer:
        found = self._found(asked)
        pod = found["metadata"]["name"]
        if "nodeName" not in found["spec"]:
            raise RefusedError(400, "BadRequest", f"pod {pod} does not have a host assigned")
        if any("running" not in one["state"] for one in found["status"]["containerStatuses"]):
            message = 'unable to upgrade connection: container not found ("app")'
            raise RefusedError(500, "InternalError", message)
        argv = asked.request.query.get("command", [])
        return upgrade(asked.request, self.on_exec(pod, argv))

    def _change(self, asked: Asked) -> Answer:
        return Reply.of(self._written(asked, self._changed(asked)))

    def _change_scale(self, asked: Asked) -> Answer:
        return Reply.of(_scale(self._written(asked, self._scaled(asked))))

    def _found(self, asked: Asked) -> Object:
        thing = self.storage.get(asked.resource, asked.namespace, asked.name)
        if thing is None:
            raise RefusedError.not_found(asked.resource, asked.name, _group(asked.version))
        return thing

    def _chosen(self, asked: Asked) -> list[Object]:
        labels, fields = asked.request.asked("labelSelector"), asked.request.asked("fieldSelector")
        return self.storage.all(asked.resource, asked.namespace, labels, fields)

    def _shown(self, asked: Asked, things: list[Object], *, one: bool = False) -> Reply:
        if asked.request.accepts("as=Table"):
            return Reply.of(table(asked.resource, things, self.storage.number, self.now()))
        if one:
            return Reply.of(things[0])
        known = discovery.resource(asked.version, asked.resource)
        assert known is not None
        head = {"kind": f"{known.kind}List", "apiVersion": asked.version}
        meta = {"resourceVersion": str(self.storage.number)}
        return Reply.of({**head, "metadata": meta, "items": things})

    def _create(self, asked: Asked) -> Reply:
        thing = asked.body
        meta = objects.metadata(thing["metadata"]["name"], self.now(), asked.namespace)
        thing["metadata"] = {**meta, **thing["metadata"]}
        if self.storage.get(asked.resource, asked.namespace, thing["metadata"]["name"]):
            raise RefusedError(409, "AlreadyExists", f"{asked.resource} already exists")
        if not asked.dry_run:
            self.storage.put(asked.resource, thing)
            self.rollouts.settle()
        return Reply.of(thing, 201)

    def _delete(self, asked: Asked) -> Reply:
        thing = self._found(asked)
        if not asked.dry_run:
            self.storage.remove(asked.resource, thing)
            self.rollouts.settle()
        meta = thing["metadata"]
        details = {"name": meta["name"], "kind": asked.resource, "uid": meta["uid"]}
        return Reply.of(
            {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": details}
        )

    def _changed(self, asked: Asked) -> Object:
        """The object as the request would have it."""
        thing = copy.deepcopy(self._found(asked))
        kind = asked.request.headers.get("content-type", "")
        if asked.verb == "update":
            return dict(asked.body)
        try:
            return dict(patched(thing, asked.body, kind))
        except (ValueError, KeyError, IndexError) as error:
            raise RefusedError(422, "Invalid", f"the patch can't be done: {error}") from error

    def _scaled(self, asked: Asked) -> Object:
        thing = copy.deepcopy(self._found(asked))
        replicas = asked.body["spec"]["replicas"]
        if replicas < 0:
            what = f'{asked.resource} "{asked.name}" is invalid'
            raise RefusedError(422, "Invalid", f"{what}: spec.replicas: must be non-negative")
        thing["spec"]["replicas"] = replicas
        if version := asked.body.get("metadata", {}).get("resourceVersion"):
            thing["metadata"]["resourceVersion"] = version
        return thing

    def _written(self, asked: Asked, thing: Object) -> Object:
        was = self._found(asked)
        if thing["metadata"].get("resourceVersion") != was["metadata"]["resourceVersion"]:
            raise RefusedError.conflict(asked.resource, asked.name)
        if asked.dry_run:
            return thing
        if thing.get("spec") != was.get("spec") and "generation" in was["metadata"]:
            thing["metadata"]["generation"] = was["metadata"]["generation"] + 1
        if thing != was:
            thing["metadata"]["managedFields"] = _managed(was, asked)
            self.storage.put(asked.resource, thing)
            self.rollouts.restart_clock(thing)
            self.rollouts.settle()
        return thing

    def _metrics(self, asked: Asked) -> Object:
        of = self.storage.all(asked.resource, asked.namespace, asked.request.asked("labelSelector"))
        items = [
            self._used(asked.resource, one)
            for one in of
            if asked.name in ("", one["metadata"]["name"])
        ]
        kind = "PodMetrics" if asked.resource == "pods" else "NodeMetrics"
        if asked.name:
            return items[0]
        return {"kind": f"{kind}List", "apiVersion": METRICS, "metadata": {}, "items": items}

    def _used(self, resource: str, thing: Object) -> Object:
        meta = thing["metadata"]
        fits = [used for start, used in self.usage.items() if meta["name"].startswith(start)]
        milli, mebi = fits[-1] if fits else (100, 200)
        used = {"cpu": f"{milli}m", "memory": f"{mebi}Mi"}
        about = {"metadata": meta, "timestamp": objects.stamp(self.now()), "window": "15s"}
        if resource == "nodes":
            return {**about, "usage": used}
        containers = [{"name": one["name"], "usage": used} for one in thing["spec"]["containers"]]
        return {**about, "containers": containers}


def _verb(request: Request, name: str) -> str:
    if request.method == "GET" and request.asked("watch") in ("1", "true"):
        return "watch"
    by_method = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    return by_method.get(request.method, "get" if name else "list")


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _managed(was: Object, asked: Asked) -> list[Object]:
    """Note who wrote when, as the server does."""
    manager = asked.request.asked("fieldManager") or "kubectl-patch"
    others = [one for one in was["metadata"].get("managedFields", []) if one["manager"] != manager]
    mine = {"manager": manager, "operation": "Update", "time": objects.stamp(asked.at)}
    return [
        *others,
        {**mine, "apiVersion": asked.version, "fieldsType": "FieldsV1", "fieldsV1": {}},
    ]


def _scale(thing: Object) -> Object:
    keep = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = thing["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: thing["metadata"][key] for key in keep},
        "spec": {"replicas": thing["spec"]["replicas"]},
        "status": {"replicas": thing["status"].get("replicas", 0), "selector": selector},
    }


Answers = dict[str, Callable[[Api, Asked], Answer]]
"""by verb"""

_ANSWERS: Answers = {
    "get": Api._get,
    "list": Api._list,
    "watch": Api._watch,
    "create": Api._create,
    "update": Api._change,
    "patch": Api._change,
    "delete": Api._delete,
}
_ANSWERS_BELOW: dict[str, Answers] = {
    "log": {"get": Api._log},
    "exec": {"get": Api._exec, "create": Api._exec},
    "scale": {"get": Api._get_scale, "update": Api._change_scale, "patch": Api._change_scale},
}
