"""What `serve`, `worker` and `demo` share: settings, the database, the manual, one running process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bongsu.cli import language
from bongsu.cli.connection import data_folder, fail
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual
    from bongsu.store.database import Embedded

BUNDLED = "korea-public-data"
REVIVE_EVERY = 1.0

t = translator(language())


class Settings(NamedTuple):
    """How a process was asked to run."""

    manual: Path | None
    data: Path
    database_url: str | None
    host: str
    port: int
    base_url: str
    """the console's public address, without a slash at its end"""


def settings(  # noqa: PLR0913, PLR0917  each is an option of the commands that call it
    manual: Path | None, data: Path | None, database_url: str | None, listen: str,
    base_url: str | None,
) -> Settings:  # fmt: skip
    """Fill in what was not said from the environment."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not 0 <= int(port) < 65536:  # noqa: PLR2004  the ports there are
        fail(t("{listen} is no address to listen on; write for example 127.0.0.1:8600", listen=listen), 2)
    host = host or "127.0.0.1"
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "[::]") else host  # noqa: S104  compared, not bound
    url = base_url or os.environ.get("BONGSU_BASE_URL") or f"http://{shown}:{port}"
    database = database_url or os.environ.get("BONGSU_DATABASE_URL") or None
    return Settings(manual, data or data_folder(), database, host, int(port), url.rstrip("/"))


def bundled_manual() -> Path:
    """Return the manual that comes with Bongsu: in the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "manuals" / BUNDLED
    return inside if inside.is_dir() else package.parent.parent / "manuals" / BUNDLED


def load_manual(folder: Path) -> Manual:
    """Load a manual that would work; all its problems are printed if it would not."""
    from bongsu.manual.check import check  # noqa: PLC0415  only a process that runs needs it
    from bongsu.manual.load import read  # noqa: PLC0415
    from bongsu.manual.problems import ManualError, UnreadableManual  # noqa: PLC0415

    try:
        manual, places = read(folder)
    except UnreadableManual as error:
        fail(error.show(language()), 2)
    except ManualError as error:
        fail("\n" + error.show(language()))
    errors = [one for one in check(manual, places) if one.level == "error"]
    if errors:
        fail("\n" + "\n".join(problem.show(language()) for problem in errors))
    return manual


@asynccontextmanager
async def database(chosen: Settings, *, stop: bool = True) -> AsyncIterator[str]:
    """Yield the address of a database that runs; the embedded one is started and watched, and
    stopped at the end if it was started here, or if ``stop`` says that it is this process's."""
    if chosen.database_url:
        yield chosen.database_url
        return
    from bongsu.store.database import DatabaseError, start_embedded  # noqa: PLC0415

    try:
        embedded = await asyncio.to_thread(start_embedded, chosen.data / "postgres")
    except DatabaseError as error:
        fail(str(error))
    watching = asyncio.create_task(_revive(embedded), name="watch the embedded database")
    try:
        yield embedded.url
    finally:
        watching.cancel()
        if stop or embedded.started:
            await asyncio.to_thread(embedded.stop)


async def _revive(embedded: Embedded) -> None:
    """Start the embedded database again whenever it was killed."""
    import structlog  # noqa: PLC0415  loaded by the process anyway

    log = structlog.get_logger(__name__)
    while True:
        await asyncio.sleep(REVIVE_EVERY)
        try:
            await asyncio.to_thread(embedded.revive)
        except Exception as error:  # noqa: BLE001  the edge: it is tried again a second later
            log.warning("database.not_revived", error=repr(error))


def log_to_stderr(*, as_json: bool) -> None:
    """Send logs to stderr: for people by default, one JSON object a line for machines."""
    import structlog  # noqa: PLC0415  only a process that runs logs

    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
