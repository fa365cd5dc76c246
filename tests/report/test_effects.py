"""Effects of choices: recovered where they are known, and worked out by hand."""

import math

import numpy as np
import pytest
from drawn import block, network, notes, trial
from open_spaces import OPEN

from seesaw_nas import report
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError
from seesaw_nas.report.effects import t_quantile
from seesaw_nas.space import Feasible


def drawn(count, seed=0):
    """Networks of two stages with one or two blocks each, their choices drawn evenly."""
    rng = np.random.default_rng(seed)

    def one():
        partition = str(rng.choice(["1", "1:1", "1:3"]))
        return block(
            partition, "none" if partition == "1" else str(rng.choice(["shuffle", "none"])), int(rng.choice([2, 4]))
        )

    return [network(*([one() for _ in range(rng.integers(1, 3))] for _ in range(2))) for _ in range(count)], rng


def share(architecture, stage, found):
    blocks = architecture.stages[stage - 1].blocks
    return sum(map(found, blocks)) / len(blocks)


# What the made-up top-1 holds: so much for all blocks of a stage with a level instead of another.
UNEVEN, SHUFFLE, WIDE, SINGLE = 0.02, 0.015, -0.01, 0.03


def made_up(architecture):
    size = math.log(cost.macs(architecture))
    return (
        0.1 + 0.05 * size - 0.002 * size**2
        + UNEVEN * share(architecture, 2, lambda b: str(b.partition) == "1:3")
        + SHUFFLE * share(architecture, 1, lambda b: b.flow == "shuffle")
        + WIDE * share(architecture, 1, lambda b: b.expansion == 4)
        + SINGLE * (len(architecture.stages[1].blocks) == 1)
    )  # fmt: skip


def against(table, stage, choice, level, other):
    """The effect of a level against another, whichever of all is the reference; 0 for a reference itself."""
    rows = table[(table["stage"] == stage) & (table["choice"] == choice)].set_index("level")["effect"]
    return rows.get(level, 0.0) - rows.get(other, 0.0)


KNOWN = [
    (2, "partition", "1:3", "1:1", UNEVEN),
    (2, "partition", "1", "1:1", 0),
    (1, "partition", "1:3", "1:1", 0),
    (1, "flow", "shuffle", "none", SHUFFLE),
    (2, "flow", "shuffle", "none", 0),
    (1, "expansion", "4", "2", WIDE),
    (2, "repeats", "1", "2", SINGLE),
]


@pytest.mark.parametrize(("stage", "choice", "level", "other", "effect"), KNOWN)
def test_without_noise_every_effect_is_found_exactly(stage, choice, level, other, effect):
    architectures, _ = drawn(200)
    table = report.effects([trial(i, made_up(a), architecture=a) for i, a in enumerate(architectures)])
    assert against(table, stage, choice, level, other) == pytest.approx(effect, abs=1e-9)


@pytest.mark.thorough
def test_with_noise_about_as_many_intervals_hold_the_truth_as_they_say():
    # 8 effects in each of 40 searches. Of 320 independent intervals of 95%, fewer than 288 or more than 317 would hold
    # the truth once in 5,000 runs; those of one search share their noise, and here the seed is fixed.
    held = told = 0
    for seed in range(40):
        architectures, rng = drawn(150, seed)
        noise = 0.002 + 0.01 * rng.random(150)  # unequal
        records = [
            trial(i, made_up(a) + float(rng.normal(0, sd)), architecture=a)
            for i, (a, sd) in enumerate(zip(architectures, noise, strict=True))
        ]
        for row in report.effects(records).itertuples():
            truth = {(s, c): known for s, c, level, _, known in KNOWN if level == row.level}.get(
                (row.stage, row.choice), 0
            )
            backward = {(s, c): -known for s, c, _, level, known in KNOWN if level == row.level}
            truth = truth or backward.get((row.stage, row.choice), 0)
            if row.choice == "partition" and row.stage == 2:
                continue  # against dense, 1:1 and 1:3 differ: tested without noise
            told += 1
            held += row.low <= truth <= row.high
    assert told == 320
    assert 288 <= held <= 317


# One block, plain or shuffled, at equal Multi-Adds: the difference of two means, 64% and 55%. Squared deviations add
# up to 0.004 and 0.007; HC3 divides by (n - 1)^2, so the variance is 0.004/16 + 0.007/25 = 0.00053 and the standard
# error 0.023022. Student's t of 11 - 2 = 9 degrees of freedom: 2.2622. So 0.09 +- 0.05208.
PLAIN, SHUFFLED = (0.50, 0.52, 0.54, 0.56, 0.58, 0.60), (0.60, 0.62, 0.64, 0.66, 0.68)
TWO_GROUPS = [
    *(trial(i, top1, 1000, architecture=network([block("1:3", "none")])) for i, top1 in enumerate(PLAIN)),
    *(trial(6 + i, top1, 1000, architecture=network([block("1:3")])) for i, top1 in enumerate(SHUFFLED)),
]


def test_two_groups_of_equal_cost_by_hand():
    (row,) = report.effects(TWO_GROUPS).itertuples(index=False)
    assert (row.stage, row.choice, row.level, row.reference) == (1, "flow", "shuffle", "none")
    assert (row.n, row.trials) == (5, 11)
    assert (row.effect, row.low, row.high) == pytest.approx((0.09, 0.09 - 0.05208, 0.09 + 0.05208), abs=1e-5)


