"""Templates: is every file there, and can it be written with the variables of its kind?"""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.i18n import N_
from bongsu.manual.chapters import TEMPLATES
from bongsu.manual.problems import KeyPath, Problem, error, instead, warning
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.review import Review
from bongsu.manual.templates import Fault, Kind, faults, samples


def problems(manual: Manual) -> Iterator[Problem]:
    """Look at the message templates, the review's and the titles of routes."""
    for name, template in manual.communication.templates.items():
        path = ("communication", "templates", name, "file")
        yield from _file(manual, path, template.file, template.kind)
    if manual.review != Review() or manual.review.template in manual.texts:
        yield from _file(manual, ("review", "template"), manual.review.template, "review")
    for index, route in enumerate(manual.signals.routes):
        if route.title is not None:
            yield from _title(("signals", "routes", index, "title"), route.title)
    yield from _title(("signals", "default", "title"), manual.signals.default.title)
    yield from _unused(manual)


def _file(manual: Manual, path: KeyPath, file: str, kind: Kind) -> Iterator[Problem]:
    source = manual.texts.get(file)
    if source is None:
        right = f"{TEMPLATES}/{file}"
        known = [right] if right in manual.texts else manual.texts
        mend, values = instead(file, known)
        yield error(path, N_("there is no file {file}"), mend, file=file, **values)
        return
    for fault in faults(source, kind):
        yield _fault(("texts", file), fault, kind)._replace(line=fault.line, file=file)


def _title(path: KeyPath, source: str) -> Iterator[Problem]:
    for fault in faults(source, "title"):
        yield _fault(path, fault, "title")


def _fault(path: KeyPath, fault: Fault, kind: Kind) -> Problem:
    if fault.variable:
        mend, values = instead(fault.variable, samples(kind))
        return error(
            path, N_("a template of the kind {kind} has no variable {name}"), mend,
            kind=kind, name=fault.variable, **values,
        )  # fmt: skip
    return error(
        path, N_("this template fails ({error})"),
        N_("look at its {{{{ }}}} and {{% %}}"), error=fault.error,
    )  # fmt: skip


def _unused(manual: Manual) -> Iterator[Problem]:
    used = {template.file for template in manual.communication.templates.values()}
    for file in manual.texts:
        if file.startswith(f"{TEMPLATES}/") and file not in used:
            yield warning(
                ("texts", file), N_("no template of communication.yaml names this file"),
                N_("add it there, or delete it"),
            )  # fmt: skip
