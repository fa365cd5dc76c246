"""Whole searches on few of the digits, as a program would run them."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import optuna
import pytest

from seesaw_nas import api, data
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.core.errors import BudgetError, DataError, OptionError, RunError, SpaceError, TrainingFailed
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.data.digits import Digits
from seesaw_nas.search.listener import Listener
from seesaw_nas.space import Feasible, load
from seesaw_nas.workflows.objects import Objects

FEW = api.SearchSettings.of(budget="300K", trials=3, epochs=1, train_size=64, seed=1, device="cpu")


def told(result):
    return [(trial.digest, trial.seed, trial.top1, trial.macs) for trial in result.trials]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A finished search, with all that it could read: the test split is out of its reach."""

    def refuse(*_):
        raise AssertionError("a search read the test split")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_test", refuse)
        patch.setattr(Digits, "test", refuse)
        return api.begin(FEW, name="found", runs_dir=tmp_path_factory.mktemp("runs"))


class Stop(Listener):
    """Ctrl-C when the training of a trial begins."""

    def __init__(self, number):
        self.number = number

    def begun(self, number, architecture, macs):
        if number == self.number:
            raise KeyboardInterrupt


# --- what a search leaves


def test_search_trains_what_was_asked_for_within_the_budget(found):
    assert [trial.state for trial in found.trials] == ["complete"] * 3
    assert max(trial.macs for trial in found.trials) <= 300_000
    assert len({trial.digest for trial in found.trials}) == 3
    assert {trial.split for trial in found.trials} == {"validation"}
    assert [len(trial.curve) for trial in found.trials] == [1, 1, 1]
    assert found.ended == "the wanted number of trials, 3, is reached"


def test_run_folder_holds_what_its_description_says(found):
    names = {path.name for path in found.folder.path.iterdir()}
    results = {"pareto.csv", "front.json", "best.json", "report.html"}
    assert names == {"run.json", "trials.jsonl", "owner.lock"} | results
    described = found.folder.description
    assert described["kind"] == "search"
    assert described["settings"] == json.loads(json.dumps(FEW.to_dict()))
    assert described["budget"] == {"low": 0, "high": 300_000}
    assert described["space"] == "seesaw-digits"
    assert described["conditions"]["device"].startswith("CPU")


def test_files_tell_the_same_as_the_result(found):
    best = json.loads(found.folder.best.read_text())
    assert best["digest"] == found.best.digest
    assert best["macs"] == cost.macs(found.best.architecture) == found.best.macs
    assert best["result"]["top1"] == found.best.top1 == max(trial.top1 for trial in found.trials)
    told_of = ("split", "seed", "n_seeds", "trial", "dataset", "n_train", "n_validation", "recipe", "epochs")
    assert [best["result"][key] for key in told_of] == [
        "validation", found.best.seed, 1, found.best.number, "digits", 64, 359, "quick", 1,
    ]  # fmt: skip
    with found.folder.pareto.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["digest"], int(row["macs"]), float(row["top1"])) for row in rows] == [
        (member.digest, member.macs, member.top1) for member in found.front()
    ]
    page = found.folder.report.read_text(encoding="utf-8")
    assert "<title>found" in page
    assert "64 to train on, 359 to validate on" in page


def test_best_is_a_spec_file(found):
    named = specfile.resolve(str(found.folder.path))
    assert (named.architecture.digest, named.dataset) == (found.best.digest, "digits")
    assert named.name == f"found-{found.best.number}"


def test_no_record_names_the_test_split(found):
    for path in (found.folder.journal, found.folder.description_file, found.folder.pareto, found.folder.best):
        assert '"test' not in path.read_text()
        assert ",test," not in path.read_text()


def test_same_seed_finds_the_same_and_another_does_not(found, tmp_path):
    assert told(api.begin(FEW, name="again", runs_dir=tmp_path)) == told(found)
    other = api.begin(FEW.replace(seed=2, trials=1), name="other", runs_dir=tmp_path)
    assert told(other)[0] not in told(found)


def test_plan_is_told_before_any_training(tmp_path):
    class Order(Listener):
        heard = []  # noqa: RUF012 (one test, one list)

        def begun(self, number, architecture, macs):
            self.heard.append(number)

    def planned(problem, plan):
        Order.heard.append(plan)
        assert (plan.trials, plan.fitting) == (1, problem.feasible.count)
        assert plan.cheapest <= plan.median <= 300_000
        assert plan.trial_seconds > 0

    api.begin(FEW.replace(trials=1), name="a", runs_dir=tmp_path, on_plan=planned, listener=Order())
    assert [type(entry) for entry in Order.heard] == [api.Plan, int]


def test_run_gets_a_name_of_its_own(tmp_path):
    result = api.begin(FEW.replace(trials=1), runs_dir=tmp_path)
    assert re.fullmatch(r"digits-300\.0K-\d{8}-\d{6}", result.folder.name)


