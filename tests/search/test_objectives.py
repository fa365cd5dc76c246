"""A front against any cost: how it is written, and that strategies, studies, schedulers and the standing go by it."""

from functools import partial

import numpy as np
import pytest
from profiles import make_profile

from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.search import aims, halving, objectives
from seesaw_nas.search.history import memory_study
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.trials_file import TrialsReader
from seesaw_nas.search.records import TrialRecord, complete
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.standing import Standing
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Observed, Setting, best_first
from seesaw_nas.space import Feasible, costs, load
from seesaw_nas.training.epoch import Epoch

DIGITS = load("seesaw-digits")
BUDGET = DIGITS.budget("600K")
PROFILE = make_profile(DIGITS, lambda slot, block: 100_000 * (block.kernel == 3) + 1)  # 3x3 is what takes the time
LATENCY, PARAMS = costs.named("latency", PROFILE), costs.named("params")
KNOWN = "macs, params, weights, int8 weights, memory, int8 memory, latency"


def trials(count=40, seed=0):
    """Architectures within 600K, their top-1 drawn at random, so that no cost goes with it."""
    rng, feasible = np.random.default_rng(seed), Feasible(DIGITS, BUDGET)
    found = []
    for number in range(count):
        architecture, top1 = feasible.draw_fair(rng), float(rng.random())
        macs, params = (costs.named(name).of(architecture) for name in ("macs", "params"))
        curve = (Epoch(1, 1.0, 1.0, top1, 1.0),)
        found.append(TrialRecord(number, "complete", architecture, macs, params, top1, curve=curve))
    return found


def undominated(cost, found):
    """Numbers of the trials that no other beats, by comparing each with each; the cheapest first."""
    points = [(cost.of(one.spec), -one.top1, one.number) for one in found]
    return [
        number
        for spent, lost, number in sorted(points)
        if not any(s <= spent and less <= lost and (s, less) != (spent, lost) for s, less, _ in points)
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("front", "front"),
        ("top1", "top1"),
        ("top1,macs", "front"),
        ("top1, Multi-Adds", "front"),
        ("top1,params", "top1,params"),
        ("top1,parameters", "top1,params"),
        ("top1,latency", "top1,latency"),
        ("top1, memory  int8", "top1,int8 memory"),
    ],
)
def test_objectives_are_kept_in_one_form(written, kept):
    assert aims.read(written) == kept
    assert SearchSettings.of(objectives=written).proposals.objectives == kept


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("top1,", f"--objectives top1,: unknown cost '' (known: {KNOWN})"),
        ("top1,watts", f"--objectives top1,watts: unknown cost 'watts' (known: {KNOWN})"),
        ("top1,parms", f"--objectives top1,parms: unknown cost 'parms', did you mean 'params'? (known: {KNOWN})"),
        ("params,top1", "unknown objectives 'params,top1' (known: front, top1, top1,COST)"),
    ],
)
def test_other_objectives_are_refused_in_one_line(written, told):
    with pytest.raises(OptionError) as error:
        SearchSettings.of(objectives=written)
    assert str(error.value) == told


def test_latency_wants_a_profile():
    assert objectives.cost_of("top1,latency", PROFILE) == LATENCY
    with pytest.raises(OptionError, match="--objectives top1,latency needs measured times: give --latency-profile FIL"):
        objectives.cost_of("top1,latency")


@pytest.mark.parametrize("cost", [LATENCY, PARAMS, costs.named("int8 memory"), costs.MACS])
@pytest.mark.parametrize("rank", ["observed", "estimate"])
def test_front_is_what_no_other_beats_in_top1_and_that_cost(cost, rank):
    found = trials()
    standing = Standing(found, DIGITS, BUDGET, 1, rank=rank, cost=cost)
    observed = Standing(found, DIGITS, BUDGET, 1, rank="observed").against(cost)
    assert [one.number for one in observed.front()] == undominated(cost, found)
    members = standing.front()
    spent = [cost.of(one.architecture) for one in members]
    assert spent == sorted(spent)
    if rank == "estimate":  # the cheapest of all is on the front for certain, where no other costs as little
        cheapest = min(map(cost.of, (one.spec for one in found)))
        alone = [one for one in complete(found) if cost.of(one.architecture) == cheapest]
        if len(alone) == 1:
            assert standing.figures(alone[0]).chance_of_front == 1


def test_fronts_of_two_costs_are_two():
    found = Standing(trials(), DIGITS, BUDGET, 1, rank="observed")
    assert found.front() != found.against(LATENCY).front()
    assert found.against(costs.MACS).front() == found.front()
    assert found.against(LATENCY).best() == found.best()


def test_cheapest_tie_is_the_cheapest_by_the_cost():
    standing = Standing(trials(), DIGITS, BUDGET, 1, cost=LATENCY)
    amounts = [LATENCY.of(one.architecture) for one in standing.ties]
    assert LATENCY.of(standing.cheapest_tie.architecture) == min(amounts)
    assert standing.tie_sentence.endswith(f" with {min(amounts) / 1e6:,.3f} ms")


