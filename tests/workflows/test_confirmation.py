"""The best trained again: who is chosen, what mean and spread are told, and how it goes on after an interruption."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from seesaw_nas import api
from seesaw_nas.architecture import specfile
from seesaw_nas.core.errors import RunError, TrainingFailed
from seesaw_nas.evaluators import Score
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.standing import Standing
from seesaw_nas.space import Budget, Feasible, load
from seesaw_nas.workflows import confirmation
from seesaw_nas.workflows.confirmation import Confirmed, Repeat, candidates, confirm
from seesaw_nas.workflows.objects import Objects

HOW = {"recipe": "quick: 4 epochs"}


class Killed(BaseException):
    """The process ends here."""


class Answers:
    """Scores from a table of (trial, seed); ``None`` is a training that fails, an exception is raised."""

    epochs = 4

    def __init__(self, trials, top1):
        self.numbers = {trial.digest: trial.number for trial in trials}
        self.top1 = top1
        self.asked = []

    def evaluate(self, architecture, *, seed, **more):
        self.asked.append((self.numbers[architecture.digest], seed))
        found = self.top1[self.asked[-1]]
        if found is None:
            raise TrainingFailed("loss is not finite in epoch 2 of 4")
        if isinstance(found, type):
            raise found
        return Score(found, "validation", 1.5)


@pytest.fixture(scope="module")
def trials():
    """Five complete trials, their figures made up, and two that are not complete."""
    rng, feasible = np.random.default_rng(0), Feasible.of(load("seesaw-digits"), "300K")
    figures = [(0.70, 100), (0.85, 350), (0.80, 200), (0.90, 300), (0.85, 320), (0.99, 150), (0.99, 150)]
    states = ["complete"] * 5 + ["failed", "stopped"]
    return [
        TrialRecord(n, state, feasible.draw(rng), macs, 1000, top1, seed=10**9 + n)
        for n, (state, (top1, macs)) in enumerate(zip(states, figures, strict=True))
    ]


# --- who is chosen


def observed(trials):
    return Standing(trials, None, Budget(0, 400), 4, rank="observed")


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, [3]), (2, [3, 2]), (3, [3, 2, 0]), (4, [3, 2, 0, 4]), (9, [3, 2, 0, 4, 1]), (0, [])]
)
def test_fronts_go_before_top1(trials, count, chosen):
    """3, 2 and 0 are the front; 4 is beaten by 3 alone, 1 by 4 too."""
    assert [trial.number for trial in candidates(observed(trials), count)] == chosen


def test_of_nothing_nothing_is_chosen(trials):
    assert candidates(observed([]), 3) == candidates(observed(trials[5:]), 3) == []


# --- mean and spread


def repeats(digest, *top1):
    return [Repeat(digest, 0, seed, value, 1.0) for seed, value in enumerate(top1)]


def test_mean_and_standard_deviation_of_the_sample():
    found = Confirmed(HOW, (*repeats("a", 0.90, 0.92, 0.94), *repeats("b", 0.5), *repeats("c", 0.25, None, 0.75)))
    three, one, two = (found.spreads[digest] for digest in "abc")
    # 0.90, 0.92, 0.94: deviations -0.02, 0, 0.02; sqrt(0.0008 / 2) = 0.02
    assert (three.mean, three.sd, three.n) == (pytest.approx(0.92), pytest.approx(0.02), 3)
    assert (one.mean, one.sd, one.n) == (0.5, None, 1)
    # 0.25, 0.75: deviations 0.25 each; sqrt(0.125 / 1) = 0.35355
    assert (two.mean, two.sd, two.n) == (0.5, pytest.approx(0.35355, abs=1e-5), 2)
    assert [str(spread) for spread in (three, one, two)] == [
        "92.00% +- 2.00 (3)", "50.00% (1)", "50.00% +- 35.36 (2)",
    ]  # fmt: skip


def test_architecture_whose_repeats_all_failed_has_no_mean():
    assert Confirmed(HOW, tuple(repeats("a", None, None))).spreads == {}


# --- training again


def test_each_is_trained_with_each_seed_and_all_is_on_disk(trials, tmp_path):
    heard, path = [], tmp_path / "confirmed.json"
    chosen = [trials[3], trials[2]]
    evaluator = Answers(trials, {(3, 1): 0.9, (3, 2): 0.8, (2, 1): 0.7, (2, 2): None})
    found = confirm(path, chosen, [1, 2], evaluator, HOW, lambda *told: heard.append(told))
    assert evaluator.asked == [(3, 1), (3, 2), (2, 1), (2, 2)]
    assert heard == [(0, 4, trials[3]), (1, 4, trials[3]), (2, 4, trials[2]), (3, 4, trials[2])]
    assert [(r.trial, r.seed, r.top1, r.seconds) for r in found.repeats] == [
        (3, 1, 0.9, 1.5), (3, 2, 0.8, 1.5), (2, 1, 0.7, 1.5), (2, 2, None, 0.0),
    ]  # fmt: skip
    assert confirmation.read(path) == found
    assert json.loads(path.read_text())["conditions"] == HOW
    confirm(path, chosen, [1, 2], evaluator, HOW)
    assert len(evaluator.asked) == 4  # also what failed is not tried again


@pytest.mark.parametrize("ending", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("at", [(3, 1), (3, 2), (2, 1), (2, 2)])
def test_what_was_interrupted_goes_on(trials, tmp_path, at, ending):
    figures = {(3, 1): 0.9, (3, 2): 0.8, (2, 1): 0.7, (2, 2): 0.6}
    chosen, order = [trials[3], trials[2]], list(figures)
    whole = confirm(tmp_path / "whole", chosen, [1, 2], Answers(trials, figures), HOW)
    with pytest.raises(ending):
        confirm(tmp_path / "cut", chosen, [1, 2], Answers(trials, figures | {at: ending}), HOW)
    assert [(r.trial, r.seed) for r in confirmation.read(tmp_path / "cut").repeats] == order[: order.index(at)]
    rest = Answers(trials, figures)
    assert confirm(tmp_path / "cut", chosen, [1, 2], rest, HOW) == whole
    assert rest.asked == order[order.index(at) :]


def test_more_seeds_and_more_members_keep_what_is_there(trials, tmp_path):
    path, figures = tmp_path / "c", {(n, seed): 0.5 for n in (3, 2) for seed in (1, 2, 3)}
    confirm(path, [trials[3]], [1, 2], Answers(trials, figures), HOW)
    more = Answers(trials, figures)
    assert len(confirm(path, [trials[3], trials[2]], [1, 2, 3], more, HOW).repeats) == 6
    assert more.asked == [(3, 3), (2, 1), (2, 2), (2, 3)]


def test_repeats_under_other_conditions_are_begun_anew(trials, tmp_path):
    path, figures = tmp_path / "c", {(3, 1): 0.5, (3, 2): 0.5}
    confirm(path, [trials[3]], [1, 2], Answers(trials, figures), HOW)
    again = Answers(trials, {(3, 1): 0.9})
    found = confirm(path, [trials[3]], [1], again, {"recipe": "paper: 400 epochs"})
    assert again.asked == [(3, 1)]
    assert [repeat.top1 for repeat in found.repeats] == [0.9]
    assert confirmation.read(path) == found


def test_nothing_confirmed_is_no_file(tmp_path):
    assert confirmation.read(tmp_path / "c") == Confirmed()


@pytest.mark.parametrize(
    "content", ["", "{", "null", "[]", "{}", '{"conditions": {}, "repeats": [{"trial": 1}]}', "\0"]
)
def test_damaged_file_is_told_in_a_line(tmp_path, content):
    path = tmp_path / "confirmed.json"
    path.write_text(content)
    with pytest.raises(
        RunError, match=r"confirmed\.json is damaged .*; delete it to train the repeats again"
    ) as caught:
        confirmation.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("top1", [1.5, -0.5])
def test_what_is_no_accuracy_is_told_where_one_was_measured(tmp_path, top1):
    path = tmp_path / "confirmed.json"
    value = {"conditions": {"evaluator": "trained"}, "repeats": [asdict(repeat) for repeat in repeats("ab", 0.5, top1)]}
    path.write_text(json.dumps(value))
    with pytest.raises(
        RunError, match=r"repeats\[1\]\.top1: a fraction from 0 to 1 is wanted, got -?[01]\.5\); delete"
    ):
        confirmation.read(path)
    path.write_text(json.dumps(value | {"conditions": {"evaluator": "proxy:depth"}}))
    assert confirmation.read(path).repeats[1].top1 == top1


# --- in a search


def lucky(architecture, seed):
    """Top-1 of a trial by the digest; with the small seeds of the repeats just the other way round."""
    top1 = int(architecture.digest[:6], 16) / 0xFFFFFF
    return top1 if seed > 1000 else 1 - top1 + seed / 1000


class Heard(Listener):
    def __init__(self):
        self.lines = []

    def confirming(self, done, total, trial):
        self.lines.append((done, total, trial.number))


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory):
    """A search whose figures are luck, with two of its best trained again."""
    folder, heard = tmp_path_factory.mktemp("runs"), Heard()
    found = api.search(
        "seesaw-digits", "300K", evaluator=lucky, trials=6, seed=3, confirm=2, confirm_seeds=3,
        name="a", runs_dir=folder, listener=heard,
    )  # fmt: skip
    return found, heard.lines


def test_best_is_the_confirmed_one_with_the_highest_mean(confirmed):
    found, _ = confirmed
    first, second = candidates(found.standing, 2)
    assert [(r.trial, r.seed) for r in found.confirmed.repeats] == [
        (trial.number, seed) for trial in (first, second) for seed in (4, 5, 6)
    ]
    means = {digest: spread.mean for digest, spread in found.confirmed.spreads.items()}
    # seeds 4, 5 and 6 add 5/1000 on average
    assert means == {t.digest: pytest.approx(1 - t.top1 + 0.005) for t in (first, second)}
    assert first.top1 > second.top1
    assert found.best == second
    assert first in found.front()


def test_best_json_has_both_figures(confirmed):
    found, _ = confirmed
    result = json.loads(found.folder.best.read_text())["result"]
    assert (result["top1"], result["n_seeds"], result["seed"]) == (found.best.top1, 1, found.best.seed)
    again = result["confirmed"]
    assert (again["n"], again["mean"]) == (3, pytest.approx(1 - found.best.top1 + 0.005))
    assert again["sd"] == pytest.approx(0.001)  # 0.004, 0.005, 0.006
    assert again["conditions"]["evaluator"] == "python:lucky"
    assert specfile.resolve(str(found.folder.path)).architecture == found.best.architecture


def test_listener_hears_of_every_repeat(confirmed):
    found, heard = confirmed
    one, two = (trial.number for trial in candidates(found.standing, 2))
    assert heard == [(0, 6, one), (1, 6, one), (2, 6, one), (3, 6, two), (4, 6, two), (5, 6, two)]


def test_search_killed_among_its_repeats_goes_on_with_them(confirmed, tmp_path):
    whole, _ = confirmed
    left = iter(range(8))  # six trials, and two repeats

    def mortal(architecture, seed):
        if next(left, None) is None:
            raise Killed
        return lucky(architecture, seed)

    settings = whole.problem.settings.replace(evaluator="python:lucky")
    with pytest.raises(Killed):
        api.begin(settings, given=Objects(evaluator=mortal), name="a", runs_dir=tmp_path)
    assert len(confirmation.read(tmp_path / "a/confirmed.json").repeats) == 2
    asked = []

    def noting(architecture, seed):
        asked.append(seed)
        return lucky(architecture, seed)

    found = api.resume(tmp_path / "a", given=Objects(evaluator=noting))
    assert asked == [6, 4, 5, 6]
    assert found.confirmed.spreads == whole.confirmed.spreads
    assert found.best.digest == whole.best.digest


def test_damaged_repeats_are_told_before_any_training(tmp_path):
    given = Objects(evaluator=lucky)
    found = api.search("seesaw-digits", "300K", evaluator=lucky, trials=1, name="a", runs_dir=tmp_path)
    found.folder.confirmed.write_text("{")
    before = found.folder.journal.read_bytes()
    with pytest.raises(RunError, match=r"confirmed\.json is damaged"):
        api.resume(found.folder.path, given=given, trials=3)
    assert found.folder.journal.read_bytes() == before


def test_failed_repeats_leave_the_best_as_it_was(tmp_path):
    def breaks(architecture, seed):
        return lucky(architecture, seed) if seed > 1000 else None

    found = api.search(
        "seesaw-digits", "300K", evaluator=breaks, trials=3, confirm=1, confirm_seeds=2, name="a", runs_dir=tmp_path
    )
    assert [repeat.top1 for repeat in found.confirmed.repeats] == [None, None]
    assert found.best.top1 == max(trial.top1 for trial in found.trials)
    assert "confirmed" not in json.loads(found.folder.best.read_text())["result"]


def test_repeats_are_trained_by_the_whole_recipe_on_all_images(tmp_path, monkeypatch):
    heard = []

    def evaluate(self, architecture, *, seed, **more):
        heard.append((self.recipe.epochs, len(self.data.train), seed))
        return Score(0.5, "validation", 1.0)

    monkeypatch.setattr("seesaw_nas.evaluators.trained.TrainedEvaluator.evaluate", evaluate)
    found = api.search(
        "seesaw-digits", "300K", "digits", trials=2, epochs=1, train_size=64, confirm=1, confirm_seeds=2, device="cpu",
        name="a", runs_dir=tmp_path,
    )  # fmt: skip
    assert [(epochs, images) for epochs, images, _ in heard] == [(1, 64), (1, 64), (4, 1079), (4, 1079)]
    assert [seed for *_, seed in heard[2:]] == [1, 2]
    assert found.confirmed.conditions["images"] == "1,079 to train on, 359 to validate on"
    assert found.confirmed.conditions["recipe"].startswith("quick: 4 epochs, ")


def spreads(**top1):
    repeats = [Repeat(name, 0, seed, value, 1.0) for name, found in top1.items() for seed, value in enumerate(found)]
    return Confirmed(HOW, tuple(repeats))


def test_means_within_the_seeds_noise_are_ties():
    # deviations of 0.01 each, three seeds: twice the error of a difference is 2 * 0.01 * sqrt(2 / 3) = 0.01633
    found = spreads(a=[0.80, 0.81, 0.82], b=[0.795, 0.805, 0.815], c=[0.78, 0.79, 0.80], d=[0.794, 0.804, 0.814])
    assert found.ties.digests == ("a", "b", "d")
    assert found.ties.margin == pytest.approx(0.01633, abs=1e-5)
    assert str(found.ties) == (
        "a is highest, b, d cannot be told from it; a difference of 1.63 points or less is the seeds' noise"
    )


def test_noise_is_pooled_over_unequal_numbers_of_trainings():
    # deviations of 2 points (two degrees of freedom) and 1 point (one): sqrt((2 * 4 + 1 * 1) / 3) = sqrt(3) points
    found = spreads(a=[0.80, 0.82, 0.84], b=[0.76, 0.76 + 0.02**0.5 / 10])
    assert found.ties.margin == pytest.approx(2 * 0.01 * 3**0.5 * (2 / 3) ** 0.5, abs=1e-6)


def test_a_clear_winner_is_told_as_one():
    assert str(spreads(a=[0.9, 0.91], b=[0.8, 0.81]).ties).startswith("a is highest, no other comes near it; ")


@pytest.mark.parametrize("found", [Confirmed(), spreads(a=[0.9], b=[0.8])])
def test_without_repeated_trainings_nothing_is_said_of_ties(found):
    assert (found.ties.digests, str(found.ties)) == ((), "")
