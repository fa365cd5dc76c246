"""A glance at a history says what reading all of it says."""

from collections import Counter
from dataclasses import replace

import pytest

from seesaw_nas.core.errors import RunError
from seesaw_nas.search.history.glance import glance
from seesaw_nas.search.history.trials_file import read_records
from seesaw_nas.space import Feasible
from seesaw_nas.training.epoch import Epoch

CURVE = (Epoch(1, 2.0, None, None, 0.5), Epoch(2, 1.0, 1.1, 0.75, 0.5))


@pytest.fixture
def journal(tmp_path, make_history, small_space):
    """A history with a trial of every state; reasons quote what a careless reader would take for figures."""
    import numpy as np

    path = tmp_path / "trials.jsonl"
    history, rng = make_history(path, small_space), np.random.default_rng(0)
    draw = Feasible.of(small_space, "100%").draw
    ends = [
        ("complete", {"top1": 0.5, "curve": CURVE, "reason": ',"top1":0.99'}), ("complete", {"top1": 0.625}),
        ("failed", {"reason": '{"end":1,"state":"complete","top1":0.9}'}), ("infeasible", {}),
        ("duplicate", {"top1": 0.5}),
        ("stopped", {"curve": CURVE}), ("paused", {"curve": CURVE}), ("running", {}), ("complete", {"top1": 1e-05}),
    ]  # fmt: skip
    for state, more in ends:
        number = history.add(draw(rng), "exact draw")
        history.attempt(number)
        record = replace(history[number], state=state, **more)
        if state == "paused":
            history.pause(number, record)
            history.go_on(number)
        elif state != "running":
            history.finish(number, record)
    history.note("about", {"end": 1, "state": "complete"})
    history.close()
    return path


def test_a_glance_counts_what_the_records_say(journal):
    seen, records = glance(journal), read_records(journal)
    assert seen.counts == Counter(record.state for record in records)
    assert seen.counts == {
        "complete": 3, "failed": 1, "infeasible": 1, "duplicate": 1, "stopped": 1, "paused": 1, "running": 1,
    }  # fmt: skip
    assert (seen.best, seen.begun, seen.open) == (0.625, 7, 2)
    assert seen.began == records[0].started > 0


def test_a_line_that_is_being_written_is_left_out(journal):
    before = glance(journal)
    with journal.open("ab") as file:
        file.write(b'{"end":7,"state":"complete","top1":0.9')
    assert glance(journal) == before


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b'{"else":1}\n', b'{"end":7}\n', b'{"propose":9\n', b"\xff\n"])
def test_a_damaged_line_is_told_with_its_number(journal, line):
    number = len(journal.read_bytes().splitlines()) + 1
    with journal.open("ab") as file:
        file.write(line)
    with pytest.raises(RunError, match=f"line {number} is damaged; restore the file"):
        glance(journal)


def test_another_file_is_no_history(tmp_path):
    for content in (b"hello\n", b"{}\n", b"[1]\n"):
        (tmp_path / "trials.jsonl").write_bytes(content)
        with pytest.raises(RunError, match="is not a readable history of a search"):
            glance(tmp_path / "trials.jsonl")