def test_best_first_by_hand():
    found = [Observed(one.number, one.spec, one.macs, one.top1) for one in trials(12)]
    first = undominated(LATENCY, trials(12))
    assert sorted(one.number for one in best_first(found, "top1,latency", LATENCY)[: len(first)]) == sorted(first)
    assert best_first(found, "top1,macs") == best_first(found, "front")


@pytest.mark.parametrize("cost", [LATENCY, PARAMS])
def test_thompson_looks_below_limits_of_the_cost(cost, tmp_path):
    sought = f"top1,{cost.name}"
    feasible = Feasible(DIGITS, BUDGET)
    history = FileHistory(None, DIGITS, BUDGET, objectives=sought, cost=cost)
    strategy, taken = make("thompson", Setting(feasible, 0, sought, cost=cost)), set()
    for one in trials(10):
        history.finish(history.add(one.spec), one)
        taken.add(one.digest)
    limits = []
    for _ in range(10):
        number = strategy.propose(history, taken)
        one = history[number]
        assert one.spec in BUDGET
        if one.origin.startswith("best of a sample under"):
            limit = float(one.origin.split()[5].replace(",", ""))
            assert cost.number(cost.of(one.spec)) <= limit + 0.0005  # latency is told to the microsecond
            limits.append(limit)
        taken.add(one.digest)
    assert min(limits) < max(limits) <= cost.number(DIGITS.costliest(cost)) + 0.0005


def test_study_has_the_cost_as_its_second_value(tmp_path):
    path = tmp_path / "trials.jsonl"
    history = FileHistory(path, DIGITS, BUDGET, objectives="top1,latency", cost=LATENCY)
    told = trials(6)
    for one in told[:3]:
        history.finish(history.add(one.spec), one)
    assert [direction.name for direction in history.study.directions] == ["MAXIMIZE", "MINIMIZE"]
    for one in told[3:]:  # those that came before the study was asked for, and these
        history.finish(history.add(one.spec), one)
    expected = [(one.top1, float(PROFILE.of(one.spec))) for one in told]
    assert [tuple(trial.values) for trial in history.study.trials] == expected
    from_file = memory_study.study_of(TrialsReader(path).read(), LATENCY)
    assert [tuple(trial.values) for trial in from_file.trials] == expected
    assert {trial.number for trial in from_file.best_trials} == set(undominated(LATENCY, told))


def test_history_of_another_cost_is_refused(tmp_path):
    FileHistory(tmp_path / "a", DIGITS, BUDGET, objectives="top1,params", cost=PARAMS)
    with pytest.raises(RunError, match="objectives top1,params, wanted front; name another file"):
        FileHistory(tmp_path / "a", DIGITS, BUDGET)


@pytest.mark.parametrize("strategy", ["nsga2", "tpe", "evolution", "local", "predicted", "random"])
def test_every_strategy_proposes_for_a_front_of_another_cost(strategy):
    history = FileHistory(None, DIGITS, BUDGET, objectives="top1,params", cost=PARAMS)
    chosen, taken = make(strategy, Setting(Feasible(DIGITS, BUDGET), 0, "top1,params", cost=PARAMS)), set()
    for one in trials(12):
        history.finish(history.add(one.spec), one)
        taken.add(one.digest)
    assert history[chosen.propose(history, taken)].spec is not None


def test_moasha_promotes_by_the_cost():
    """Of three with the same top-1, one has the fewest Multi-Adds and another the lowest latency."""
    found = trials(30)
    spent = {one.number: (one.macs, LATENCY.of(one.spec)) for one in found}
    few, fast, other = next(
        (a, b, c)
        for a in found
        for b in found
        for c in found
        if spent[a.number][0] < spent[b.number][0] < spent[c.number][0]
        and spent[b.number][1] < spent[a.number][1] < spent[c.number][1]
    )
    promoted = []
    for cost in (costs.MACS, LATENCY):
        rungs = halving.make("moasha", 9, amount=partial(objectives.amount_of_record, cost))
        for number, one in enumerate((other, few, fast)):
            curve = (Epoch(1, 1.0, 1.0, 0.5, 1.0),)
            rungs.note(TrialRecord(number, "paused", one.spec, one.macs, one.params, curve=curve))
        promoted.append(rungs.promotion()[0])
    assert promoted == [1, 2]


def test_amounts_of_proposals_without_an_architecture_are_none():
    (one,) = trials(1)
    assert objectives.amount_of_record(LATENCY, TrialRecord(0, "infeasible")) is None
    assert objectives.amount_of_record(costs.MACS, one) == one.macs
    assert objectives.amount_of_record(PARAMS, one) == one.params
