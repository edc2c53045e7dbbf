"""What a source of log lines is called: its kind, a colon, and where it is."""

from __future__ import annotations

from typing import Literal, cast, get_args

import msgspec

from bongsu.i18n import N_

Kind = Literal["k8s", "loki", "journal", "file"]
LOKI_URL = "BONGSU_LOKI_URL"


class BadSource(Exception):  # noqa: N818  named as the manual's errors are: by what is bad
    """A source's name can't be understood: ``text`` of the catalogue says why, with ``values``."""

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text.format_map(values))
        self.text = text
        self.values = values


class Source(msgspec.Struct, frozen=True):
    """One place that log lines are read from."""

    kind: Kind
    query: str
    """``NAMESPACE/SELECTOR``, LogQL, a unit's name, or a path"""
    url: str = ""
    """Loki's base URL, where it isn't the one of ``BONGSU_LOKI_URL``"""

    @property
    def name(self) -> str:
        """What it is called in an analysis; a URL's user and password are left out."""
        if not self.url:
            return f"{self.kind}:{self.query}"
        scheme, _, rest = self.url.partition("://")
        return f"loki+{scheme}://{rest.rpartition('@')[2]}#{self.query}"


def parse(text: str) -> Source:
    """Read a source's name.

    It is ``k8s:NAMESPACE/SELECTOR`` (or ``k8s:NAMESPACE/KIND/NAME``), ``loki:QUERY``,
    ``loki+http://HOST#QUERY``, ``journal:UNIT`` or ``file:PATH``.

    Raises:
        BadSource: it is none of these, or lacks what it needs.
    """
    kind, colon, query = text.partition(":")
    if kind in ("loki+http", "loki+https") and colon:
        return _loki(text)
    if kind not in get_args(Kind) or not colon:
        told = N_(
            "{source} is no source of logs; write k8s:NAMESPACE/SELECTOR, loki:QUERY,"
            " journal:UNIT or file:PATH"
        )
        raise BadSource(told, source=text)
    if not query.strip():
        raise BadSource(
            N_("{source} does not say which logs; write them after the colon"), source=text
        )
    if kind == "k8s":
        _check_k8s(text, query)
    if kind == "journal" and query.startswith("-"):
        raise BadSource(N_("{source} names no unit"), source=text)
    return Source(cast("Kind", kind), query)


def _loki(text: str) -> Source:
    url, sharp, query = text.removeprefix("loki+").partition("#")
    if not sharp or not query.strip():
        told = N_(
            "{source} has no query; write it after the address, as loki+http://HOST:3100#QUERY"
        )
        raise BadSource(told, source=text)
    return Source("loki", query, url.rstrip("/"))


def _check_k8s(text: str, query: str) -> None:
    namespace, slash, selector = query.partition("/")
    if (
        not namespace
        or not slash
        or not selector
        or query.startswith("-")
        or selector.startswith("-")
    ):
        told = N_(
            "{source} is no namespace and selector; write them as k8s:korea-prod/app=korea-backend"
        )
        raise BadSource(told, source=text)
