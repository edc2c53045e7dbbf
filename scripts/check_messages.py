"""Checks that every message the program can show is translated in every catalogue.

Reads the sources and templates under src/ and each LC_MESSAGES/*.po there; prints
`file:line: what is wrong`. A translation marked fuzzy is a guess, and counts as none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "bongsu"
METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/templates/**.txt", "jinja2"),
]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}


def used() -> Catalog:
    """Collect the messages that the sources use."""
    catalogue = Catalog()
    for path, line, message, _, context in extract_from_dir(
        SOURCES, METHODS, keywords=KEYWORDS, comment_tags=()
    ):
        place = f"{(SOURCES / path).relative_to(ROOT)}"
        catalogue.add(message, locations=[(place, line)], context=context)
    return catalogue


def problems(po: Path, template: Catalog) -> Iterator[str]:
    """Say what one catalogue lacks, and what it has for nothing."""
    name = po.relative_to(ROOT)
    with po.open("rb") as source:
        catalogue = read_po(source, abort_invalid=True)
    for message in template:
        if not message.id:
            continue  # The catalogue's header.
        translation = catalogue.get(message.id, message.context)
        place, line = message.locations[0]
        if translation is None:
            yield f"{place}:{line}: {message.id!r} is not in {name}"
        elif translation.fuzzy or not _complete(translation.string):
            yield f"{name}:{translation.lineno}: {message.id!r} is not translated"
    for message in catalogue:
        if message.id and template.get(message.id, message.context) is None:
            yield f"{name}:{message.lineno}: nothing uses {message.id!r} any more"
        for error in message.check(catalogue):
            yield f"{name}:{message.lineno}: {error}"


def _complete(translation: str | list[str] | tuple[str, ...]) -> bool:
    return bool(translation) if isinstance(translation, str) else all(translation)


def main() -> int:
    """Check all catalogues."""
    template = used()
    catalogues = sorted(SOURCES.rglob("LC_MESSAGES/*.po"))
    found = [problem for po in catalogues for problem in problems(po, template)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(template)} messages, {len(catalogues)} catalogues, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
