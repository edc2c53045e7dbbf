"""Objects of the cluster, read and changed by kubectl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bongsu.actions.cluster.kubectl import PLUGINS_NEED, kubectl
from bongsu.actions.programs import MIB, allowed_environment, run
from bongsu.actions.saying import SaidError

ANSWER = 16 * MIB
Json = dict[str, Any]


class ClusterError(SaidError):
    """The cluster did not do it."""


@dataclass(frozen=True)
class Cluster:
    """kubectl in one namespace."""

    namespace: str
    env: Mapping[str, str]
    timeout_s: float = 20.0

    async def read(self, *args: str) -> Json:
        """Return an answer in JSON.

        Raises:
            ClusterError: there is none.
        """
        body = await self.ask(*args, "-o", "json")
        try:
            found: Json = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            text = "kubectl {args}: {why}"
            raise ClusterError(text, args=" ".join(args), why=error) from error
        return found

    async def patch(self, target: str, patch: Json) -> None:
        """Change an object by a merge patch.

        Raises:
            ClusterError: it was not changed, or somebody else changed it meanwhile.
        """
        text = msgspec.json.encode(patch).decode()
        await self.ask("patch", target, "--type=merge", f"--patch={text}")

    async def ask(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run kubectl and return what it printed.

        Raises:
            ClusterError: it failed.
        """
        env = allowed_environment(PLUGINS_NEED, source=self.env)
        argv = [*kubectl(env, self.timeout_s), "-n", self.namespace, *args]
        output = await run(argv, timeout_s=self.timeout_s, env=env, limit=ANSWER, stdin=stdin)
        if not output.ok:
            told = output.complaint.splitlines()[-1:] or [f"kubectl {output.ended}"]
            raise ClusterError("{line}", line=told[0])
        return output.out
