"""From a path in the manual to the file and line in which it was written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bongsu.manual.chapters import file_of, within_file
from bongsu.manual.problems import KeyPath, Problem
from bongsu.manual.yamlfile import Node


class Places:
    """The lines of a manual that was read from a folder; empty for one that was not."""

    def __init__(self, roots: Mapping[str, Node] | None = None) -> None:
        self._roots = roots or {}

    def locate(self, problem: Problem) -> Problem:
        """Put file and line to a problem that has a path alone.

        It stands at its entry, or where that is absent at the nearest one around it. A line that
        the problem brings along (of a template) is kept.
        """
        file = problem.file or file_of(problem.path)
        if problem.line or file not in self._roots:
            return problem._replace(file=file)
        line, column = deepest(self._roots[file], within_file(problem.path))
        return problem._replace(file=file, line=line, column=column)

    def locate_all(self, problems: Iterable[Problem]) -> list[Problem]:
        """Locate problems and put them into the order of the files and lines."""
        placed = [self.locate(problem) for problem in problems]
        return sorted(placed, key=lambda p: (p.file, p.line, p.column, p.what))


NOWHERE = Places()


def deepest(root: Node, path: KeyPath) -> tuple[int, int]:
    """Return line and column of the entry that ``path`` leads to, as far as it does.

    Steps that the file doesn't have are passed over: pydantic's paths also name which type of a
    union was tried, and a short form has no entries of its own.
    """
    place, node = (root.line, root.column), root
    for step in path:
        child = node.children.get(step)
        if child is None:
            continue
        place = node.keys.get(str(step), (child.line, child.column))
        node = child
    return place


def entry(root: Node, path: KeyPath) -> Node:
    """Return the node that ``path`` leads to, as far as it does; steps as in `deepest`."""
    node = root
    for step in path:
        node = node.children.get(step, node)
    return node
