"""Real Prometheus and Alertmanager, set up as Bongsu's documents tell their users to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.programs import eventually, program
from tests.ports import free_port
from tests.waiting import PATIENCE

PROMETHEUS, ALERTMANAGER = "prometheus", "prometheus-alertmanager"
"""Debian's names for them"""
RULES = {
    "groups": [
        {
            "name": "backend",
            "rules": [
                {
                    "alert": "BackendDown",
                    # One scrape that came too late on a busy machine is no dead backend.
                    "expr": 'max_over_time(up{job="korea-backend"}[5s]) == 0',
                    "labels": {"severity": "critical", "service": "korea-backend"},
                    "annotations": {"summary": "the backend does not answer"},
                }
            ],
        }
    ]
}


@asynccontextmanager
async def prometheus(folder: Path, target: int, alertmanager: dict[str, Any]) -> AsyncIterator[str]:
    """Scrape a target every second and tell an alertmanager; yields Prometheus's address."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "rules.yml").write_text(json.dumps(RULES))
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [alertmanager]},
        "scrape_configs": [
            {"job_name": "korea-backend", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    async with program(
        PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--web.listen-address={address}",
        f"--storage.tsdb.path={folder}/tsdb",
    ):  # fmt: skip
        await eventually(lambda: _knows(f"http://{address}"), "Prometheus with its alertmanager")
        yield f"http://{address}"


async def _knows(url: str) -> bool:
    """Whether the target is seen to be up, and the alertmanager has been found."""
    up = await _get(f"{url}/api/v1/query", query='up{job="korea-backend"} == 1')
    known = await _get(f"{url}/api/v1/alertmanagers")
    return bool(up and up["data"]["result"] and known and known["data"]["activeAlertmanagers"])


async def _get(url: str, **params: str) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        try:
            answer = await http.get(url, params=params)
        except httpx.TransportError:
            return None
    return answer.json() if answer.is_success and "json" in answer.headers["content-type"] else None


@asynccontextmanager
async def alertmanager(folder: Path, receiver: dict[str, Any]) -> AsyncIterator[str]:
    """Send every alert to one receiver at once; yields the Alertmanager's host and port."""
    address = f"127.0.0.1:{free_port()}"
    config = {
        "route": {
            "receiver": "bongsu", "group_by": ["alertname", "service"],
            "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h",
        },
        "receivers": [{"name": "bongsu", **receiver}],
    }  # fmt: skip
    (folder / "alertmanager.yml").write_text(json.dumps(config))
    async with program(
        ALERTMANAGER, f"--config.file={folder}/alertmanager.yml", "--cluster.listen-address=",
        f"--web.listen-address={address}", f"--storage.path={folder}/alertmanager",
    ):  # fmt: skip
        await eventually(lambda: _get(f"http://{address}/api/v2/status"), "Alertmanager")
        yield address


def at(address: str, **more: Any) -> dict[str, Any]:
    """Return an entry of Prometheus's ``alertmanagers``."""
    return {"api_version": "v2", "static_configs": [{"targets": [address]}], **more}
