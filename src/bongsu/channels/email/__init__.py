"""E-mail by SMTP: text and HTML, one-tap links, and a thread for each incident."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import getaddresses
from urllib.parse import SplitResult, parse_qsl, unquote

from bongsu.channels.email.channel import EmailChannel
from bongsu.channels.email.settings import EmailSettings, Encryption
from bongsu.channels.environment import Environment
from bongsu.i18n import N_

__all__ = ["HOW_TO_CONFIGURE", "VARIABLES", "EmailChannel", "EmailSettings", "build", "read"]

SMTP, FROM = "BONGSU_SMTP_URL", "BONGSU_MAIL_FROM"
VARIABLES: tuple[str, ...] = (SMTP, FROM)
HOW_TO_CONFIGURE = N_(
    "E-mail is not configured; set BONGSU_SMTP_URL and BONGSU_MAIL_FROM (docs/how-to/email.md)"
)
_EXAMPLE = "smtp://user:password@mail.example.com:587?starttls=1"
_OPTIONS = ("starttls", "verify", "cafile", "hostname")
_YES_NO = {"1": True, "0": False}


def build(environment: Environment) -> EmailChannel | None:
    """Make the channel; None where it isn't configured. Problems are noted in ``environment``."""
    settings = read(environment)
    return EmailChannel(settings) if settings else None


def read(environment: Environment) -> EmailSettings | None:
    """Read the mail variables; None where they aren't set or can't be used."""
    t, given = environment.t, environment.get(FROM)
    url = environment.url(SMTP, ("smtp", "smtps"), _EXAMPLE)
    if environment.get(SMTP) is None:
        if given:
            environment.refuse(SMTP, t("not set, but {x} is; write both or neither", x=FROM))
        return None
    sender = _sender(environment, given)
    options = _options(environment, url) if url else None
    if url is None or sender is None or options is None:
        return None
    return EmailSettings(
        host=url.hostname or "", port=url.port or _default_port(url, options), sender=sender,
        username=_decoded(url.username), password=_decoded(url.password),
        encryption=_encryption(environment, url, options),
        verify=_YES_NO[options.get("verify", "1")],
        cafile=options.get("cafile"), hostname=options.get("hostname"),
    )  # fmt: skip


def _sender(environment: Environment, given: str | None) -> Address | None:
    example = "Bongsu <bongsu@example.com>"
    if given is None:
        environment.refuse(FROM, environment.t("not set; write for example {x}", x=example))
        return None
    try:
        ((name, address),) = getaddresses([given])
        sender = Address(display_name=name, addr_spec=address)
    except (MessageError, ValueError, IndexError):
        sender = Address()
    if not (sender.domain and sender.addr_spec.isascii()):
        problem = environment.t("not one e-mail address; write for example {x}", x=example)
        environment.refuse(FROM, problem)
        return None
    return sender


def _options(environment: Environment, url: SplitResult) -> dict[str, str] | None:
    t, before = environment.t, len(environment.problems)
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    for name, value in options.items():
        if name not in _OPTIONS:
            known = ", ".join(_OPTIONS)
            problem = t("unknown option {name}; use one of {known}", name=name, known=known)
            environment.refuse(SMTP, problem)
        elif name in ("starttls", "verify") and value not in _YES_NO:
            environment.refuse(SMTP, t("{name} is 1 or 0", name=name))
    if url.path not in ("", "/"):
        environment.refuse(SMTP, t("has a path; write for example {x}", x=_EXAMPLE))
    return options if len(environment.problems) == before else None


def _encryption(environment: Environment, url: SplitResult, options: dict[str, str]) -> Encryption:
    if url.scheme == "smtps":
        if "starttls" in options:
            problem = environment.t("smtps is encrypted already; leave starttls out")
            environment.refuse(SMTP, problem)
        return "tls"
    match options.get("starttls"):
        case "1":
            return "starttls"
        case "0":
            return "none"
        case _:  # a password never travels in the clear unless somebody asked for it
            return "starttls" if url.username else "if_offered"


def _default_port(url: SplitResult, options: dict[str, str]) -> int:
    if url.scheme == "smtps":
        return 465
    return 587 if url.username or options.get("starttls") == "1" else 25


def _decoded(part: str | None) -> str | None:
    return unquote(part) if part else None
