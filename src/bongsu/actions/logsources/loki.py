"""Loki's lines by its HTTP API, page by page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx

from bongsu.actions.logsources.programs import Unread
from bongsu.actions.logsources.source import LOKI_URL, Source
from bongsu.actions.probes.outcome import parts_of
from bongsu.i18n import N_

PAGE = 5000
"""lines of an answer; Loki's own limit unless it is configured otherwise"""
LOKI_TOKEN, LOKI_TENANT = "BONGSU_LOKI_TOKEN", "BONGSU_LOKI_TENANT"

Entry = tuple[int, str]
"""nanoseconds since 1970, and the line"""


async def pieces(source: Source, start: int, end: int, deadline_s: float) -> AsyncIterator[bytes]:
    """Give the lines that a query finds between two times (seconds since 1970).

    Raises:
        Unread: no address is known, or Loki did not answer as it should.
    """
    base = source.url or os.environ.get(LOKI_URL, "").rstrip("/")
    if not base:
        raise Unread(N_("where Loki is isn't known; set {variable}"), variable=LOKI_URL)
    if parts_of(base) is None:
        told = N_("{variable} holds no address that can be read")
        raise Unread(told, variable="--source" if source.url else LOKI_URL)
    begin, until, seen = start * 10**9, end * 10**9, frozenset[Entry]()
    async with httpx.AsyncClient(timeout=deadline_s, headers=_headers()) as client:
        while begin < until:
            page = await _page(client, base, source.query, begin, until)
            yield b"".join(_line(entry) for entry in page if entry not in seen)
            if len(page) < PAGE:
                return
            last = page[-1][0]
            # More of the same nanosecond may follow: ask for it again, and leave out what came.
            seen = frozenset(entry for entry in page if entry[0] == last)
            begin = last + (1 if begin == last else 0)


def _headers() -> dict[str, str]:
    token, tenant = os.environ.get(LOKI_TOKEN, ""), os.environ.get(LOKI_TENANT, "")
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return bearer | ({"X-Scope-OrgID": tenant} if tenant else {})


async def _page(
    client: httpx.AsyncClient, base: str, query: str, begin: int, until: int
) -> list[Entry]:
    params: dict[str, str | int] = {
        "query": query, "start": begin, "end": until, "limit": PAGE, "direction": "forward",
    }  # fmt: skip
    try:
        answer = await client.get(f"{base}/loki/api/v1/query_range", params=params)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unread(N_("Loki could not be reached: {why}"), why=_words(error)) from error
    if answer.status_code != httpx.codes.OK:
        why = answer.text.strip()[:200]
        raise Unread(N_("Loki answered {status}: {why}"), status=str(answer.status_code), why=why)
    try:
        return _entries(answer.json())
    except (ValueError, KeyError, TypeError) as error:
        raise Unread(N_("Loki's answer can't be read: {why}"), why=_words(error)) from error


def _entries(answer: Any) -> list[Entry]:
    if answer["data"]["resultType"] != "streams":
        raise ValueError(f"resultType {answer['data']['resultType']}, not streams")
    found = [
        (int(value[0]), str(value[1]))
        for one in answer["data"]["result"]
        for value in one["values"]
    ]
    return sorted(found, key=lambda entry: entry[0])


def _line(entry: Entry) -> bytes:
    at = datetime.fromtimestamp(entry[0] // 10**9, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{entry[0] % 10**9:09d}Z {entry[1]}\n".encode(errors="replace")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