def test_failed_trials_are_counted_and_nothing_is_called_best(tmp_path, monkeypatch):
    def evaluate(self, architecture, **more):
        raise TrainingFailed("loss is not finite in epoch 1 of 1")

    monkeypatch.setattr("seesaw_nas.evaluators.trained.TrainedEvaluator.evaluate", evaluate)
    result = api.begin(FEW.replace(trials=9), name="a", runs_dir=tmp_path)
    assert result.ended == "the last 5 trials failed"
    assert (result.best, result.front()) == (None, [])
    assert not result.folder.best.exists()
    assert len(result.folder.pareto.read_text().splitlines()) == 1
    assert "loss is not finite in epoch 1 of 1" in result.folder.report.read_text(encoding="utf-8")


# --- in Python's words


def digest_top1(architecture, seed):
    """Some fraction, the same for the same architecture."""
    return int(architecture.digest[:6], 16) / 0xFFFFFF


def sampler(seed):
    return optuna.samplers.TPESampler(seed=seed, multivariate=True)


class Cheapest:
    """A strategy of one's own: the cheapest of five draws."""

    def __init__(self, feasible):
        self.feasible = feasible

    def propose(self, history, taken):
        rng = np.random.default_rng(len(history))
        drawn = [self.feasible.draw(rng) for _ in range(5)]
        return history.add(min((a for a in drawn if a.digest not in taken), key=cost.macs), "cheapest of five")


def test_search_by_names_is_that_by_settings(found, tmp_path):
    again = api.search(
        "seesaw-digits", "300K", "digits", trials=3, epochs=1, train_size=64, seed=1, device="cpu", runs_dir=tmp_path
    )
    assert told(again) == told(found)
    assert again.folder.description["settings"] == found.folder.description["settings"] | {"space": "seesaw-digits"}


def test_result_answers_what_is_best(found):
    assert found.best.top1 == max(trial.top1 for trial in found.trials)
    front = found.front()
    assert found.best in front
    assert [(m.macs, m.top1) for m in front] == sorted((m.macs, m.top1) for m in front)  # more buys more
    frame = found.frame()
    assert list(frame.number) == [0, 1, 2]
    assert list(zip(frame.digest, frame.top1, frame.macs, strict=True)) == [
        (trial.digest, trial.top1, trial.macs) for trial in found.trials
    ]


def test_function_scores(tmp_path):
    heard = []

    def score(architecture, seed):
        heard.append((architecture.digest, seed))
        return digest_top1(architecture, seed)

    result = api.search("seesaw-digits", "300K", evaluator=score, trials=4, runs_dir=tmp_path)
    assert heard == [(trial.digest, trial.seed) for trial in result.trials]
    assert [trial.top1 for trial in result.trials] == [digest_top1(t.architecture, 0) for t in result.trials]
    assert {(trial.state, trial.curve) for trial in result.trials} == {("complete", ())}
    assert result.folder.description["settings"]["evaluator"] == "python:score"
    assert result.folder.best.exists()


@pytest.mark.parametrize(("value", "shown"), [(float("nan"), "nan"), (float("inf"), "inf"), (None, "None")])
def test_function_that_returns_no_number_fails_its_trial(tmp_path, value, shown):
    values = iter([0.5, value, 0.25])
    result = api.search("seesaw-digits", "300K", evaluator=lambda a, s: next(values), trials=3, runs_dir=tmp_path)
    assert [trial.state for trial in result.trials] == ["complete", "failed", "complete"]
    assert result.trials[1].reason == f"the evaluator returned {shown}, wanted a finite number"
    assert result.best.number == 0


def test_what_a_function_raises_ends_the_search_which_can_go_on(tmp_path):
    values = iter([0.5])
    with pytest.raises(StopIteration):
        api.search("seesaw-digits", "300K", evaluator=lambda a, s: next(values), trials=3, name="a", runs_dir=tmp_path)
    result = api.resume(tmp_path / "a", given=Objects(evaluator=digest_top1))
    assert [trial.state for trial in result.trials] == ["complete"] * 3
    assert result.trials[0].top1 == 0.5


def test_function_that_makes_a_sampler_is_asked_the_same_after_a_kill(tmp_path):
    settings = {"strategy": sampler, "trials": 14, "seed": 2, "runs_dir": tmp_path}
    whole = api.search("seesaw-digits", "300K", evaluator=digest_top1, name="whole", **settings)
    assert {trial.origin for trial in whole.trials[:10]} == {"exact draw"}
    assert "sampler" in {trial.origin for trial in whole.trials[10:]}
    for count in (10, 12):
        left = iter(range(count))

        def mortal(architecture, seed, left=left):
            if next(left, None) is None:
                raise SystemExit
            return digest_top1(architecture, seed)

        with pytest.raises(SystemExit):
            api.search("seesaw-digits", "300K", evaluator=mortal, name=f"cut{count}", **settings)
        given = Objects(evaluator=digest_top1, strategy=sampler)
        again = api.resume(tmp_path / f"cut{count}", given=given)
        assert told(again) == told(whole)
        assert [trial.origin for trial in again.trials] == [trial.origin for trial in whole.trials]


