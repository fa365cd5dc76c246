import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from seesaw_nas import space
from seesaw_nas.architecture.spec import Architecture, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError, TrainingFailed
from seesaw_nas.data import load
from seesaw_nas.evaluators.inherited import RECALIBRATION_IMAGES, InheritedEvaluator
from seesaw_nas.evaluators.tuned import TunedEvaluator
from seesaw_nas.space import Feasible
from seesaw_nas.training import accuracy
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import recipe
from seesaw_nas.training.supernet import Supernet


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def supernet():
    return Supernet.build(space.load("seesaw-digits"), seed=0)


@pytest.fixture(scope="module")
def drawn(supernet):
    feasible = Feasible.of(supernet.space, "300K")
    return [feasible.draw_even(np.random.default_rng(seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def inherited(supernet, digits):
    return InheritedEvaluator(supernet, digits)


def test_score_is_that_of_the_extracted_network_with_its_own_statistics(inherited, supernet, digits, drawn):
    network = supernet.extract(drawn[0])
    recalibrate(network, digits.train.images[:RECALIBRATION_IMAGES], digits.mean, digits.std)
    wanted = accuracy.measure(network, digits.validation, digits.mean, digits.std).top1
    score = inherited.evaluate(drawn[0], seed=0)
    assert score.top1 == wanted
    assert (score.split, score.note, score.curve) == ("validation", "inherited weights, untrained", ())


def test_losses_are_those_of_the_extracted_networks(inherited, supernet, digits, drawn):
    found = accuracy.tally(
        [inherited._forward(one) for one in drawn],
        digits.validation,
        digits.mean,
        digits.std,
        device="cpu",
        batch_size=500,
    )
    for one, architecture in zip(found, drawn, strict=True):
        network = supernet.extract(architecture)
        recalibrate(network, digits.train.images[:RECALIBRATION_IMAGES], digits.mean, digits.std)
        wanted = accuracy.measure(network, digits.validation, digits.mean, digits.std)
        assert (one.n, one.top1, one.top5) == (wanted.n, wanted.top1, wanted.top5)
        assert one.loss == pytest.approx(wanted.loss, rel=1e-6)


def test_several_at_once_get_what_each_gets_alone_and_the_seed_changes_nothing(inherited, drawn):
    together = inherited.scores(drawn)
    assert [score.top1 for score in together] == [inherited.evaluate(a, seed=7).top1 for a in drawn]
    assert inherited.scores([]) == []


def test_scoring_leaves_the_supernet_as_it_was(inherited, supernet, drawn):
    before = supernet.weights.clone()
    inherited.evaluate(drawn[0], seed=0)
    assert torch.equal(supernet.weights, before)


def test_a_worker_process_gets_the_same_score(inherited, drawn):
    inherited.evaluate(drawn[0], seed=0)  # also with everything made ready
    sent = pickle.loads(pickle.dumps(inherited)).on("cpu")
    assert sent.evaluate(drawn[1], seed=0).top1 == inherited.evaluate(drawn[1], seed=0).top1


@pytest.mark.thorough
def test_tuning_begins_where_the_supernet_ended(supernet, digits, drawn):
    tuned = TunedEvaluator(supernet, digits, recipe("quick", 2))
    score = tuned.evaluate(drawn[2], seed=0)
    assert score.top1 > 0.3  # chance is 0.1
    assert (len(score.curve), tuned.epochs, score.note) == (2, 2, "began with inherited weights")
    other = replace(tuned, supernet=Supernet.build(supernet.space, seed=1))
    assert other.evaluate(drawn[2], seed=0).curve[0].train_loss != score.curve[0].train_loss


@pytest.mark.thorough
def test_paused_tuning_goes_on(supernet, digits, drawn, tmp_path):
    tuned, checkpoint = TunedEvaluator(supernet, digits, recipe("quick", 2)), tmp_path / "0.safetensors"
    tuned.evaluate(drawn[0], seed=0, until=1, checkpoint=checkpoint)
    assert tuned.evaluate(drawn[0], seed=0, checkpoint=checkpoint).top1 == tuned.evaluate(drawn[0], seed=0).top1


@pytest.mark.parametrize("make", [InheritedEvaluator, lambda s, d: TunedEvaluator(s, d, recipe("quick", 1))])
def test_what_has_no_weights_there_is_refused(make, supernet, digits, drawn):
    evaluator, one = make(supernet, digits), drawn[0]
    narrow = Architecture(8, 1, 10, Stem(8, 1), (Stage(24, 1, one.stages[0].blocks[:1]),), Head(64))
    with pytest.raises(SpecError, match="the architecture is not in space 'seesaw-digits', whose weights these are"):
        evaluator.evaluate(narrow, seed=0)
    with pytest.raises(SpecError, match="digits has 10 classes, the architecture 7"):
        evaluator.evaluate(replace(one, classes=7), seed=0)


def test_weights_that_are_not_finite_are_told(supernet, digits, drawn):
    broken = replace(supernet, weights=torch.full_like(supernet.weights, torch.nan))
    with pytest.raises(TrainingFailed, match="the inherited weights give no finite loss; train the"):
        InheritedEvaluator(broken, digits).evaluate(drawn[0], seed=0)


def test_an_estimate_is_of_seconds(inherited, drawn):
    assert 0 < inherited.estimate(drawn[0]) < 60
