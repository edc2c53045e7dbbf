"""The response organisation as a tree: top-down where there is room, indented on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bongsu.manual.render import inline
from bongsu.manual.render.blocks import Figure
from bongsu.manual.render.edition import Edition
from bongsu.manual.render.figures import mermaid
from bongsu.manual.render.figures.drawing import draw, fit, wrap

_NAME, _SUB = 13.0, 11.0
_WIDE_BOX, _WIDE_HEIGHT, _GAP, _LEVEL = 122.0, 78.0, 8.0, 110.0
_MOST_COLUMNS = 8
_NARROW_WIDTH, _ROW, _NARROW_HEIGHT, _INDENT = 344.0, 54.0, 46.0, 20.0
_PAD = 5.0


@dataclass(frozen=True)
class Role:
    """One box of the tree, as a reader sees it."""

    id: str
    name: str
    holders: str
    under: tuple[Role, ...]

    @property
    def columns(self) -> int:
        """How many boxes stand side by side at its lowest level."""
        return sum(role.columns for role in self.under) or 1


@dataclass(frozen=True)
class Box:
    """A drawn role."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    subs: tuple[str, ...]
    level: int
    """how deep in the tree; -1 stands outside of it"""


@dataclass(frozen=True)
class Drawing:
    """Boxes and the lines between them."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]


def organisation_figure(edition: Edition) -> Figure:
    """Draw the roles, who reports to whom, and who holds them."""
    t, roots = edition.t, roles(edition)
    title = t("Roles, and who reports to whom")
    reports_to = t("reports to")
    describe = t("Tree of roles. {roles}", roles=" ".join(_sentences(roots, reports_to)))
    narrow, wide = indented(roots), top_down(roots)
    return Figure(
        title,
        describe,
        _svg(title, describe, wide or narrow),
        _svg(title, describe, narrow),
        mermaid.diagram("graph TD", [line for root in roots for line in _mermaid(root)]),
    )


def roles(edition: Edition) -> list[Role]:
    """Return the trees of the organisation, the tallest first; roles in a circle are left out."""
    known = edition.manual.team.roles

    def made(name: str) -> Role:
        return Role(
            name,
            inline.bare(edition.role(name)),
            inline.bare(inline.listing(map(edition.person, known[name].held_by))),
            tuple(made(other) for other, role in known.items() if role.reports_to == name),
        )

    tops = [made(name) for name, role in known.items() if role.reports_to not in known]
    return sorted(tops, key=lambda role: not role.under)


def _sentences(roots: list[Role] | tuple[Role, ...], reports_to: str) -> Iterator[str]:
    for role in roots:
        for below in role.under:
            yield f"{below.name} {reports_to} {role.name}."
        yield from _sentences(role.under, reports_to)


def _svg(title: str, describe: str, drawing: Drawing) -> str:
    return draw("organisation.svg", title=title, describe=describe, drawing=drawing)


def _mermaid(role: Role) -> Iterator[str]:
    label = f"{mermaid.escape(role.name)}<br/>{mermaid.escape(role.holders)}"
    yield f'{mermaid.node_id(role.id)}["{label}"]'
    for below in role.under:
        yield from _mermaid(below)
        yield f"{mermaid.node_id(role.id)} --> {mermaid.node_id(below.id)}"


# ── top-down ─────────────────────────────────────────────────────────────────────────────


def top_down(roots: list[Role]) -> Drawing | None:
    """Lay trees out one below the other, single boxes in one row; None where it gets too wide."""
    trees = [role for role in roots if role.under]
    single = [role for role in roots if not role.under]
    columns = max([role.columns for role in trees] + [min(len(single), _MOST_COLUMNS)], default=1)
    if columns > _MOST_COLUMNS:
        return None
    layout = _TopDown()
    for tree in trees:
        layout.tree(tree, 0.0, layout.below(), 0)
    y = layout.below()
    for index, role in enumerate(single):
        row, column = divmod(index, columns)
        layout.box(role, column * (_WIDE_BOX + _GAP), y + row * _LEVEL, -1)
    return _framed(columns * (_WIDE_BOX + _GAP) - _GAP, layout.boxes, layout.lines)


class _TopDown:
    """Boxes and lines as they are placed."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.lines: list[str] = []

    def below(self) -> float:
        """Return where the next row begins."""
        return max((box.y + _LEVEL for box in self.boxes), default=0.0)

    def tree(self, role: Role, x: float, y: float, level: int) -> float:
        """Place a role over the middle of those below it; returns its own middle."""
        middles, start = [], x
        for under in role.under:
            middles.append(self.tree(under, start, y + _LEVEL, level + 1))
            start += under.columns * (_WIDE_BOX + _GAP)
        middle = (middles[0] + middles[-1]) / 2 if middles else x + _WIDE_BOX / 2
        self.box(role, middle - _WIDE_BOX / 2, y, level)
        bottom, turn, top = y + _WIDE_HEIGHT, y + (_WIDE_HEIGHT + _LEVEL) / 2, y + _LEVEL
        self.lines += [f"M{middle:.1f} {bottom}V{turn}H{end:.1f}V{top}" for end in middles]
        return middle

    def box(self, role: Role, x: float, y: float, level: int) -> None:
        """Place one role."""
        room = _WIDE_BOX - 2 * _PAD
        names = tuple(wrap(role.name, room, _NAME, 2))
        holders = tuple(wrap(role.holders, room, _SUB, 2))
        self.boxes.append(Box(x, y, _WIDE_BOX, _WIDE_HEIGHT, names, holders, level))


# ── indented ─────────────────────────────────────────────────────────────────────────────


def indented(roots: list[Role]) -> Drawing:
    """Lay the roles out as a list, each below and to the right of the one it reports to."""
    boxes: list[Box] = []
    lines: list[str] = []
    for root in roots:
        _indent(root, 0 if root.under else -1, boxes, lines)
    return _framed(_NARROW_WIDTH, boxes, lines)


def _indent(role: Role, level: int, boxes: list[Box], lines: list[str]) -> float:
    """Draw a role and all below it; returns the middle of its left side."""
    x, y = max(level, 0) * _INDENT, len(boxes) * _ROW
    room = _NARROW_WIDTH - x - 2 * _PAD
    names = (fit(role.name, room, _NAME),)
    boxes.append(
        Box(x, y, _NARROW_WIDTH - x, _NARROW_HEIGHT, names, (fit(role.holders, room, _SUB),), level)
    )
    for below in role.under:
        middle = _indent(below, level + 1, boxes, lines)
        lines.append(f"M{x + _INDENT / 2} {y + _NARROW_HEIGHT}V{middle}H{x + _INDENT}")
    return y + _NARROW_HEIGHT / 2


def _framed(width: float, boxes: list[Box], lines: list[str]) -> Drawing:
    height = max((box.y + box.height for box in boxes), default=0.0)
    return Drawing(width, height, tuple(boxes), tuple(lines))