def test_sampler_of_optuna_proposes(tmp_path):
    result = api.search(
        "seesaw-digits", "300K", evaluator=digest_top1, strategy=optuna.samplers.RandomSampler(seed=0), trials=13,
        runs_dir=tmp_path,
    )  # fmt: skip
    assert sum(trial.state == "complete" for trial in result.trials) == 13
    assert {trial.origin for trial in result.trials} > {"exact draw", "sampler"}
    assert max(trial.macs for trial in result.trials if trial.state == "complete") <= 300_000
    assert result.folder.description["settings"]["strategy"] == "python:RandomSampler"


def test_strategy_of_one_s_own_proposes(tmp_path):
    strategy = Cheapest(Feasible.of(load("seesaw-digits"), "300K"))
    result = api.search("seesaw-digits", "300K", evaluator=digest_top1, strategy=strategy, trials=3, runs_dir=tmp_path)
    assert [trial.origin for trial in result.trials] == ["cheapest of five"] * 3
    assert result.folder.description["settings"]["strategy"] == "python:Cheapest"


def test_images_and_space_may_be_objects(found, tmp_path):
    images = replace(data.load("digits"), name="mine")
    space = replace(load("seesaw-digits"), name="odd")
    result = api.search(
        space, "300K", images, trials=3, epochs=1, train_size=64, seed=1, device="cpu", name="a", runs_dir=tmp_path
    )
    assert told(result) == told(found)
    described = result.folder.description
    assert (described["space"], described["settings"]["dataset"], described["given"]) == (
        "odd",
        "mine",
        ["space", "data"],
    )
    assert "64 to train on, 359 to validate on" in result.folder.report.read_text(encoding="utf-8")
    again = api.resume(tmp_path / "a", given=Objects(space=space, data=images))
    assert told(again) == told(found)


@pytest.mark.parametrize(
    ("words", "given", "missing"),
    [
        ({"evaluator": digest_top1}, {}, "evaluator"),
        ({"evaluator": digest_top1, "strategy": sampler}, {"evaluator": digest_top1}, "strategy"),
        ({"evaluator": digest_top1, "strategy": sampler}, {}, "strategy, evaluator"),
        ({"evaluator": digest_top1, "space": load("seesaw-digits")}, {"evaluator": digest_top1}, "space"),
        ({"evaluator": digest_top1, "data": data.load("digits")}, {"evaluator": digest_top1}, "data"),
    ],
)
def test_run_of_objects_wants_them_again(tmp_path, words, given, missing):
    space = words.get("space", "seesaw-digits")
    result = api.search(**words | {"space": space}, budget="300K", trials=1, name="a", runs_dir=tmp_path)
    before = result.folder.journal.read_bytes()
    with pytest.raises(RunError) as caught:
        api.resume(tmp_path / "a", given=Objects(**given), trials=2)
    assert str(caught.value) == (
        f"{tmp_path / 'a'} began with objects of a program; pass the same to `api.resume`, in `given`: {missing}"
    )
    assert result.folder.journal.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategy": 42}, "a strategy's name, a sampler or a function of a seed is wanted, got 42"),
        ({"strategy": optuna.samplers.TPESampler}, "a sampler or a function of a seed is wanted, got <class "),
        ({"scheduler": "asha", "epochs": 3, "min_epochs": 4}, "--min-epochs must lie within 1 to the 3 epochs of a tr"),
        ({"seed_with": "reference"}, "seed_with wants a tuple of names, got the text 'reference'"),
        ({"objectives": "python:mine"}, r"unknown objectives 'python:mine' \(known: front, top1, top1,COST\)"),
    ],
)
def test_words_that_mean_nothing_leave_no_folder(tmp_path, change, message):
    with pytest.raises(OptionError, match=message):
        api.search("seesaw-digits", "300K", "digits", name="a", runs_dir=tmp_path, **change)
    assert list(tmp_path.iterdir()) == []


def test_word_that_is_no_setting_is_python_s_own_mistake(tmp_path, found):
    with pytest.raises(TypeError, match="unexpected keyword argument 'trails'; did you mean 'trials'"):
        api.search("seesaw-digits", trails=3, runs_dir=tmp_path)
    with pytest.raises(TypeError, match="a run goes on under its own strategy"):
        api.resume(found.folder.path, strategy="tpe")


# --- resuming


