"""How the responder's commands reach a server: its address, a token, and clear failures.

The address and the token come from ``BONGSU_URL`` and ``BONGSU_TOKEN``, else from what
``bongsu login`` kept, else from the server that runs on this machine in the same data folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from bongsu.cli import MISUSED, language
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    import httpx

LOCAL = "local.json"
"""in the data folder: how a server that runs here can be reached, readable by its user alone"""
TIMEOUT = 20.0
FAILED = 1
"""Exit code: the server refused or could not be reached."""
NOT_RIGHT = frozenset({400, 413, 422})
"""HTTP statuses that say that what was asked for was wrong, whatever the state of things"""
HERE = frozenset({"127.0.0.1", "localhost", "::1"})

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
    known = [one for one in (_kept(login_file()), local_server(data_folder())) if one]
    if url := os.environ.get("BONGSU_URL", "").rstrip("/"):
        # A token is sent only to the server that it was kept for.
        known = [one for one in known if one.url == url] or [Server(url, "")]
    if not known:
        fail(t(N_("No server is known. Start one: bongsu serve. Or name one: bongsu login URL")))
    found = known[0]._replace(token=os.environ.get("BONGSU_TOKEN") or known[0].token)
    if not found.token:
        fail(t("There is no token for {url}. Keep one: bongsu login {url}", url=found.url))
    return found


def local_server(folder: Path) -> Server | None:
    """Return the server that runs on this machine in a data folder, if one wrote where it is."""
    return _kept(folder / LOCAL)


def _kept(path: Path) -> Server | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Server(str(found["url"]).rstrip("/"), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say on stderr why it did not work, and end."""
    print(f"bongsu: {message}", file=sys.stderr)
    raise SystemExit(code)


def call(
    method: str, path: str, *, body: object = None, server: Server | None = None, **query: object
) -> Any:
    """Ask the API and return its JSON; a refusal is printed as the server words it."""
    import httpx

    server = server or find_server()
    asked = {
        name.rstrip("_"): value for name, value in query.items() if value not in (None, [], "")
    }
    with _reaching(server), client(server) as http:
        response = http.request(method, path, json=body, params=httpx.QueryParams(asked))  # type: ignore[arg-type]  # JSON values
    if not response.is_success:
        refuse(response, server)
    try:
        return response.json() if response.content else None
    except ValueError:
        fail(t("{url} answers, but it is not Bongsu", url=server.url))


def client(server: Server) -> httpx.Client:
    """Return a client of the server's API; one on this machine is reached without a proxy."""
    import httpx

    headers = {"authorization": f"Bearer {server.token}", "accept-language": language()}
    here = urlsplit(server.url).hostname in HERE
    return httpx.Client(
        base_url=f"{server.url}/api/v1", headers=headers, timeout=TIMEOUT, trust_env=not here
    )


@contextmanager
def _reaching(server: Server) -> Iterator[None]:
    """Say in words what stands between here and the server."""
    import httpx

    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
        text = N_(
            "{url} is no address of a server, or its token no token; write for example {like}"
        )
        fail(t(text, url=server.url, like="bongsu login https://bongsu.example.com"), MISUSED)
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        fail(t("{url} does not answer ({error}). Does it run?", url=server.url, error=why))


def refuse(response: httpx.Response, server: Server) -> NoReturn:
    """Say why the server refused, and end with the exit code that fits."""
    said = _refusal(response.text, response.status_code)
    if response.status_code == 401:  # noqa: PLR2004  the one that a new token mends
        said += "\n" + t("Keep a token that works: bongsu login {url}", url=server.url)
    fail(said, MISUSED if response.status_code in NOT_RIGHT else FAILED)


def _refusal(text: str, status: int) -> str:
    """Read a problem+json answer; anything else is shown by its status."""
    try:
        problem = json.loads(text)
        detail = problem.get("detail") or problem["title"]
        fields = [f"{one['field']}: {one['detail']}" for one in problem.get("errors", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"
    return "; ".join(fields) if fields else str(detail)