def test_t_is_the_tables():
    # Any table of Student's t, 97.5%.
    for freedom, t in {5: 2.5706, 9: 2.2622, 10: 2.2281, 30: 2.0423, 1000: 1.9623}.items():
        assert t_quantile(freedom) == pytest.approx(t, abs=5e-4)


def test_two_choices_that_always_go_together_cannot_be_told_apart():
    together = [
        trial(
            i,
            0.5 + i / 100,
            1000,
            architecture=network([block("1:3", "none", 2) if i % 2 else block("1:1", "shuffle", 4)]),
        )
        for i in range(16)
    ]
    table = report.effects(together)
    assert set(table["choice"]) == {"partition", "flow", "expansion"}
    assert table["effect"].isna().all()
    assert notes(report.choice_effects(together)) == ["no choice was varied in 5 trials or more, apart from the others"]


def test_levels_in_few_trials_are_missing():
    rare = [*TWO_GROUPS, *(trial(20 + i, 0.7, 1000, architecture=network([block("1:1")])) for i in range(4))]
    table = report.effects(rare).set_index("level")
    assert math.isnan(table.loc["1:1", "effect"])
    assert table.loc["1:1", "n"] == 4
    assert table.loc["none", "effect"] == pytest.approx(-0.09)


def test_levels_in_nearly_equal_shares_of_all_blocks_are_missing():
    # Of ten or twelve blocks one is wide: shares of 10% and 8% tell nothing of a network that is wide throughout.
    def deep(count, flow):
        return network([block("1:3", flow, 4), *[block("1:3", flow)] * (count - 1)])

    records = [
        trial(i, 0.5 + i % 7 / 50, 1000 + i, architecture=deep(10 + 2 * (i % 2), "none" if i % 3 else "shuffle"))
        for i in range(30)
    ]
    table = report.effects(records, by="network").set_index("choice")
    assert math.isnan(table.loc["expansion", "effect"])
    assert not math.isnan(table.loc["flow", "effect"])
    assert set(table["stage"]) == {0}


@pytest.mark.parametrize("records", [[], TWO_GROUPS[:1], TWO_GROUPS[4:9], [trial(0, state="failed")] * 20])
def test_too_few_trials_give_an_empty_table_and_a_sentence(records):
    table = report.effects(records)
    assert list(table.columns) == ["stage", "choice", "level", "reference", "effect", "low", "high", "n", "trials"]
    assert table.empty
    assert "too few trials for the effects of choices: they need" in notes(report.choice_effects(records))[0]


def test_equal_choices_have_no_effects():
    assert report.effects(TWO_GROUPS[:6]).empty
    assert "no choice was varied" in notes(report.choice_effects(TWO_GROUPS[:6]))[0]


def test_an_unknown_scope_is_refused():
    with pytest.raises(OptionError, match=r"unknown scope 'block' \(known: stage, network\)"):
        report.effects([], by="block")


def test_figure_has_the_tables_numbers_in_points_with_full_marks_where_0_is_out():
    figure = report.choice_effects(TWO_GROUPS)
    (shown,) = figure.data
    assert (list(shown.y), list(shown.x)) == (["stage 1: shuffle vs none"], pytest.approx([9]))
    for error in (shown.error_x.array, shown.error_x.arrayminus):
        assert list(error) == pytest.approx([5.208], abs=1e-3)
    assert list(shown.marker.symbol) == ["circle"]
    assert figure.layout.xaxis.title.text == "points of top-1"
    assert notes(figure)[0] == "flow"
    assert "11 trials of this search" in notes(figure)[-1]
    weak = [trial(i, 0.5 + i % 4 / 100, 1000, architecture=r.architecture) for i, r in enumerate(TWO_GROUPS)]
    assert notes(report.choice_effects(weak)) == ["no choice has an effect that 11 trials can tell from 0"]


def test_figure_falls_back_on_the_whole_network_and_says_so():
    architectures, _ = drawn(20)

    def top1(architecture):
        blocks = [block for stage in architecture.stages for block in stage.blocks]
        return 0.5 + 0.2 * sum(str(block.partition) == "1:3" for block in blocks) / len(blocks)

    figure = report.choice_effects([trial(i, top1(a), architecture=a) for i, a in enumerate(architectures)])
    assert "whole network, since the stages one by one are too many: they need" in notes(figure)[-1]
    assert not any(name.startswith("stage") for shown in figure.data for name in shown.y)


def test_stages_are_numbered_as_in_the_space_where_some_are_absent():
    """A top-1 that is higher by 0.03 where the first stage is absent, and by 0.02 with the wider head."""
    generator, feasible = np.random.default_rng(0), Feasible.of(OPEN, "100%")
    drawn = [feasible.draw_fair(generator) for _ in range(150)]
    worth = [0.5 + 0.03 * (OPEN.take_apart(a)[2][0] == 0) + 0.02 * (a.head.channels == 12) for a in drawn]
    records = [trial(i, top1, architecture=a) for i, (a, top1) in enumerate(zip(drawn, worth, strict=True))]
    table = report.effects(records, space=OPEN)
    assert against(table, 0, "head", "12", "8") == pytest.approx(0.02, abs=1e-6)
    assert set(table[table["choice"] == "width"]["level"]) <= {"4-8-8-4", "6-6-12-8"}
    assert set(table["stage"]) == {0, 1, 2, 3}
    third = table[(table["stage"] == 3) & (table["choice"] == "repeats")]
    assert set(third["level"]) | set(third["reference"]) == {"0", "1", "2"}
