"""The nearest architecture within a budget, against a list of all, and in spaces too large to list."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seesaw_nas import space
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Budget, Feasible, Space, decode, encode, genes, nearest

DIGITS = space.load("seesaw-digits")
SEEDS = st.integers(0, 2**32)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def meaningful(code) -> list[str]:
    """The genes that have a meaning: not those of blocks beyond their stage's repeats."""
    return [name for name in code if ".block" not in name or block(name) <= int(code.get(repeats(name), 99))]


def block(name: str) -> int:
    return int(name.split(".")[1].removeprefix("block"))


def repeats(name: str) -> str:
    return f"{name.split('.')[0]}.repeats"


def kept(code, other) -> int:
    """How many genes of a code another one has, over those that mean something in both."""
    both = set(meaningful(code)) & set(meaningful(other))
    return sum(code[name] == other[name] for name in both)


@dataclass
class Listed:
    """Every network of a space: its Multi-Adds and its genes."""

    space: Space
    macs: list[int]
    codes: list[dict[str, str]]

    def most_kept(self, code, budget: Budget) -> int:
        return max(kept(code, c) for macs, c in zip(self.macs, self.codes, strict=True) if macs in budget.lead)


@pytest.fixture(scope="module")
def every(tiny, listed):
    return Listed(tiny, [cost.macs(n) for n in listed.values()], [encode(tiny, n) for n in listed.values()])


def draw_budget(data, costs) -> Budget:
    """A limit, a band, or exactly the cost of one network."""
    low, high = sorted(data.draw(st.sampled_from(sorted(set(costs)))) for _ in range(2))
    return Budget(*data.draw(st.sampled_from([(0, high), (low, high), (high, high)])))


@few
@given(st.data(), SEEDS)
@pytest.mark.parametrize("rounded", [False, True], ids=["exact", "rounded"])
def test_nearest_keeps_as_many_genes_as_any_on_the_list(tiny, every, monkeypatch, rounded, data, seed):
    """Where costs are rounded, too: then the bound on the genes lost proves it, or everything is counted out."""
    if rounded:
        monkeypatch.setattr("seesaw_nas.space.additive.EXACT", 0)
        monkeypatch.setattr("seesaw_nas.space.additive.CELLS", 40)
    code = {name: data.draw(st.sampled_from(choices), name) for name, choices in genes(tiny).items()}
    budget = draw_budget(data, every.macs)
    found = nearest(Feasible(tiny, budget), code, np.random.default_rng(seed))
    assert found in budget
    assert kept(code, encode(tiny, found)) == every.most_kept(code, budget)
    try:
        wanted = decode(tiny, code)
    except SpecError:
        return
    assert found == wanted or wanted not in budget


def test_ties_are_broken_at_random():
    feasible = Feasible.of(DIGITS, "300K")
    code = {name: choices[0] for name, choices in genes(DIGITS).items()} | {"stage3.repeats": "3"}
    code |= {name: "4" for name in code if name.endswith("expansion")}
    found = [nearest(feasible, code, np.random.default_rng(seed)) for seed in range(10)]
    assert len({one.digest for one in found}) > 1
    assert len({kept(code, encode(DIGITS, one)) for one in found}) == 1
    assert found[0] == nearest(feasible, code, np.random.default_rng(0))


def test_nearest_in_digits_keeps_most_genes_where_a_draw_anew_kept_three_in_five():
    """Random genes above 300K: on average 17.4 of 20.5 genes can be kept."""
    feasible, wanted, found = Feasible.of(DIGITS, "300K"), [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        code = {name: str(rng.choice(choices)) for name, choices in genes(DIGITS).items()}
        if cost.macs(decode(DIGITS, code)) > 300_000:
            wanted.append(len(meaningful(code)))
            found.append(kept(code, encode(DIGITS, nearest(feasible, code, rng))))
    assert np.mean(wanted) == pytest.approx(20.5, abs=0.6)
    assert np.mean(found) / np.mean(wanted) > 0.83


@pytest.mark.parametrize("budget", ["60M", "55M:56M"])
def test_nearest_in_a_fine_space_is_within_the_budget_and_as_near_as_can_be(budget):
    """Of 3.7 million costs that a limit holds; the deepest network, of the costliest blocks, is far above it."""
    tiny_cifar = space.load("seesaw-cifar-tiny")
    feasible = Feasible.of(tiny_cifar, budget)
    code = {name: choices[-1] for name, choices in genes(tiny_cifar).items()}
    found = nearest(feasible, code, np.random.default_rng(0))
    assert found in feasible.budget


@settings(deadline=None)
@given(SEEDS)
def test_nearest_of_any_genes_of_a_large_space_is_within_a_narrow_band(seed):
    rng = np.random.default_rng(seed)
    code = {name: str(rng.choice(choices)) for name, choices in genes(DIGITS).items()}
    found = nearest(Feasible(DIGITS, Budget(390_000, 400_000)), code, rng)
    assert 390_000 <= cost.macs(found) <= 400_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage1.repeats": None}, "stage1.repeats: one of 1, 2 is wanted, got None"),
        ({"width": "8-8-8"}, "width: one of 4-8-8, 6-6-12 is wanted, got '8-8-8'"),
    ],
)
def test_nearest_of_a_missing_or_unknown_gene_is_refused(tiny, listed, change, message):
    code = encode(tiny, next(iter(listed.values()))) | change
    with pytest.raises(SpecError) as refused:
        nearest(Feasible(tiny, Budget(0, tiny.costliest_macs)), code, np.random.default_rng(0))
    assert str(refused.value) == message
