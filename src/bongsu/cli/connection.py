"""How the responder's commands reach a server: its address, a token, and clear failures.

The address and the token come from ``BONGSU_URL`` and ``BONGSU_TOKEN``, else from what
``bongsu login`` kept, else from the server that runs on this machine in the same data folder.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from bongsu.cli import language
from bongsu.i18n import N_, translator

LOCAL = "local.json"
"""in the data folder: how a server that runs here can be reached, readable by its user alone"""
TIMEOUT = 20.0
FAILED, MISUSED = 1, 2
"""Exit codes: the server refused or could not be reached; the command was not understood."""

t = translator(language())


class Server(NamedTuple):
    """Where a server is and how this terminal proves who it is."""

    url: str
    token: str


def data_folder() -> Path:
    """Return where Bongsu keeps its data on this machine: ``BONGSU_DATA``, else under home.

    For root it is not under home: there PostgreSQL runs as a user of its own, which would have
    to be let into root's home.
    """
    if named := os.environ.get("BONGSU_DATA"):
        return Path(named).expanduser()
    if os.geteuid() == 0:
        return Path("/var/lib/bongsu")
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "bongsu"


def login_file() -> Path:
    """Return where ``bongsu login`` keeps what it was told."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "bongsu" / "login.json"


def keep(path: Path, server: Server) -> None:
    """Write a server's address and token where only this user can read them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(server._asdict(), out)


def find_server() -> Server:
    """Return the server to talk to; says how to name one where there is none."""
    kept = _kept(login_file()) or _kept(data_folder() / LOCAL)
    url = os.environ.get("BONGSU_URL") or (kept.url if kept else "")
    token = os.environ.get("BONGSU_TOKEN") or (kept.token if kept else "")
    if not url or not token:
        fail(t(N_("No server is known. Start one with: bongsu serve. Or name one: bongsu login URL")))
    return Server(url.rstrip("/"), token)


def _kept(path: Path) -> Server | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Server(str(found["url"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say on stderr why it did not work, and end."""
    print(f"bongsu: {message}", file=sys.stderr)
    raise SystemExit(code)


def call(method: str, path: str, *, body: object = None, **query: object) -> Any:  # noqa: ANN401  JSON
    """Ask the API and return its JSON; a refusal is printed as the server words it."""
    import httpx  # noqa: PLC0415  slow to import; `--help` doesn't need it

    server = find_server()
    asked = {name: value for name, value in query.items() if value not in (None, [], "")}
    headers = {"authorization": f"Bearer {server.token}", "accept-language": language()}
    try:
        response = httpx.request(
            method, f"{server.url}/api/v1{path}", json=body, params=asked,  # type: ignore[arg-type]  # JSON values
            headers=headers, timeout=TIMEOUT,
        )  # fmt: skip
    except httpx.HTTPError as error:
        fail(t("{url} does not answer: {error}", url=server.url, error=str(error) or repr(error)))
    if response.is_error:
        fail(_refusal(response.text, response.status_code))
    return response.json() if response.content else None


def _refusal(text: str, status: int) -> str:
    """Read a problem+json answer; anything else is shown by its status."""
    try:
        problem = json.loads(text)
        detail = problem.get("detail") or problem["title"]
        fields = [f"{one['field']}: {one['detail']}" for one in problem.get("errors", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"
    return "; ".join(fields) if fields else str(detail)
