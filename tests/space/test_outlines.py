"""Optional stages and heads to choose from, against a list of all networks of a small space."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_spaces import OPEN, TEXT, list_networks

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture, Head
from seesaw_nas.core.errors import NothingFits, SpaceError, SpecError
from seesaw_nas.network.witness import verify
from seesaw_nas.space import Budget, Codebook, Feasible, Space, decode, encode, genes, load, nearest, parse
from seesaw_nas.space.additive import Additive, Scores

SEEDS = st.integers(0, 2**32)
few = settings(max_examples=12, deadline=None)


@pytest.fixture(scope="module")
def listed() -> dict[str, Architecture]:
    return list_networks(OPEN)


@pytest.fixture(scope="module")
def costs(listed) -> list[int]:
    return sorted(map(cost.macs, listed.values()))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def draw_budget(data, costs) -> Budget:
    """A limit, a band, or exactly the cost of one network."""
    low, high = sorted(data.draw(st.sampled_from(costs)) for _ in range(2))
    return Budget(*data.draw(st.sampled_from([(0, high), (low, high), (high, high)])))


def shape(network: Architecture) -> tuple:
    """What an outline decides: widths and strides of what is there, and the head."""
    return network.stem, tuple((stage.channels, stage.stride) for stage in network.stages), network.head


def has(network: Architecture, stage: int) -> bool:
    return stage in OPEN.outlines[OPEN.outline_of(network)].present


# Counts and costs


def test_size_is_that_of_the_list_and_of_a_sum_by_hand(listed):
    # Width 4: the first stage is absent or one of 3 blocks (dense, 1:1 shuffled, 1:1 plain); the second has one or two
    # of 6 (dense, 1:3 shuffled or shared, at two expansions); the third none, one or two of one: 4 * (6 + 36) * 3.
    # Width 6: 1:3 does not fit between 6 and 12 channels, so the second stage begins with one of 2: 4 * (2 + 12) * 3.
    # Two heads.
    assert OPEN.size == len(listed) == 2 * (504 + 168)
    assert len(OPEN.outlines) == len({shape(network) for network in listed.values()}) == 16


def test_without_choices_of_an_outline_there_is_one_for_each_width():
    assert [(one.width, one.present) for one in load("seesaw-cifar").outlines] == [
        (0, tuple(range(7))),
        (1, tuple(range(7))),
    ]


def test_an_absent_stage_takes_its_stride_and_width_with_it():
    # The first stage is there: 4 to 8 channels, 8x8 to 4x4. It is not: the second has 4 to 8 channels on 8x8.
    numbers = {one.present: number for number, one in enumerate(OPEN.outlines) if (one.width, one.head) == (0, 8)}
    shapes = {
        present: [(slot.stage, slot.index, slot.c_in, slot.c_out, slot.size_in, slot.size_out) for slot in slots]
        for present, slots in ((present, OPEN.slots(number)) for present, number in numbers.items())
    }
    assert shapes[0, 1] == [(0, 0, 4, 8, 8, 4), (1, 0, 8, 8, 4, 4), (1, 1, 8, 8, 4, 4)]
    assert shapes[(1,)] == [(1, 0, 4, 8, 8, 8), (1, 1, 8, 8, 8, 8)]
    # Stem 9*4*64; head 8*8*64 on the larger map, 8*8*16 on the smaller one; classifier 8*3.
    assert OPEN.fixed_macs(numbers[(1,)]) == 2_304 + 4_096 + 24
    assert OPEN.fixed_macs(numbers[0, 1]) == 2_304 + 1_024 + 24


@few
@given(data=st.data())
def test_counts_and_lists_of_budgets_are_those_of_the_list(listed, costs, data):
    budget = draw_budget(data, costs)
    inside = {digest for digest, network in listed.items() if network in budget}
    feasible = Feasible(OPEN, budget)
    assert feasible.count == len(inside)
    assert {network.digest for network in feasible.left(())} == inside
    assert feasible.cheapest == min(cost.macs(listed[digest]) for digest in inside)
    assert feasible.costliest == max(cost.macs(listed[digest]) for digest in inside)


def test_nothing_fits_below_the_cheapest(costs):
    assert (OPEN.cheapest_macs, OPEN.costliest_macs) == (costs[0], costs[-1])
    with pytest.raises(NothingFits, match=f"the cheapest has {costs[0]:,} and the costliest {costs[-1]:,}"):
        Feasible(OPEN, Budget(0, costs[0] - 1))


@pytest.mark.thorough
@pytest.mark.parametrize("absent", [(), (0,), (2,), (0, 2)])
def test_counters_of_others_count_what_is_built(listed, absent):
    stages = tuple(stage for stage in range(3) if stage not in absent)
    network = next(n for n in listed.values() if all(has(n, i) == (i in stages) for i in range(3)))
    found = verify(network)
    assert not found.differing
    assert len(found.counts) >= 4  # torch's own, fvcore's two, thop
    assert not any(count.unexplained for count in found.counts)
    assert found.params == found.params_built


# Membership


def test_everything_listed_is_in_the_space(listed):
    assert [OPEN.objection(network) for network in listed.values() if network not in OPEN] == []


def test_strangers_are_told_apart(listed):
    whole = next(n for n in listed.values() if len(n.stages) == 3)
    assert OPEN.objection(replace(whole, head=Head(16))) == (
        "input, classes, stem stride and head channels are ((1, 8, 8), 3, 1, 16), "
        "the space's ((1, 8, 8), 3, 1, (8, 12))"
    )
    assert OPEN.objection(replace(whole, stages=whole.stages[:0:-1])) == (
        "its widths are not among the space's: 4-8-8-4, 6-6-12-8, with or without stages[0] and stages[2]"
    )
    second = replace(whole.stages[1], blocks=whole.stages[1].blocks[:1] * 3)
    assert OPEN.objection(replace(whole, stages=(second,))) == (
        "stages[0] has stride 1 and 3 blocks, which is not on offer"
    )


# Genes and rows


def test_genes_are_in_the_order_of_the_network_with_the_head_at_the_end():
    assert list(genes(OPEN)) == [
        *("width", "stage1.repeats", "stage1.block1.grouping", "stage2.repeats"),
        *("stage2.block1.grouping", "stage2.block1.expansion", "stage2.block2.grouping", "stage2.block2.expansion"),
        *("stage3.repeats", "head"),
    ]
    assert (genes(OPEN)["stage1.repeats"], genes(OPEN)["stage3.repeats"]) == (("0", "1"), ("0", "1", "2"))
    assert genes(OPEN)["head"] == ("8", "12")


def test_every_network_has_genes_and_a_row_of_its_own_and_its_price(listed):
    codes = [encode(OPEN, network) for network in listed.values()]
    assert [decode(OPEN, code) for code in codes] == list(listed.values())
    book = Codebook(OPEN)
    assert book.names == (
        *("width", "head", "stage1.block1", "stage2.block1", "stage2.block2", "stage3.block1", "stage3.block2"),
    )
    rows = book.encode(listed.values())
    assert len(np.unique(rows, axis=0)) == len(listed)
    assert [book.decode(row) for row in rows] == list(listed.values())
    assert book.macs(rows).tolist() == [cost.macs(network) for network in listed.values()]
    assert book.params(rows).tolist() == [cost.params(network) for network in listed.values()]


def test_a_row_of_nothing_is_refused_by_its_column():
    book = Codebook(OPEN)
    for row, column, words in [
        ([0, 2, 0, 1, 0, 0, 0], "head", "a head from 0 to 1 is wanted, got 2"),
        ([2, 0, 0, 1, 0, 0, 0], "width", "a width from 0 to 1 is wanted, got 2"),
        ([0, 0, 0, 1, 0, 0, 1], "stage3.block2", "a stage fills its first places and no others, this one 0 or 1 or 2"),
        ([0, 0, 1, 0, 0, 0, 0], "stage2.block1", "a stage fills its first places and no others, this one 1 or 2"),
        ([1, 0, 0, 3, 0, 0, 0], "stage2.block1", "1 to 2, or 0 for no block, is wanted, got 3"),
    ]:
        with pytest.raises(SpecError, match=words) as refused:
            book.macs([row])
        assert f"rows[0].{column}" in str(refused.value)


def test_rows_are_drawn_choice_by_choice():
    book = Codebook(OPEN)
    rows = book.draw(6_000, rng(0))
    networks = [book.decode(row) for row in rows[:200]]
    assert all(network in OPEN for network in networks)
    shares = [np.mean(rows[:, 1]), np.mean(rows[:, 2] == 0), np.mean(rows[:, 5] == 0), np.mean(rows[:, 6] != 0)]
    # standard deviations of 0.0065 at most: five of them away by chance once in a million
    assert np.allclose(shares, [1 / 2, 1 / 2, 1 / 3, 1 / 3], atol=0.033)


# Draws


def test_every_network_of_a_narrow_band_is_drawn_equally_often(listed, costs):
    budget = Budget(costs[600], costs[660])
    inside = [digest for digest, network in listed.items() if network in budget]
    feasible, generator = Feasible(OPEN, budget), rng(0)
    found = Counter(feasible.draw(generator).digest for _ in range(40 * len(inside)))
    assert set(found) == set(inside)
    # chi-square of n - 1 degrees of freedom: its mean, and five standard deviations
    square = sum((count - 40) ** 2 / 40 for count in found.values())
    assert abs(square - len(inside)) < 5 * np.sqrt(2 * len(inside))


def test_fair_draws_have_every_number_of_blocks_equally_often():
    feasible, generator = Feasible.of(OPEN, "100%"), rng(0)
    drawn = [feasible.draw_fair(generator) for _ in range(3_000)]
    repeats = np.array([OPEN.take_apart(network)[2] for network in drawn])
    assert abs(np.mean(repeats[:, 0] == 0) - 1 / 2) < 0.05  # five standard deviations
    assert abs(np.mean(repeats[:, 2] == 0) - 1 / 3) < 0.045
    assert abs(np.mean([network.head.channels == 8 for network in drawn]) - 1 / 2) < 0.05


@few
@given(data=st.data(), seed=SEEDS)
def test_draws_of_all_kinds_are_within_the_budget(listed, costs, data, seed):
    feasible, generator = Feasible(OPEN, draw_budget(data, costs)), rng(seed)
    for draw in (feasible.draw, feasible.draw_even, feasible.draw_fair):
        found = draw(generator)
        assert found.digest in listed
        assert found in feasible.budget


# Moves


@few
@given(data=st.data(), seed=SEEDS)
def test_moves_stay_within_the_budget(listed, costs, data, seed):
    feasible, generator = Feasible(OPEN, draw_budget(data, costs)), rng(seed)
    one, other = feasible.draw(generator), feasible.draw(generator)
    mutant = feasible.mutate(one, generator)
    assert (mutant == one) == (feasible.count == 1)
    stranger = listed[data.draw(st.sampled_from(sorted(listed)))]
    mended = feasible.repair(stranger, generator)
    if stranger in feasible.budget:
        assert mended == stranger
    for found in (mutant, mended, feasible.crossover(one, other, generator)):
        assert found.digest in listed
        assert found in feasible.budget


@pytest.mark.parametrize(("low", "high"), [(0, 20), (700, 712)])
def test_mutations_lead_from_every_network_to_every_other(listed, costs, low, high):
    feasible, generator = Feasible(OPEN, Budget(costs[low] if low else 0, costs[high])), rng(0)
    inside = {digest for digest, network in listed.items() if network in feasible.budget}
    network, seen = feasible.draw(generator), set()
    for _ in range(60 * len(inside)):
        if seen == inside:
            break
        network = feasible.mutate(network, generator)
        seen.add(network.digest)
    assert seen == inside


def test_a_stage_appears_or_disappears_and_the_rest_stays(listed):
    feasible = Feasible.of(OPEN, "100%")
    before = next(n for n in listed.values() if len(n.stages) == 3 and n.stem.channels == 4)
    after = [feasible.mutate(before, generator) for generator in map(rng, range(300))]
    without = [n for n in after if n.stages == before.stages[1:] and n.head == before.head]
    with_other_head = [n for n in after if n.stages == before.stages and n.head != before.head]
    assert without  # the first stage is gone, and every other block is the same
    assert with_other_head


@pytest.mark.parametrize("seed", range(3))
def test_children_are_all_mixtures_that_exist_and_no_others(listed, seed):
    feasible, generator = Feasible.of(OPEN, "100%"), rng(seed)
    one, other = feasible.draw_fair(generator), feasible.draw_fair(generator)
    mixtures = {digest for digest, child in listed.items() if is_mixture(child, one, other)}
    assert one.digest in mixtures
    found = {feasible.crossover(one, other, generator).digest for _ in range(16 * len(mixtures))}
    assert found == mixtures  # each is equally likely, so that one stays away has a chance below n * exp(-16)


def is_mixture(child: Architecture, one: Architecture, other: Architecture) -> bool:
    """Whether every choice of a child is one parent's, and its width the first one's."""
    _, blocks, repeats = OPEN.take_apart(child)
    parents = [OPEN.take_apart(parent) for parent in (one, other)]
    own = [{(slot.stage, slot.index): block for slot, block in found.items()} for _, found, _ in parents]
    return (
        child.stem == one.stem
        and child.head in (one.head, other.head)
        and all(n in both for n, both in zip(repeats, zip(*(r for *_, r in parents), strict=True), strict=True))
        and all(block in [o.get((slot.stage, slot.index)) for o in own] for slot, block in blocks.items())
    )


# The best of a sum


def random_scores(seed: int) -> Scores:
    generator, numbers = rng(seed), range(len(OPEN.outlines))
    slots = {slot: None for number in numbers for slot in OPEN.slots(number)}
    blocks = {slot: generator.normal(size=len(OPEN.options(slot))) for slot in slots}
    repeats = tuple(generator.normal(size=len(stage.repeats)) for stage in OPEN.stages)
    return Scores(generator.normal(size=len(numbers)), repeats, blocks.__getitem__)


def add_up(scores: Scores, network: Architecture) -> float:
    outline, blocks, repeats = OPEN.take_apart(network)
    total = scores.outlines[outline] + sum(scores.blocks(s)[OPEN.options(s).index(b)] for s, b in blocks.items())
    return total + sum(scores.repeats[i][stage.repeats.index(repeats[i])] for i, stage in enumerate(OPEN.stages))


@few
@given(data=st.data(), seed=SEEDS)
def test_the_best_sum_within_a_budget_is_that_of_the_list(listed, costs, data, seed):
    budget, scores = draw_budget(data, costs), random_scores(seed)
    found = Additive(OPEN, budget).best(scores, budget.high, budget.low)
    wanted = max(add_up(scores, network) for network in listed.values() if network in budget)
    assert found is not None
    assert found in budget
    assert add_up(scores, found) == pytest.approx(wanted, abs=1e-9)


def kept(code, other) -> int:
    """How many genes of a code another one has, over those that mean something in both."""

    def means(one, name):
        stage, _, block = name.partition(".block")
        return not block or int(block.split(".")[0]) <= int(one[f"{stage}.repeats"])

    return sum(code[name] == other[name] for name in code if means(code, name) and means(other, name))


@few
@given(data=st.data(), seed=SEEDS)
def test_the_nearest_keeps_as_many_genes_as_any_on_the_list(listed, costs, data, seed):
    code = {name: data.draw(st.sampled_from(choices), name) for name, choices in genes(OPEN).items()}
    budget = draw_budget(data, costs)
    found = nearest(Feasible(OPEN, budget), code, rng(seed))
    assert found in budget
    most = max(kept(code, encode(OPEN, n)) for n in listed.values() if n in budget)
    assert kept(code, encode(OPEN, found)) == most


# What is refused


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        (
            "repeats = [1, 2]",
            "repeats = [0, 1, 2]",
            "stages: every stage may be absent, and a network has at least one; let the repeats of one stage begin at ",
        ),
        (
            "repeats = [0, 1]",
            "repeats = [0]",
            "stages[0].repeats: a stage of 0 blocks alone is never there; add another number, or leave the stage out",
        ),
        ("repeats = [0, 1]", "repeats = [-1, 1]", "stages[0].repeats: at least 0 is wanted, got -1"),
        ("[8, 12] }", "[8, 8] }", "head.channels: a list of at least one, none twice, is wanted, got [8, 8]"),
        ("[8, 12] }", "[] }", "head.channels: a list of at least one, none twice, is wanted, got []"),
        (
            "[8, 12] }",
            f"{list(range(8, 25))} }}",
            "stages: at most 64 combinations of widths, heads and absent stages are counted, these are 136; offer ",
        ),
        (
            "channels = [4, 6], stride",
            "channels = [[4, 6], 8], stride",
            "stem.channels: a list of stems for each width, or one stem for each, is wanted, got [[4, 6], 8]",
        ),
        (
            "channels = [4, 6], stride",
            "channels = [4, 6, 8], stride",
            "found lengths [2, 3]; a stem to choose at each width is a list of lists, one for each width",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(written, instead, words):
    assert written in TEXT
    with pytest.raises(SpaceError) as refused:
        parse(TEXT.replace(written, instead, 1), "open.toml")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_ways_to_the_same_networks_are_refused():
    """A first and a last stage alike, either of which may be all that is left in front of the other."""
    stage = "[[stages]]\nchannels = 8\nstride = 1\nrepeats = [0, 1]\n"
    text = TEXT[: TEXT.index("[[stages]]")].replace("[4, 6]", "4") + 2 * stage + stage.replace("[0, 1]", "[1, 2]")
    with pytest.raises(SpaceError) as refused:
        parse(text, "open.toml")
    assert str(refused.value) == (
        "open.toml: space 'open': width 1 without stages[1] and width 1 without stages[0] have the same widths and "
        "strides, so their networks would count twice; give the stages that differ other channels, or make them one "
        "stage of more repeats"
    )


# Stems


def test_stems_of_each_width_are_widths_of_their_own():
    """A list of lists is short for the widths with the stages' channels written out."""
    short = parse(TEXT.replace("channels = [4, 6], stride", "channels = [[4, 8], [6]], stride"), "short.toml")
    long = TEXT.replace("channels = [4, 6], stride", "channels = [4, 8, 6], stride")
    for once, twice in (("[8, 6]", "[8, 8, 6]"), ("channels = [8, 12]\n", "channels = [8, 8, 12]\n")):
        long = long.replace(once, twice)
    written_out = parse(long.replace("[4, 8]\nstride = 2", "[4, 4, 8]\nstride = 2"), "long.toml")
    assert short == written_out
    assert [short.width_name(width) for width in range(short.widths)] == ["4-8-8-4", "8-8-8-4", "6-6-12-8"]


def test_a_list_of_stems_alone_is_a_choice_of_stems():
    found = parse(
        TEXT.replace("[8, 6]", "8").replace("channels = [8, 12]\n", "channels = 8\n").replace("[4, 8]", "4"), "s.toml"
    )
    assert genes(found)["width"] == ("4-8-8-4", "6-8-8-4")
    networks = list_networks(found)
    assert found.size == len(networks)
    assert {network.stem.channels for network in networks.values()} == {4, 6}


def test_one_head_in_a_list_is_that_head(listed):
    one: Space = parse(TEXT.replace("[8, 12] }", "[8] }"), "open.toml")
    assert one == parse(TEXT.replace("[8, 12] }", "8 }"), "open.toml")
    assert "head" not in genes(one)
    assert one.size == len(listed) // 2


def test_a_space_tells_its_heads():
    assert repr(OPEN) == "<Space open: 1x8x8, 3 stages, 2 widths, 2 heads, budget 100%>"
