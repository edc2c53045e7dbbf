"""Names, connections and their failures: what every look over a network has in common."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from bongsu.actions.probes.outcome import found, said, seconds
from bongsu.i18n import N_
from bongsu.incident.report import Finding


class Trouble(NamedTuple):
    """One way in which something can't be reached."""

    code: str
    text: str
    """of the catalogue, with ``{place}``, ``{wait}`` and ``{detail}``"""


REFUSED = Trouble("refused", N_("{place} refuses connections"))
CUT_OFF = Trouble("cut_off", N_("{place} cuts the connection off"))
NO_ANSWER = Trouble("no_answer", N_("{place} did not answer within {wait}"))
NO_ROUTE = Trouble("no_route", N_("there is no way through the network to {place} ({detail})"))
NAME_UNKNOWN = Trouble("name_unknown", N_("the name of {place} does not resolve"))
NO_RESOLVER = Trouble(
    "resolver_silent", N_("no name server answers for the name of {place} ({detail})")
)
EXPIRED = Trouble("tls_expired", N_("the TLS certificate of {place} has expired"))
NOT_YET = Trouble("tls_not_yet_valid", N_("the TLS certificate of {place} is not valid yet"))
OTHER_NAME = Trouble("tls_name_mismatch", N_("the TLS certificate of {place} is for another name"))
NO_ISSUER = Trouble(
    "tls_unknown_issuer",
    N_("the TLS certificate of {place} comes from an issuer that is not trusted ({detail})"),
)
NO_TLS = Trouble("tls_failed", N_("TLS with {place} fails ({detail})"))

CERTIFICATE_TROUBLES = {9: NOT_YET, 10: EXPIRED, 62: OTHER_NAME, 64: OTHER_NAME}
"""by OpenSSL's verify codes; any other is about the issuer"""
KINDS: dict[type[BaseException], Trouble] = {
    ssl.SSLError: NO_TLS,
    ConnectionRefusedError: REFUSED,
    ConnectionError: CUT_OFF,
    asyncio.IncompleteReadError: CUT_OFF,
    TimeoutError: NO_ANSWER,
}
"""by the kind of error; the first that fits"""
UNREACHABLE = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN))


def trouble_of(error: BaseException) -> tuple[Trouble, str] | None:
    """Return what kept a connection from coming about, with its detail; None for anything else."""
    for one in causes(error):
        if kind := _kind(one):
            return kind, _detail(one)
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, the innermost cause first."""
    inner = error.__cause__ or error.__context__
    if isinstance(error, BaseExceptionGroup):
        yield from causes(error.exceptions[0])
    elif inner is not None:
        yield from causes(inner)
    yield error


def _kind(error: BaseException) -> Trouble | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_TROUBLES.get(error.verify_code, NO_ISSUER)
    if isinstance(error, socket.gaierror):
        return NO_RESOLVER if error.errno == socket.EAI_AGAIN else NAME_UNKNOWN
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return NO_ROUTE
    return next((trouble for kind, trouble in KINDS.items() if isinstance(error, kind)), None)


def _detail(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    return str(getattr(error, "strerror", None) or error)


def unreachable(kind: str, error: BaseException, place: str, wait_s: float) -> Finding | None:
    """Make the finding of a failed connection; None where the failure is not the place's."""
    known = trouble_of(error)
    if known is None:
        return None
    trouble, detail = known
    says = said(trouble.text, place=place, wait=seconds(wait_s), detail=detail)
    code = f"{kind}_{trouble.code.removeprefix(f'{kind}_')}"
    return found(code, "unhealthy", says, weight=0.9, subject=place)


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as this machine resolves it.

    It waits in a thread of its own that nobody waits for: a resolver that hangs must hold up
    neither the other looks nor the program's end.

    Raises:
        socket.gaierror: it does not resolve.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            _tell(loop, answer, error)
        else:
            _tell(loop, answer, list(dict.fromkeys(str(row[4][0]) for row in rows)))

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    return await answer


def _tell(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[str]], what: list[str] | OSError
) -> None:
    def set_it() -> None:
        if answer.done():
            return
        if isinstance(what, OSError):
            answer.set_exception(what)
        else:
            answer.set_result(what)

    with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
        loop.call_soon_threadsafe(set_it)


async def connect(
    host: str, port: int, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to the first of a name's addresses that takes one.

    Raises:
        OSError: none does; the last one's error.
    """
    last: OSError | None = None
    for address in await resolve(host, port):
        try:
            return await asyncio.open_connection(
                address, port, ssl=tls, server_hostname=host if tls else None
            )
        except OSError as error:
            last = error
    raise last or OSError("no address")


def tls_context(env: Mapping[str, str]) -> ssl.SSLContext:
    """Return what certificates are checked with: this machine's issuers, or ``SSL_CERT_FILE``'s."""
    return ssl.create_default_context(cafile=env.get("SSL_CERT_FILE") or None)