def test_interrupted_search_writes_its_results_and_goes_on_to_the_same_end(found, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        api.begin(FEW, name="cut", runs_dir=tmp_path, listener=Stop(2))
    first = json.loads((tmp_path / "cut" / "best.json").read_text())
    assert first["result"]["trial"] in (0, 1)
    assert (tmp_path / "cut" / "report.html").exists()
    assert told(api.resume(tmp_path / "cut")) == told(found)


def test_finished_run_is_resumed_without_training(found, tmp_path, monkeypatch):
    monkeypatch.setattr("seesaw_nas.evaluators.trained.TrainedEvaluator.evaluate", None)
    before = found.folder.journal.read_bytes()
    assert told(api.resume(found.folder.path)) == told(found)
    assert found.folder.journal.read_bytes() == before


def test_renamed_run_keeps_its_trials(tmp_path, monkeypatch):
    one = api.begin(FEW.replace(trials=1), name="one", runs_dir=tmp_path)
    (tmp_path / "one").rename(tmp_path / "two")
    monkeypatch.chdir(tmp_path / "two")
    two = api.resume(".", trials=2)
    assert (two.folder.name, len(two.trials)) == ("two", 2)
    assert told(two)[:1] == told(one)
    assert specfile.resolve(".").name.startswith("two-")


def test_run_whose_space_changed_is_not_continued(tmp_path):
    text = """
    schema_version = 1
    name = "mine"
    description = "a few"
    budget = "100%"
    input = { size = 8, channels = 1, classes = 10 }
    stem = { channels = 8, stride = 1 }
    head = { channels = 16 }
    stages = [{ channels = 8, stride = 2, repeats = [1, 2], expansions = [EXPANSIONS], kernels = [3],
    partitions = ["1", "1:1", "1:3"], flows = ["none"], activations = ["none"] }]
    """.replace("\n    partitions", " partitions")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("EXPANSIONS", "2"))
    result = api.begin(FEW.replace(space=str(path), budget="", trials=1), name="a", runs_dir=tmp_path)
    path.write_text(text.replace("EXPANSIONS", "2, 3"))
    with pytest.raises(RunError, match=r"the space 'mine' has changed since .*a began; begin a new run"):
        api.resume(result.folder.path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"trials": 0}, OptionError, "--trials must be at least 1, got 0"),
        ({"device": "gpu"}, OptionError, "unknown device 'gpu'"),
    ],
)
def test_impossible_changes_are_refused(found, change, error, message):
    with pytest.raises(error, match=message):
        api.resume(found.folder.path, **change)


def test_training_and_foreign_folders_are_not_resumed(tmp_path):
    RunFolder.create(tmp_path / "training", {"kind": "training"})
    with pytest.raises(RunError, match="is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --res"):
        api.resume(tmp_path / "training")
    RunFolder.create(tmp_path / "odd", {"kind": "search"})
    with pytest.raises(RunError, match="settings are not those of this release"):
        api.resume(tmp_path / "odd")


def test_run_in_use_is_left_alone(found):
    before = found.folder.journal.read_bytes()
    with found.folder.hold(), pytest.raises(RunError, match="another process is working on"):
        api.resume(found.folder.path, trials=9)
    assert found.folder.journal.read_bytes() == before


def test_existing_run_is_not_overwritten(found):
    before = {path.name: path.read_bytes() for path in found.folder.path.iterdir()}
    with pytest.raises(RunError, match="exists already and nothing is overwritten"):
        api.begin(FEW, name="found", runs_dir=found.folder.path.parent)
    assert {path.name: path.read_bytes() for path in found.folder.path.iterdir()} == before


# --- input that is refused before anything is made


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        # the digits space: 119,232 = cheapest and 983,680 = costliest, as `seesaw-nas spaces --json` prints them
        ({"budget": "100K"}, BudgetError, "has 100,000 Multi-Adds; the cheapest has 119,232 and the costliest 983,680"),
        ({"budget": "2M:3M"}, BudgetError, "has 2,000,000 to 3,000,000 Multi-Adds; the cheapest has 119,232"),
        ({"space": "seesaw-digit"}, SpaceError, "unknown space 'seesaw-digit', did you mean 'seesaw-digits'"),
        ({"dataset": "cifar"}, DataError, "unknown data set 'cifar', did you mean 'cifar10'"),
        ({"train_size": 5000}, DataError, "5,?000"),
        ({"image_size": 16}, DataError, "images of digits are 8 x 8 pixels, got image size 16"),
    ],
)
def test_search_that_cannot_be_leaves_no_folder(tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        api.begin(FEW.replace(**change), name="a", runs_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_optuna_s_front_is_ours(found):
    study = api.study(found.folder.path)
    assert {tuple(trial.values) for trial in study.best_trials} == {(m.top1, m.macs) for m in found.front()}
