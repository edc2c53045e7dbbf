"""A Kubernetes cluster for tests: a stand-in API server that real kubectl talks to.

    with running_cluster(tmp_path) as cluster:
        cluster.deploy("korea-backend", image="backend:1", replicas=3)
        cluster.deploy("korea-backend", image="backend:2")             # revision 2
        cluster.crash_loop("korea-backend")
        ... run kubectl, or Bongsu, with `cluster.env` ...
        assert [one.what for one in cluster.mutations] == ["patch deployments/korea-backend"]

The server runs in a thread of its own, so synchronous and asynchronous tests, and programs that
they start, may all use it. What each part does is said in its module:

=============== =================================================================================
`api`           requests to answers; `Asked` is what was recorded of each
`storage`       the objects, resource versions, selectors, watches
`rollouts`      deployments → replica sets → pods: at once (default), paced, or by `Cluster.step`
`sets`          the same for stateful sets and daemon sets, with ControllerRevisions
`troubles`      how ill pods look, and the events about them
`faults`        how the server itself fails: slow, hanging, 403, 409, 500, cut connections
`discovery`     what is served, told to old and new kubectl
`tables`        what ``kubectl get`` prints
`openapi`       what a dry run of an old kubectl asks for
`patches`       merge, strategic merge and JSON patch
`pod_logs`      ``kubectl logs``: since, tail, timestamps, previous, follow
`remote_exec`   ``kubectl exec`` by WebSocket (1.30 and newer) and SPDY (older)
`wire`          HTTP/1.1 itself
=============== =================================================================================

What it doesn't do: authentication, protobuf bodies (``create configmap``, ``auth can-i``),
server-side apply, schemas (``explain``, ``apply`` with validation), port-forward, real networking.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.kube import objects, troubles
from tests.kube.api import Api, Asked
from tests.kube.faults import Faults
from tests.kube.pod_logs import PodLogs
from tests.kube.remote_exec import Executed
from tests.kube.rollouts import Rollouts
from tests.kube.storage import Object, Storage
from tests.kube.troubles import Trouble
from tests.kube.wire import Listener
from tests.waiting import PATIENCE

NAMESPACE = "korea-prod"
_WRITES = ("create", "update", "patch", "delete")


class Cluster:
    """The test's hand on the cluster. Namespaces are `NAMESPACE` where none is named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ahead = timedelta()
        self.storage = Storage()
        self.faults = Faults()
        self.rollouts = Rollouts(self.storage, self.now)
        self.logs = PodLogs()
        self.api = Api(self.storage, self.rollouts, self.faults, self.logs, self.now)
        self._listener = Listener(self.api.respond)
        self._loop = asyncio.new_event_loop()
        for name in ("node-1", "node-2"):
            self.storage.put("nodes", objects.node(name, self.now()))
        for name in ("default", NAMESPACE):
            meta = objects.metadata(name, self.now())
            kind = {"apiVersion": "v1", "kind": "Namespace"}
            self.storage.put(
                "namespaces", {**kind, "metadata": meta, "status": {"phase": "Active"}}
            )

    # What a test hands to what it tests.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def env(self) -> dict[str, str]:
        """For kubectl: a KUBECONFIG for this server, and folders of the test's own."""
        config = self._folder / "kubeconfig"
        config.write_text(_KUBECONFIG.format(url=self.url, namespace=NAMESPACE))
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "KUBECONFIG": str(config),
        }

    def kubectl(
        self, *args: str, timeout_s: float = 2 * PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl here, as a person would, and wait for it."""
        return subprocess.run(
            ["kubectl", *args],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    # What happened.

    @property
    def requests(self) -> list[Asked]:
        """Every request for objects, in order; discovery is not counted."""
        return [*self.api.asked]

    @property
    def mutations(self) -> list[Asked]:
        """The writes that were done: neither refused nor a dry run; ``exec`` is not among them."""
        return [
            one
            for one in self.api.asked
            if one.verb in _WRITES
            and one.below != "exec"
            and not one.dry_run
            and 200 <= one.status < 300
        ]

    def forget(self) -> None:
        """Begin to record anew."""
        self.api.asked.clear()

    # Time.

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_time(self, **by: float) -> None:
        """Let the cluster's clock jump, as ``pass_time(minutes=5)``."""
        self._ahead += timedelta(**by)

    def pace(self, seconds: float | None) -> None:
        """Let rollouts take a step each so many seconds; 0 at once, None only by `step`."""
        self.rollouts.pace_s = seconds

    def step(self) -> bool:
        """One step of every rollout; False when nothing was left to do."""
        return self.rollouts.step_all()

    # What is there.

    def deploy(
        self,
        name: str,
        *,
        image: str,
        replicas: int = 2,
        namespace: str = NAMESPACE,
        cause: str | None = None,
    ) -> Object:
        """Create a deployment, or give it another image; ``cause`` becomes its change-cause."""
        with self.storage.lock:
            thing = self.storage.get("deployments", namespace, name)
            if thing is None:
                thing = objects.deployment(name, namespace, image, replicas, self.now())
            elif image != _image(thing):
                thing["spec"]["template"]["spec"]["containers"][0]["image"] = image
                thing["metadata"]["generation"] += 1
            if cause is not None:
                thing["metadata"]["annotations"][objects.CHANGE_CAUSE] = cause
            self.storage.put("deployments", thing)
            self.rollouts.restart_clock(thing)
            self.rollouts.settle()
            return thing

    def run_set(self, kind: str, name: str, *, image: str, **spec: Any) -> Object:
        """Create a ``StatefulSet`` or ``DaemonSet``, or change it: its image, ``replicas=3``."""
        with self.storage.lock:
            resource = f"{kind.lower()}s"
            thing = self.storage.get(resource, NAMESPACE, name)
            if thing is None:
                thing = objects.workload(kind, name, NAMESPACE, image, self.now())
            else:
                thing["spec"]["template"]["spec"]["containers"][0]["image"] = image
                thing["metadata"]["generation"] += 1
            thing["spec"].update(spec)
            self.storage.put(resource, thing)
            self.rollouts.settle()
            return thing

    def configure(self, name: str, *, namespace: str = NAMESPACE, **data: str) -> Object:
        """Create or change a ConfigMap."""
        made = objects.config_map(name, namespace, data, self.now())
        return self._kept_with_time("configmaps", made)

    def keep_secret(self, name: str, *, namespace: str = NAMESPACE, **data: str) -> Object:
        """Create or change a Secret."""
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        made = objects.secret(name, namespace, coded, self.now())
        return self._kept_with_time("secrets", made)

    def deployment(self, name: str, namespace: str = NAMESPACE) -> Object:
        thing = self.storage.get("deployments", namespace, name)
        assert thing is not None, f"no deployment {name} in {namespace}"
        return thing

    def image(self, name: str, namespace: str = NAMESPACE) -> str:
        return _image(self.deployment(name, namespace))

    def pods(self, name: str, namespace: str = NAMESPACE) -> list[Object]:
        """The pods of a deployment."""
        sets = self.storage.owned("replicasets", self.deployment(name, namespace))
        return [pod for one in sets for pod in self.storage.owned("pods", one)]

    def pause(self, name: str, *, paused: bool = True, namespace: str = NAMESPACE) -> None:
        with self.storage.lock:
            thing = self.deployment(name, namespace)
            thing["spec"]["paused"] = paused
            thing["metadata"]["generation"] += 1
            self.storage.put("deployments", thing)
            self.rollouts.settle()

    def log(
        self,
        name: str,
        *lines: str,
        ago_s: float = 0.0,
        container: str = "app",
        previous: bool = False,
        namespace: str = NAMESPACE,
    ) -> None:
        """Let a pod, or each pod of a deployment, write lines, so many seconds ago."""
        found = self.storage.get("pods", namespace, name)
        of = [found] if found else self.pods(name, namespace)
        at = self.now() - timedelta(seconds=ago_s)
        for pod in of:
            for line in lines:
                self.logs.add(pod["metadata"]["name"], line, at, container, previous=previous)

    def answer_exec(self, answer: Callable[[str, list[str]], Executed]) -> None:
        """Let ``kubectl exec`` of (pod, argv) answer this."""
        self.api.on_exec = answer

    def uses(self, name: str, milli_cpu: int, mebibytes: int) -> None:
        """What ``kubectl top`` says of the pods or nodes whose names begin so."""
        self.api.usage[name] = (milli_cpu, mebibytes)

    def warn(self, pod: Object, reason: str, message: str, count: int = 1) -> None:
        """Add a warning about an object."""
        self.storage.put("events", objects.event(pod, reason, message, self.now(), count=count))

    # What goes wrong with the workloads. ``lasting``: new pods of the same image fall ill as well,
    # so that a restart doesn't help and another image does.

    def ail(self, name: str, trouble: Trouble, *, lasting: bool = True, pods: int = 99) -> None:
        """Make so many of a deployment's pods ill; see `troubles`."""
        with self.storage.lock:
            if lasting:
                self.rollouts.ill_images[self.image(name)] = trouble
            for pod in self.pods(name)[:pods]:
                for event in trouble(pod, self.now()):
                    self.storage.put("events", event)
                self.storage.put("pods", pod)
            self.rollouts.settle()

    def heal(self, name: str) -> None:
        """Replace the deployment's pods by healthy ones."""
        with self.storage.lock:
            self.rollouts.ill_images.pop(self.image(name), None)
            for pod in self.pods(name):
                self.storage.remove("pods", pod)
            self.rollouts.settle()

    def crash_loop(self, name: str, exit_code: int = 1, *, lasting: bool = True) -> None:
        self.ail(name, troubles.crash_loop(exit_code), lasting=lasting)

    def oom(self, name: str, *, running: bool = True, lasting: bool = True) -> None:
        self.ail(name, troubles.oom(running=running), lasting=lasting)

    def image_pull_error(self, name: str) -> None:
        self.ail(name, troubles.image_pull_error)

    def pending(self, name: str) -> None:
        self.ail(name, troubles.pending)

    def failed_rollout(self, name: str, image: str, trouble: Trouble | None = None) -> None:
        """Roll out an image that never gets ready, until ProgressDeadlineExceeded."""
        self.rollouts.ill_images[image] = trouble or troubles.image_pull_error
        self.deploy(name, image=image)

    def node_says(self, node: str, kind: str, status: str, reason: str) -> None:
        """Set a node's condition, as ``("node-1", "Ready", "Unknown", "NodeStatusUnknown")``."""
        with self.storage.lock:
            thing = self.storage.get("nodes", "", node)
            assert thing is not None, f"no node {node}"
            troubles.node_says(thing, kind, status, reason, self.now())
            self.storage.put("nodes", thing)

    # What goes wrong with the server; more in `faults`.

    def metrics_missing(self) -> None:
        """There is no metrics server."""
        self.faults.metrics = False

    def slow(self, seconds: float) -> None:
        """Answer every request so much later."""
        self.faults.delay_s = seconds

    def hang(self) -> None:
        """Take requests and never answer."""
        self.faults.hanging = True

    def down(self) -> None:
        """Refuse connections, until `up`."""
        self._in_loop(self._listener.stop())

    def up(self) -> None:
        """Serve again, on the same port, without delays and hangs."""
        self.faults.hanging, self.faults.delay_s = False, 0.0
        self._in_loop(self._listener.start())

    def forbid(self, resource: str, verb: str = "*") -> None:
        """Answer 403."""
        self.faults.forbidden.add((verb, resource))

    # The server's thread.

    def start(self) -> None:
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._in_loop(self._listener.start())
        self._loop.call_soon_threadsafe(self._tick)

    def stop(self) -> None:
        self._in_loop(self._listener.stop())
        self._in_loop(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        while self._loop.is_running():
            threading.Event().wait(0.005)
        self._loop.close()

    def _tick(self) -> None:
        pace = self.rollouts.pace_s
        if pace:
            self.rollouts.step_all()
        self._loop.call_later(pace or 0.05, self._tick)

    def _in_loop(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _kept_with_time(self, resource: str, made: Object) -> Object:
        meta = made["metadata"]
        with self.storage.lock:
            was = self.storage.get(resource, meta["namespace"], meta["name"])
            managed = {"manager": "kubectl-client-side-apply", "operation": "Update"}
            if was is not None:
                made["metadata"] = meta = was["metadata"]
            written = {**managed, "apiVersion": "v1", "time": objects.stamp(self.now())}
            meta["managedFields"] = [written]
            return self.storage.put(resource, made)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run a cluster while the test runs; ``folder`` is the test's own, for kubectl's files."""
    cluster = Cluster(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _image(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: standin, cluster: {{server: "{url}"}}}}]
users: [{{name: nobody, user: {{}}}}]
contexts: [{{name: standin, context: {{cluster: standin, user: nobody, namespace: {namespace}}}}}]
current-context: standin
"""
