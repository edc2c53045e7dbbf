"""How well lines are grouped, against labelled samples, beside Drain3; no setting per data set.

    python bench log_accuracy DIR

``DIR`` has a folder a data set as LogHub ships them: ``NAME/NAME_2k.log_structured.csv`` with the
columns Content and EventId, and ``NAME/NAME_2k.log``, the same lines raw. They are not part of the
project: https://github.com/logpai/loghub.

GA, grouping accuracy: the share of lines whose whole group is exactly a true group. FGA: the
harmonic mean of the shares of right groups among ours and among the true ones.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from statistics import mean

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from bongsu.logs.miner import Miner

Groups = Sequence[Hashable]
# As drain3's own documentation and example configuration have them.
DOCUMENTED_MASKS = [
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9A-F]{4} ?){4,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
    (r"(?<=executed cmd )(\".+?\")", "CMD"),
]


def ours(lines: Sequence[str]) -> Groups:
    miner = Miner(stacks=False)
    block = miner.feed("".join(f"{line}\n" for line in lines).encode())
    return list(miner.templates().of_shape[block.shapes].tolist())


def drain3(lines: Sequence[str], masks: Sequence[tuple[str, str]] = ()) -> Groups:
    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(*mask) for mask in masks]
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(line.strip())["cluster_id"] for line in lines]


def drain3_masked(lines: Sequence[str]) -> Groups:
    return drain3(lines, DOCUMENTED_MASKS)


MINERS: dict[str, Callable[[Sequence[str]], Groups]] = {
    "bongsu": ours,
    "drain3": drain3,
    "drain3, masks": drain3_masked,
}


def accuracy(predicted: Groups, true: Groups) -> tuple[float, float]:
    """Return GA and FGA."""
    ours, theirs = _members(predicted), _members(true)
    right = [group for group in ours if group in theirs]
    if not right:
        return 0.0, 0.0
    precision, recall = len(right) / len(ours), len(right) / len(theirs)
    return sum(map(len, right)) / len(true), 2 * precision * recall / (precision + recall)


def _members(groups: Groups) -> set[tuple[int, ...]]:
    members = defaultdict(list)
    for line, group in enumerate(groups):
        members[group].append(line)
    return {tuple(lines) for lines in members.values()}


def samples(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """Return a data set's contents, raw lines and labels."""
    with next(folder.glob("*_structured.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = next(folder.glob("*.log")).read_bytes().decode("utf-8", "replace")
    raw = [line.rstrip("\r") for line in text.split("\n")][: len(rows)]
    return [row["Content"] for row in rows], raw, [row["EventId"] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(prog="log_accuracy", description=__doc__)
    parser.add_argument("folder", type=Path)
    folders = sorted(p.parent for p in parser.parse_args().folder.glob("*/*_structured.csv"))
    if not folders:
        sys.exit("no */*_structured.csv there")
    table = {folder.name: samples(folder) for folder in folders}
    for what, column in (("content", 0), ("raw", 1)):
        print(f"\n{what:14}" + "".join(f"{name:>18}" for name in MINERS) + "   (GA / FGA)")
        found = defaultdict(list)
        for name, sample in table.items():
            for miner, mine in MINERS.items():
                found[miner].append(accuracy(mine(sample[column]), sample[2]))
            _print(name, [scores[-1] for scores in found.values()])
        means = [
            (mean(s[0] for s in scores), mean(s[1] for s in scores)) for scores in found.values()
        ]
        _print("mean", means)


def _print(name: str, scores: Sequence[tuple[float, float]]) -> None:
    print(f"{name:14}" + "".join(f"{ga:>11.3f} /{fga:.3f}" for ga, fga in scores), flush=True)


if __name__ == "__main__":
    main()
