"""From a message to a mail: headers that keep an incident together, plain text, and HTML."""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.channels import text as words
from bongsu.channels.markdown import parser
from bongsu.channels.message import Message
from bongsu.i18n import translator

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).with_name("templates")
_LONGEST_ID = 40
_URGENT = ("P0", "P1")
_WEB = ("https://", "http://", "mailto:")


def _policy() -> EmailPolicy[EmailMessage]:
    """Seven bits for old servers; ids are never folded or encoded, which would break the thread."""
    registry = HeaderRegistry()
    for name in ("in-reply-to", "references"):
        registry.map_to_type(name, MessageIDHeader)  # type: ignore[arg-type]  # mixed into a base
    return SMTP.clone(cte_type="7bit", header_factory=registry)


POLICY = _policy()


def compose(message: Message, sender: Address, recipient: Address, date: str) -> EmailMessage:
    """Write the mail; ``date`` is its Date header (RFC 5322)."""
    subject, text = words.render(message)
    mail = EmailMessage(POLICY)
    mail["From"], mail["To"], mail["Subject"], mail["Date"] = sender, recipient, subject, date
    for name, value in _headers(message, sender.domain).items():
        mail[name] = value
    mail.set_content(text, subtype="plain", charset="utf-8")
    mail.add_alternative(html(message), subtype="html", charset="utf-8")
    return mail


def written(message: Message, sender: Address, recipient: Address, date: str) -> tuple[str, bytes]:
    """Return a mail's Message-ID and its bytes."""
    mail = compose(message, sender, recipient, date)
    return str(mail["Message-ID"]), mail.as_bytes()


def html(message: Message) -> str:
    """Write the HTML part."""
    t, notice = translator(message.lang), ""
    if message.kind == "notice":
        notice = parser().render(words.render_notice(message))
    return _template().render(
        lang=message.lang, severity=message.severity, heading=words.heading(message),
        changed="" if notice else words.whole(message.text), notice=notice,
        summary=words.summary(message), facts=words.facts(message), demand=words.demand(message),
        answers=[(a.label, a.url, a.code) for a in message.actions if _is_web(a.url)],
        links=[(label, url) for label, url in words.links(message) if _is_web(url)],
        why="" if notice else words.one_line(message.why), rest=words.rest(message),
        number=words.one_line(message.incident_number), t=t,
    )  # fmt: skip


def _headers(message: Message, domain: str) -> dict[str, str]:
    incident = _id("incident", message.incident_id, domain)
    urgent = message.kind == "page" and message.severity in _URGENT
    return {
        "Message-ID": _id(message.kind, message.delivery_id, domain),
        # No mail has the incident's own id; all of its mails answer it, so clients group them.
        "In-Reply-To": incident,
        "References": incident,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"Bongsu <bongsu.{domain}>",
        "X-Bongsu-Incident": words.fit(words.one_line(message.incident_number), 60),
        **({"Importance": "high", "X-Priority": "1"} if urgent else {}),
    }


def _id(kind: str, name: str, domain: str) -> str:
    """A message id: the same name gives the same id, and no name can break out of it."""
    safe = re.sub(r"[^A-Za-z0-9/_-]", lambda found: f"={ord(found[0]):x}=", name)
    if len(safe) > _LONGEST_ID:
        safe = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<{kind}.{safe}@{domain}>"


def _is_web(address: str) -> bool:
    return address.startswith(_WEB)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  when needed

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("message.html")


def warm() -> None:
    """Load the template and the Markdown parser ahead of the first mail."""
    _template()
    parser()
