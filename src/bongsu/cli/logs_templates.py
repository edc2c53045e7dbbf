"""``bongsu logs templates``: what kinds of lines a log has, and which kind each line is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Annotated

import typer

from bongsu.cli import language
from bongsu.cli.printing import AsJson
from bongsu.i18n import N_, translator

if TYPE_CHECKING:
    from bongsu.logs.decoding import Data
    from bongsu.logs.miner import Miner

t = translator(language())
UNREADABLE = 2
CHUNK = 1 << 16
"""lines that are written at once"""


def templates(
    file: Annotated[str, typer.Argument(help=t(N_("a log file, also gz or zst; - for a pipe")))],
    *,
    assign: Annotated[
        bool,
        typer.Option(
            "--assign", help=t(N_("print the template of each line: id, tab, template; in order"))
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print each template with its count, most frequent first; or the template of each line."""
    from bongsu.logs.files import UnreadableLog
    from bongsu.logs.miner import Miner

    try:
        if assign:
            _print_assigned(Miner(stacks=False), _data(file), as_json=as_json)
        else:
            _print_counted(Miner(stacks=True), _data(file), as_json=as_json)
    except UnreadableLog as error:
        print(f"bongsu: {t(error.text, **error.values)}", file=sys.stderr)
        raise typer.Exit(UNREADABLE) from None


def template_id(text: str) -> str:
    """Return the id of a template: the same wherever and whenever its text is."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _data(file: str) -> Iterator[Data]:
    from bongsu.logs.files import blocks, stream

    return stream(sys.stdin.buffer) if file == "-" else blocks(Path(file))


def _print_counted(miner: Miner, data: Iterable[Data], *, as_json: bool) -> None:
    import numpy as np

    from bongsu.logs.masking import mask

    seen = np.zeros(0, np.int64)
    for block in miner.feed_all(data):
        counts = np.bincount(block.shapes, minlength=len(seen))
        counts[: len(seen)] += seen
        seen = counts
    found = miner.templates()
    counts = np.bincount(found.of_shape, weights=seen, minlength=len(found.texts))
    rows = sorted(zip((-counts).astype(int).tolist(), found.texts, strict=True))
    if as_json:
        entries = [{"id": template_id(x), "template": mask(x), "count": -n} for n, x in rows]
        whole = {"records": int(seen.sum()), "templates": entries}
        print(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    for count, text in rows:
        sys.stdout.buffer.write(f"{-count:>9}  {template_id(text)}  {mask(text)}\n".encode())


def _print_assigned(miner: Miner, data: Iterable[Data], *, as_json: bool) -> None:
    # As long as the log has lines: on disk, so that memory doesn't grow with the log.
    with TemporaryFile() as shapes:
        for block in miner.feed_all(data):
            shapes.write(block.shapes.tobytes())
        shapes.seek(0)
        _write_assigned(miner, shapes, as_json=as_json)


def _write_assigned(miner: Miner, shapes: IO[bytes], *, as_json: bool) -> None:
    import numpy as np

    found = miner.templates()
    written = [_written(text, as_json=as_json) for text in found.texts]
    while part := shapes.read(4 * CHUNK):
        numbers = found.of_shape[np.frombuffer(part, np.int32)].tolist()
        sys.stdout.buffer.write(b"".join([written[number] for number in numbers]))


def _written(text: str, *, as_json: bool) -> bytes:
    from bongsu.logs.masking import mask

    name, shown = template_id(text), mask(text)
    if as_json:
        entry = {"id": name, "template": shown}
        return json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    return f"{name}\t{shown}\n".encode("utf-8", "replace")
