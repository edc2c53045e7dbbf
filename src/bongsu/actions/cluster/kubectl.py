"""kubectl, asked: its arguments, its environment, and why it had no answer.

A failure to ask is never an answer: `Asked.why` tells who was silent, in words.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bongsu.actions.looking import LookContext
from bongsu.actions.probes.outcome import bounded, said, seconds, typed
from bongsu.actions.programs import MIB, Output, allowed_environment, run
from bongsu.actions.secrecy import hide
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence

GRACE_S = 0.3
"""a look has nothing to put in order, so kubectl is not waited for long when it must go"""
LARGEST_ANSWER = 32 * MIB
PLUGINS_NEED = (
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "AZURE_CONFIG_DIR",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
)
"""what the sign-in plugins of the large clouds read"""

COMMAND_FAILED = re.compile(r"command terminated with (?:non-zero )?exit code\D*(\d+)")


@dataclass(frozen=True)
class Asked:
    """One question to the cluster and what came back."""

    args: tuple[str, ...]
    output: Output
    timeout_s: float
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """the whole environment, of which nothing secret may be shown"""

    @property
    def command(self) -> str:
        """As one would type it."""
        return typed(["kubectl", *self.args])

    @property
    def line(self) -> str:
        """The last line of its complaint."""
        return bounded(hide((self.output.complaint.splitlines() or ["-"])[-1], self.env), 300)

    def evidence(self, shown: str = "") -> Evidence:
        """Show the question and what is worth seeing of the answer."""
        numbers = {"took_s": self.output.took_s}
        if self.output.exit_code is not None:
            numbers["exit_code"] = self.output.exit_code
        told = hide(shown or self.output.complaint, self.env)
        return Evidence(self.command, bounded(told), numbers)

    @property
    def why(self) -> Remark | None:
        """Why there is no answer; None where there is one."""
        match self.output.ended:
            case "not_found" | "not_allowed":
                return said(N_("kubectl can't be run: {why}"), why=self.line)
            case "timed_out":
                text = N_("the cluster's API server did not answer within {wait}")
                return said(text, wait=seconds(self.timeout_s))
            case "signalled":
                return said(N_("kubectl was ended by somebody else"))
            case "exited" if self.output.exit_code != 0:
                return self._complaint()
        if self.output.truncated:
            size = f"{LARGEST_ANSWER // MIB} MiB"
            return said(N_("the answer is larger than {size}; ask for less"), size=size)
        return None

    def _complaint(self) -> Remark:
        # Before its last line kubectl may log how it went on trying.
        for told in (self.line, self.output.complaint):
            for pattern, text in _COMPLAINTS:
                if pattern.search(told):
                    return said(text, line=self.line)
        text = N_("kubectl failed with exit code {code}: {line}")
        return said(text, code=self.output.exit_code, line=self.line)


_COMPLAINTS = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\(Forbidden\)|is forbidden", N_("the cluster doesn't allow us to look: {line}")),
        (
            r"\(Unauthorized\)|must be logged in|provide credentials",
            N_("the cluster doesn't know us: {line}"),
        ),
        (
            r"Metrics API not available|metrics\.k8s\.io|[Mm]etrics not available",
            N_("the metrics server is missing or doesn't answer: {line}"),
        ),
        (
            r"container not found|cannot exec into|not have a host assigned|timed out waiting for",
            N_("nothing runs there that the command could be run in: {line}"),
        ),
        (
            r"localhost:8080 was refused|no configuration has been provided",
            N_("kubectl knows no cluster; set KUBECONFIG: {line}"),
        ),
        (
            r"[Tt]imeout(?!=)|timed out|deadline exceeded|request canceled",
            N_("the cluster's API server did not answer in time: {line}"),
        ),
        (
            r"was refused|Unable to connect|no such host|EOF|connection reset|no route to host",
            N_("the cluster's API server can't be reached: {line}"),
        ),
        (
            r"\(ServiceUnavailable\)|\(InternalError\)|unable to handle the request",
            N_("the cluster's API server is in trouble itself: {line}"),
        ),
    )
]


async def ask(args: Sequence[str], context: LookContext) -> Asked:
    """Ask the cluster; gives up a little before the look's time is over."""
    timeout_s = max(context.timeout_s - GRACE_S, 0.1)
    env = allowed_environment(PLUGINS_NEED, source=context.env)
    output = await run(
        [*kubectl(env, timeout_s), *args],
        timeout_s=timeout_s,
        env=env,
        limit=LARGEST_ANSWER,
        grace_s=GRACE_S / 3,
    )
    return Asked(tuple(args), output, timeout_s, context.env)


def kubectl(env: Mapping[str, str], timeout_s: float) -> list[str]:
    """Return how kubectl begins: each of its requests is bounded, its cache is ours."""
    each_s = f"{max(timeout_s, 1.0):.1f}s"
    return ["kubectl", f"--request-timeout={each_s}", f"--cache-dir={_cache_folder(env)}"]


def _cache_folder(env: Mapping[str, str]) -> Path:
    """Return a folder for what kubectl remembers of clusters; nobody else may write to it.

    A service's home is often read-only, and without a cache each look costs a second more.
    """
    folder = Path(env.get("TMPDIR") or tempfile.gettempdir()) / f"bongsu-kubectl-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = folder.stat()
    if known.st_uid != os.getuid() or stat.S_IMODE(known.st_mode) & 0o022:
        return Path(tempfile.mkdtemp(prefix="bongsu-kubectl-"))
    return folder
