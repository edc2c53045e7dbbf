"""The signal routes alone under uvicorn, as `bongsu serve` has them but without triage.

For `bench/ingest.py`. Arguments: the database's URL, a port and the manual's folder. Prints an
integration key once it listens.
"""

from __future__ import annotations

import functools
import gc
import sys
from pathlib import Path

import asyncpg
import uvicorn
import uvloop

from bongsu.engine.clock import SystemClock
from bongsu.manual.load import load
from bongsu.store.alert_writer import AlertWriter
from bongsu.store.database import connect_pool
from bongsu.store.integrations import IntegrationKeys, issue_key
from bongsu.web.ingest import IngestApp
from bongsu.web.ingest_protocol import SignalProtocol


async def serve(url: str, port: int, folder: Path) -> None:
    """Serve until SIGTERM."""
    pool = await connect_pool(url, size=2)
    async with pool.acquire() as conn:
        key = await issue_key(conn, "prometheus")
    writer = AlertWriter(functools.partial(asyncpg.connect, url), len)
    await writer.start()
    manual = load(folder)
    app = IngestApp(writer, IntegrationKeys(pool), SystemClock(), lambda: manual, pool)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, loop="uvloop", log_level="warning", access_log=False,
        proxy_headers=False, lifespan="off",
        http=functools.partial(SignalProtocol, app.short),  # type: ignore[arg-type]  # it makes one
    )  # fmt: skip
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    print(key, flush=True)
    await uvicorn.Server(config).serve()
    await writer.close()
    await pool.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
