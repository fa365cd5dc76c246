"""Records as pandas tables, and the front as CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from statistics import fmean

import pandas as pd

from seesaw_nas.architecture import cost as arithmetic
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.cells import mark_formula
from seesaw_nas.core.files import replace_file
from seesaw_nas.core.optional import require
from seesaw_nas.deploy.latency import NO_TIMINGS, Latency, Timings
from seesaw_nas.evaluators.table import Recorded, Table
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete, front
from seesaw_nas.search.standing import Standing
from seesaw_nas.space import Budget, costs
from seesaw_nas.space.costs import BlockTimes


def frame(records: Sequence[TrialRecord] | Sequence[CompleteTrial]) -> pd.DataFrame:
    """One row a trial, in the order given; ``top1`` is a fraction, ``seconds`` wall-clock, counts exact.

    What a trial lacks is missing (``pd.NA`` or NaN), never 0. ``epochs`` counts the epochs that were recorded.
    """
    top1 = [math.nan if r.top1 is None else r.top1 for r in records]
    columns = {
        "number": pd.array([r.number for r in records], dtype="Int64"),
        "state": pd.array([r.state for r in records], dtype="string"),
        "digest": pd.array([r.digest for r in records], dtype="string"),
        "macs": pd.array([r.macs for r in records], dtype="Int64"),
        "params": pd.array([r.params for r in records], dtype="Int64"),
        "top1": pd.array(top1, dtype="float64"),
        "split": pd.array([r.split for r in records], dtype="string"),
        "seed": pd.array([r.seed for r in records], dtype="Int64"),
        "seconds": pd.array([r.seconds for r in records], dtype="float64"),
        "epochs": pd.array([len(r.curve) for r in records], dtype="Int64"),
        "reason": pd.array([r.reason for r in records], dtype="string"),
        "origin": pd.array([r.origin for r in records], dtype="string"),
    }
    return pd.DataFrame(columns)


def front_frame(
    records: Sequence[TrialRecord],
    *,
    budget: Budget,
    timings: Timings = NO_TIMINGS,
    standing: Standing | None = None,
    profile: BlockTimes | None = None,
) -> pd.DataFrame:
    """One row a member of the front, from the fewest Multi-Adds to the most, ranked from 1.

    With ``standing`` the front is the one of that, and where it has estimates, ``estimate``, ``estimate_sd`` and the
    other fields of :class:`seesaw_nas.search.worth.Figures` are columns; ``top1`` is the observed one. Without it
    the front is that of the observed figures.
    Every cost has a column with its measure in the name, such as ``int8_memory_bytes``: Multi-Adds, parameters, weights
    and peak memory; ``latency_ms`` only with a ``profile``, or where the budget has one. ``budget_share`` is Multi-Adds
    over the budget's upper end, a fraction, missing where it does not bound them; ``memory_share`` and the like are
    those of the other costs that the budget bounds. ``fused_batch1_ms`` and the like are median
    latencies, and only there where some are in ``timings``. ``stage_1`` and on hold the architecture (see
    :func:`stage_texts`); an architecture with fewer stages than another leaves the last ones empty.
    """
    members = front(complete(records)) if standing is None else standing.front()
    table = frame(members).rename(columns={"number": "trial"})
    table.insert(0, "rank", range(1, len(members) + 1))
    table = table[["rank", "trial", "digest", "macs", "params", "top1", "split", "seed", "seconds"]]
    told = [cost for cost in costs.every(profile) if cost.column not in table]
    told += [bound.cost for bound in budget.others if bound.cost not in costs.every(profile)]
    for place, cost in enumerate(told, start=list(table.columns).index("params") + 1):
        table.insert(place, cost.column, [cost.number(cost.of(member.architecture)) for member in members])
    estimated = [] if standing is None else [asdict(known) for one in members if (known := standing.figures(one))]
    for place, name in enumerate(estimated[0] if estimated else (), start=list(table.columns).index("top1") + 1):
        table.insert(place, name, [row[name] for row in estimated])
    table["budget_share"] = table["macs"].astype("float64") / (budget.high if budget.by_macs else math.nan)
    for bound in budget.others:
        name, high = f"{'_'.join(bound.cost.name.split())}_share", bound.cost.number(bound.high)
        table[name] = table[bound.cost.column].astype("float64") / high
    found = [timings.latencies.get(member.digest, ()) for member in members]
    for backend, batch in dict.fromkeys((entry.backend, entry.batch) for entries in found for entry in entries):
        table[f"{backend}_batch{batch}_ms"] = [_median_ms(entries, backend, batch) for entries in found]
    texts = [stage_texts(member.architecture) for member in members]
    for i in range(max(map(len, texts), default=0)):
        table[f"stage_{i + 1}"] = [stages[i] if i < len(stages) else "" for stages in texts]
    return table


def _median_ms(latencies: Sequence[Latency], backend: str, batch: int) -> float:
    same = [entry.median_ms for entry in latencies if (entry.backend, entry.batch) == (backend, batch)]
    return math.nan if not same or same[0] is None else same[0]


def stage_texts(architecture: Architecture | None) -> list[str]:
    """A line a stage: ``c24 s2: 2 x t6 k3 1:3 shuffle`` is two such blocks to 24 channels, the first of stride 2."""
    lines = []
    for stage in architecture.stages if architecture else ():
        runs = [(len(list(same)), text) for text, same in groupby(map(str, stage.blocks))]
        blocks = ", ".join(f"{count} x {text}" if count > 1 else text for count, text in runs)
        lines.append(f"c{stage.channels} s{stage.stride}: {blocks}")
    return lines


def write_csv(
    path: Path,
    records: Sequence[TrialRecord],
    *,
    budget: Budget,
    timings: Timings = NO_TIMINGS,
    standing: Standing | None = None,
    profile: BlockTimes | None = None,
) -> None:
    """Write :func:`front_frame` as UTF-8 CSV with a header line, all at once or not at all.

    Read ``digest`` back as text: one such as ``12e4567890123456`` looks like a number.

    Raises:
        OSError: the file cannot be written.
    """
    table = front_frame(records, budget=budget, timings=timings, standing=standing, profile=profile)
    write_table(path, table)


def trials_frame(runs: Mapping[str, Sequence[TrialRecord]]) -> pd.DataFrame:
    """Every trial of several runs: :func:`frame` below a column ``run``, and the stages in words in ``stages``."""
    tables = []
    for name, found in runs.items():
        table = frame(found)
        table.insert(0, "run", pd.Series([name] * len(found), dtype="string"))
        texts = [" | ".join(stage_texts(record.architecture)) for record in found]
        table["stages"] = pd.array(texts, dtype="string")
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet where ``path`` ends so, else as UTF-8 CSV; all at once or not at all.

    In CSV a text that a spreadsheet would compute begins with an apostrophe, see :func:`mark_formula`.

    Raises:
        OSError: the file cannot be written.
        OptionError: it is to be Parquet, and pyarrow is not installed.
    """
    is_parquet = path.suffix.lower() == ".parquet"
    with require("pyarrow"):
        content = table.to_parquet(index=False) if is_parquet else _as_csv(table).encode()
    replace_file(path, content)


def _as_csv(table: pd.DataFrame) -> str:
    texts = {
        str(name): column.map(lambda value: mark_formula(value) if isinstance(value, str) else value)
        for name, column in table.items()
        if not pd.api.types.is_numeric_dtype(column)
    }
    written: str = table.assign(**texts).to_csv(index=False, lineterminator="\n")
    return written


def records_of_table(table: Table) -> list[TrialRecord]:
    """A record an architecture, as if trained once: top-1 is the mean over its trainings, the curve the first's."""
    return [_record_of(number, entry) for number, entry in enumerate(table.entries)]


def _record_of(number: int, entry: Recorded) -> TrialRecord:
    (seed, curve), *_ = entry.curves.items()
    top1 = [last.top1 for *_, last in entry.curves.values() if last.top1 is not None]
    return TrialRecord(
        number=number,
        state="complete" if top1 else "failed",
        architecture=entry.architecture,
        macs=entry.macs,
        params=arithmetic.params(entry.architecture),
        top1=fmean(top1) if top1 else None,
        seed=seed,
        seconds=sum(epoch.seconds for curve in entry.curves.values() for epoch in curve),
        curve=curve,
        reason=f"mean of {len(top1)} trainings",
    )
