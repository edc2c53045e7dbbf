"""Reading a manual: from a folder, with file and line in every error, or from its stored form.

All problems of all files are found in one go. Nothing else of the package reads files, but for
`bongsu.manual.scaffold`, which writes new ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bongsu.i18n import N_
from bongsu.manual.chapters import (
    CHAPTERS,
    HEAD,
    PLAYBOOKS,
    REQUIRED,
    SCHEMAS,
    TEMPLATES,
    file_of,
)
from bongsu.manual.positions import Places
from bongsu.manual.problems import (
    KeyPath,
    ManualError,
    Problem,
    UnreadableManual,
    error,
    instead,
)
from bongsu.manual.schema.base import Model
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.playbooks import Playbook
from bongsu.manual.schema.review import Review
from bongsu.manual.wording import problem_of
from bongsu.manual.yamlfile import Node, decode_text, parse

_MOST_FILES = 1000


def load(folder: Path) -> Manual:
    """Read the manual in ``folder``; whether it would work is `bongsu.manual.check`'s to say.

    Raises:
        UnreadableManual: there is no manual, or it can't be opened.
        ManualError: with every problem of every file.
    """
    return read(folder)[0]


def read(folder: Path) -> tuple[Manual, Places]:
    """Read the manual in ``folder``, and remember on which line each entry stands.

    Raises:
        UnreadableManual: there is no manual, or it can't be opened.
        ManualError: with every problem of every file.
    """
    if not folder.is_dir():
        raise UnreadableManual(N_("there is no folder {folder}"), folder=str(folder))
    try:
        files = dict(sorted(_files(folder)))
    except OSError as failure:
        raise UnreadableManual(
            N_("{folder} can't be read: {reason}"),
            folder=str(folder), reason=failure.strerror or str(failure),
        ) from failure  # fmt: skip
    if HEAD not in files:
        raise UnreadableManual(
            N_("{folder} is not a manual: it has no {head}"), folder=str(folder), head=HEAD
        )
    return assemble(files)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read the files that a manual is made of; any others in the folder are left alone."""
    patterns = ("*.yaml", "*.yml", "*.md", f"{PLAYBOOKS}/*.y*ml", f"{TEMPLATES}/*")
    count = 0
    for pattern in patterns:
        for path in folder.glob(pattern):
            count += 1
            if count > _MOST_FILES:
                raise UnreadableManual(
                    N_("{folder} has more than {count} files"),
                    folder=str(folder),
                    count=_MOST_FILES,
                )
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(folder).as_posix(), path.read_bytes()


class _Reading:
    """What has been read of a folder so far: chapters, lines, problems."""

    def __init__(self) -> None:
        self.chapters: dict[str, Any] = {}
        self.playbooks: dict[str, Playbook] = {}
        self.texts: dict[str, str] = {}
        self.roots: dict[str, Node] = {}
        self.problems: list[Problem] = []

    def file(self, name: str, raw: bytes) -> None:
        """Take in one file."""
        if name.endswith((".yaml", ".yml")) and not name.startswith(f"{TEMPLATES}/"):
            self._yaml(name, raw)
        elif name.startswith(f"{TEMPLATES}/"):
            self.text(name, raw)

    def text(self, name: str, raw: bytes) -> None:
        """Take in a Markdown file."""
        text = decode_text(name, raw)
        if isinstance(text, Problem):
            self.problems.append(text)
        else:
            self.texts[name] = text

    def _yaml(self, name: str, raw: bytes) -> None:
        path, model = _chapter_of(name)
        if model is None:
            self.problems.append(_no_chapter(name))
            return
        root = parse(name, raw)
        if isinstance(root, Problem):
            self.problems.append(root)
            return
        self.roots[name] = root
        self._validate(name, path, model, root)

    def _validate(self, name: str, path: KeyPath, model: type[Model], root: Node) -> None:
        try:
            chapter = model.model_validate(root.value)
        except ValidationError as failure:
            self.problems.extend(
                problem_of(details, name, path, root, model)
                for details in failure.errors(include_url=False)
            )
            return
        if isinstance(chapter, Playbook):
            self.playbooks[str(path[1])] = chapter
        else:
            self.chapters[str(path[0])] = chapter


def _chapter_of(name: str) -> tuple[KeyPath, type[Model] | None]:
    """Return where in the manual a file belongs, and its type; None for a file of no chapter."""
    folder, _, file = name.rpartition("/")
    stem = file.removesuffix(".yaml")
    if stem == file:
        return (), None
    if folder == PLAYBOOKS:
        return ("playbooks", stem), Playbook
    for chapter, model in CHAPTERS.items():
        if file_of((chapter,)) == name:
            return (chapter,), model
    return (), None


def _no_chapter(name: str) -> Problem:
    if name.endswith(".yml"):
        right = name.removesuffix(".yml") + ".yaml"
        return error(
            (), N_("files of a manual end in .yaml"), N_("rename it to {name}"), name=right
        )._replace(file=name)
    mend, values = instead(name, [f"{stem}.yaml" for stem in SCHEMAS if stem != "playbook"])
    return error((), N_("a manual has no chapter of this name"), mend, **values)._replace(file=name)


def assemble(files: Mapping[str, bytes]) -> tuple[Manual, Places]:
    """Make a manual of its files, given by their path in the folder.

    Raises:
        ManualError: with every problem of every file.
    """
    reading = _Reading()
    for name, raw in files.items():
        reading.file(name, raw)
    reading.problems.extend(_absent(files))
    for name in _named(reading) & files.keys() - reading.texts.keys():
        reading.text(name, files[name])
    if reading.problems:
        raise ManualError(reading.problems)
    manual = Manual(**reading.chapters, playbooks=reading.playbooks, texts=reading.texts)
    return sealed(manual), Places(reading.roots)


def _absent(files: Mapping[str, bytes]) -> Iterator[Problem]:
    for chapter in REQUIRED:
        file = file_of((chapter,))
        if file not in files:
            yield error(
                (chapter,),
                N_("this chapter is missing"),
                N_("write it; `bongsu init` shows its form"),
            )._replace(file=file)


def _named(reading: _Reading) -> set[str]:
    """Return the texts beside ``templates/`` that the manual names; a README is none of them."""
    plan, review = reading.chapters.get("communication"), reading.chapters.get("review")
    named = {template.file for template in plan.templates.values()} if plan else set()
    return {*named, (review or Review()).template}


def sealed(manual: Manual) -> Manual:
    """Return the manual with the hash of its content.

    Comments, formatting, the order of files and keys, and values that equal the default make no
    difference to it.
    """
    content = manual.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"sha"})
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return manual.model_copy(update={"sha": hashlib.sha256(canonical.encode()).hexdigest()})


def to_document(manual: Manual) -> bytes:
    """Write a manual as JSON, to be read by `from_document`.

    Every default is spelt out, so that a later release whose defaults differ still decides old
    incidents as they were meant.
    """
    return manual.model_dump_json(by_alias=True).encode()


def from_document(document: bytes | str) -> Manual:
    """Read a manual back from `to_document`; its hash is the one it was stored with.

    Raises:
        UnreadableManual: this is no manual that this release understands.
    """
    try:
        manual = Manual.model_validate_json(document)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise UnreadableManual(
            N_("the stored manual can't be read: {place}: {reason}"),
            place=".".join(map(str, first["loc"])), reason=first["msg"],
        ) from failure  # fmt: skip
    return manual if manual.sha else sealed(manual)
