"""Counts by shape and time, whichever way they are added up."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.logs import counting
from bongsu.logs.counting import Counts

RECORDS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5000)), min_size=1, max_size=200)


@pytest.mark.parametrize("sparse", [0, 1 << 40])
@given(records=RECORDS, width=st.sampled_from([1, 15, 60]))
def test_every_record_is_counted_in_its_step(sparse, records, width):
    counts = Counts(width, None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counting, "SPARSE", sparse)
        for part in records[: len(records) // 2], records[len(records) // 2 :]:
            shapes = np.array([shape for shape, _ in part], np.int32)
            counts.add(shapes, np.array([at for _, at in part], np.int64))
    cells = counts.cells()
    found = zip(cells.shapes.tolist(), cells.steps.tolist(), cells.counts.tolist(), strict=True)
    assert list(found) == sorted(
        (shape, step, n)
        for (shape, step), n in Counter((shape, at // width) for shape, at in records).items()
    )
