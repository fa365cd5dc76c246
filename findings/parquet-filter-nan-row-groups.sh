#!/bin/sh
# Guess: which rows pyarrow's `read_table(filters=...)` keeps depends on the rows, and not on how many of them the file
# has in a row group; a filter for NaN finds every NaN.
# Seen (pyarrow 26.0.1): it depends on the row groups. The least and the largest value written for a row group leave NaN
# out, and a row group is passed over by these two alone: of one that holds 1.0 and NaN, `is_nan`, `!= 1.0`, `not in
# [1.0]` and "not (<= 1.0)" return nothing, though each of them returns the NaN when the same rows are one row group, or
# a row group each. apache/arrow#34162 reports a case of it, is_null(nan_is_null=True).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

loss = pc.field("loss")
FILTERS = {
    "is_nan": loss.is_nan(),
    "!= 1.0": [("loss", "!=", 1.0)],
    "not in [1.0]": [("loss", "not in", [1.0])],
    "not (<= 1.0)": ~(loss <= 1.0),
}
table = pa.table({"loss": [1.0, float("nan"), 2.0, 3.0], "row": [0, 1, 2, 3]})


def kept(size, rows):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=size)
    return pq.read_table(pa.BufferReader(sink.getvalue()), filters=rows)["row"].to_pylist()


print("pyarrow", pa.__version__, "losses", table["loss"].to_pylist())
for name, rows in FILTERS.items():
    one, two, four = (kept(size, rows) for size in (1, 2, 4))
    print(f"{name}: rows {one} of row groups of 1, {two} of 2, {four} of 4")
    assert one == four
    assert 1 in four
    assert two == [row for row in four if row != 1]
PYTHON
