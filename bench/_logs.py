"""Made-up logs for the benchmarks: the same bytes each time, each line unique by its time stamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

POOL = 200_000
WORDS = [
    "alpha",
    "cache",
    "db",
    "edge",
    "feed",
    "gate",
    "hub",
    "index",
    "jobs",
    "kafka",
    "ledger",
    "mail",
    "node",
    "orders",
    "pay",
    "queue",
]
USUAL = [
    "INFO  [http-{n}] api.gateway: GET /v2/{hex}/items/{n} 200 {n}ms bytes={n}",
    "INFO  [http-{n}] api.gateway: POST /v2/{hex}/orders 201 {n}ms bytes={n}",
    "DEBUG [pool-{n}] db.pool: connection {hex} returned, {n} of {n} in use",
    "INFO  [main] {word}.worker: job {uuid} finished in {n} ms",
    "INFO  [main] {word}.worker: job {uuid} started on host {word}-{n}",
    "WARN  [gc] runtime: pause of {n} ms, heap {n} MB of {n} MB",
    "INFO  [auth-{n}] auth.session: session opened for user {word} by (uid={n})",
    "INFO  [auth-{n}] auth.session: session closed for user {word}",
    "INFO  [kafka-{n}] consumer: partition {n} offset {n} lag {n}",
    "INFO  [search-{n}] 검색: 질의 {hex} 처리 완료, {n}건, {n} ms",
    "DEBUG [cache] cache.{word}: hit ratio 0.{n} for region {word}, evicted {n}",
    "INFO  [sched] cron: running /usr/local/bin/{word} --id {n} --since 10.0.{n}.{n}",
]
ERRORS = [
    "ERROR [http-{n}] api.gateway: upstream {word} timed out after {n} ms, request {uuid}",
    "ERROR [pool-{n}] db.pool: connection refused by 10.0.{n}.{n}:5432, attempt {n}",
    "ERROR [main] {word}.worker: job {uuid} failed: error code {n}",
    "ERROR [pay-{n}] 결제: 카드사 응답 오류 {n}, 주문 {n}",
]


def _filled(template: str, lots: Random) -> str:
    hexadecimal = f"{lots.getrandbits(48):012x}"
    text = template
    while "{n}" in text:
        text = text.replace("{n}", str(int(10 ** lots.uniform(0, 4))), 1)
    text = text.replace(
        "{uuid}", f"{hexadecimal[:8]}-{lots.getrandbits(16):04x}-4abc-{hexadecimal}"
    )
    return text.replace("{hex}", hexadecimal).replace("{word}", lots.choice(WORDS))


def mixed(errors: float) -> Callable[[], list[str]]:
    def tails() -> list[str]:
        lots = Random(7)
        return [
            _filled(lots.choice(ERRORS if lots.random() < errors else USUAL), lots)
            for _ in range(POOL)
        ]

    return tails


def homogeneous() -> list[str]:
    lots = Random(7)
    return [_filled(USUAL[0], lots) for _ in range(POOL)]


def users() -> list[str]:
    """One message with 100,000 different names in it."""
    lots = Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = ["".join(lots.choices(letters, k=lots.randint(5, 10))) for _ in range(100_000)]
    return [
        f"INFO  [auth-{k % 9}] auth.session: session opened for user {names[k % 100_000]}"
        f" from 10.0.0.{k % 251}"
        for k in range(POOL)
    ]


KINDS: dict[str, Callable[[], list[str]]] = {
    "mixed, 7% errors": mixed(0.07),
    "mixed, 50% errors": mixed(0.5),
    "homogeneous": homogeneous,
    "100,000 shapes": users,
}


def write(path: Path, tails: list[str], size: int) -> None:
    """Write lines until the file has ``size`` bytes or a few more."""
    with path.open("wb") as file:
        for lines in _batches(tails):
            if file.tell() >= size:
                return
            file.write("".join(lines).encode())


def _batches(tails: list[str]) -> Iterator[list[str]]:
    second = 0
    while True:
        for begin in range(0, len(tails), 1000):
            stamp = (datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=second)).isoformat()[
                :19
            ]
            yield [
                f"{stamp}.{k:03}Z {tail}\n" for k, tail in enumerate(tails[begin : begin + 1000])
            ]
            second += 1
