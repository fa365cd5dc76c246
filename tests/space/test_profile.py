"""Latency profiles: sums over blocks, the file and what is said of a broken one."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_spaces import OPEN, list_networks
from profiles import make_profile

from seesaw_nas.core.errors import ProfileError
from seesaw_nas.space import load
from seesaw_nas.space.profile_file import read

PROFILE = make_profile(OPEN, networks=40, error=0.031, machine={"processor": "Chip"})
NETWORKS = list(list_networks(OPEN).values())


def refusal(path, value, **options) -> str:
    """What is said of a file with this content."""
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    with pytest.raises(ProfileError) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "profile.json"


@pytest.fixture
def content():
    return json.loads(json.dumps(PROFILE.as_dict()))


# Sums


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NETWORKS))
def test_a_network_takes_its_ends_and_its_blocks(network):
    outline, blocks, _ = OPEN.take_apart(network)
    parts = [PROFILE.block(slot, block) for slot, block in blocks.items()]
    assert PROFILE.ends(OPEN.ends(outline)) == 2500  # the call 500, stem and head 1000 each
    assert PROFILE.of(network) == 2500 + sum(parts)


def test_another_spelling_of_a_block_takes_as_long():
    # A permutation in one group moves nothing: t1 k3 1 shuffle is t1 k3 1 none.
    slot = OPEN.slots(0)[0]
    plain = next(block for block in OPEN.options(slot) if block.partition.is_dense)
    shuffled = type(plain)(plain.expansion, plain.kernel, plain.partition, "shuffle")
    assert PROFILE.block(slot, shuffled) == PROFILE.block(slot, plain) == slot.macs(plain)


def test_a_profile_of_the_space_has_no_gaps_and_one_of_another_says_so():
    PROFILE.check(OPEN)
    with pytest.raises(ProfileError) as caught:
        PROFILE.check(load("seesaw-digits"))
    assert str(caught.value) == (
        "the latency profile is of 1x8x8 images of 3 classes, and space 'seesaw-digits' has 1x8x8 images of 10 classes "
        "here; measure one with `seesaw-nas profile seesaw-digits --resolution 8 --channels 1 --classes 10`"
    )


def test_another_resolution_is_named():
    with pytest.raises(ProfileError, match="of 1x8x8 images of 3 classes, and space 'open' has 1x16x16 images"):
        PROFILE.check(OPEN.adapt(16, 1, 3))


def test_the_first_gap_and_their_number_are_named(path, content):
    place = next(place for place in content["places"] if len(place["blocks"]) > 1)
    gone = sorted(place["blocks"])[0]
    del place["blocks"][gone]
    del content["heads"][1]
    path.write_text(json.dumps(content))
    with pytest.raises(
        ProfileError,
        match=r"lacks 2 of the times that space 'open' needs, the first is that of 1k3n1 \(c_in 4, c_out 8",
    ):
        read(path).check(OPEN)


def test_a_network_with_a_part_that_was_not_measured_is_refused():
    network = next(one for one in NETWORKS if one.head.channels == 8)
    other = type(network)(**{**vars_of(network), "classes": 4})
    with pytest.raises(ProfileError, match=r"no time for head \(c_in \d+, channels 8, classes 4, size \d\)"):
        PROFILE.of(other)


def vars_of(network) -> dict:
    names = ("input_size", "input_channels", "classes", "stem", "stages", "head")
    return {name: getattr(network, name) for name in names}


# The file


def test_what_is_written_is_read_back(path, content):
    path.write_text(json.dumps(content))
    found = read(path)
    assert found == PROFILE
    assert found.digest == PROFILE.digest
    assert str(found.conditions) == "onnxruntime on Chip, 1 thread, batch 1, 1x8x8, error 3.1%"


def test_the_digest_changes_with_a_time():
    other = make_profile(OPEN, lambda slot, block: slot.macs(block) + 1, networks=40, error=0.031)
    assert other.digest != PROFILE.digest


def test_another_file_is_none(path, content):
    assert "schema: 'seesaw-nas latency profile' is wanted, got none" in refusal(path, [1])
    assert "schema: 'seesaw-nas latency profile' is wanted, got 'other'" in refusal(path, content | {"schema": "other"})
    assert "this release reads version 1, got 2" in refusal(path, content | {"schema_version": 2})
    assert "is not JSON" in refusal(path, "{")
    path.unlink()
    with pytest.raises(ProfileError, match=r"cannot read the latency profile .*: No such file"):
        read(path)


@pytest.mark.parametrize("time", [0, -5, math.nan, math.inf, 1.5, "12", True, None, 3600 * 10**9])
def test_times_that_no_block_takes_are_refused(path, content, time):
    text = sorted(content["places"][2]["blocks"])[0]
    content["places"][2]["blocks"][text] = time
    said = refusal(path, content)
    assert f"places[2].blocks.{text}: whole nanoseconds from 1 to 60,000,000,000 (a minute) are wanted, got" in said


def test_a_time_of_a_head_and_the_constant_are_held_against_the_same_bounds(path, content):
    assert "heads[0].ns: whole nanoseconds" in refusal(path, content | {"heads": [content["heads"][0] | {"ns": 0}]})
    assert "constant: at least 0 is wanted, got -1" in refusal(path, content | {"constant": -1})


def test_what_is_there_twice_is_refused(path, content):
    places, stems = content["places"], content["stems"]
    said = refusal(path, content | {"places": [*places, places[0]]})
    assert f"places[{len(places)}]: c_in 4, c_out " in said
    assert "is there twice; keep one of them" in said
    assert "stems[2]: input_channels 1, channels 4, size_in 8, size_out 8 is there twice" in refusal(
        path, content | {"stems": [*stems, stems[0]]}
    )
    text = json.dumps(content).replace('"blocks": {', '"blocks": {"1k3n1": 7, "1k3n1": 8, ', 1)
    assert "has the key '1k3n1' twice" in refusal(path, text)


def test_a_block_that_is_none_or_spelt_otherwise_is_refused(path, content):
    def with_block(text: str) -> str:
        content["places"][0]["blocks"] = {text: 5}
        return refusal(path, content)

    assert "places[0].blocks: a block such as '6k3s1:3' is wanted, got 'fast'" in with_block("fast")
    assert "places[0].blocks.1k3s1: between 4 and 4 channels this block is 1k3n1; write that" in with_block("1k3s1")
    assert "cannot split 4 channels 1:4" in with_block("1k3s1:4")


def test_fields_that_lack_or_are_unknown_are_named(path, content):
    del content["conditions"]["threads"]
    assert "conditions.threads: this field is missing" in refusal(path, content)
    content["conditions"] |= {"threads": 0}
    assert "conditions.threads" in refusal(path, content)
    content["conditions"] |= {"threads": 1, "cores": 4}
    assert "conditions.cores: unknown field 'cores'" in refusal(path, content)
    assert "places: a list of at least one is wanted, got []" in refusal(path, PROFILE.as_dict() | {"places": []})


def test_a_profile_measured_under_load_is_believed_only_if_accepted(path, content):
    content["conditions"]["spread"] = 0.4
    said = refusal(path, content)
    assert "was measured under load: calls of one network differ by 40% between the quartiles" in said
    assert "up to 25% is believed; measure again while the machine is at rest, or add --accept-spread" in said
    assert read(path, accept_spread=True).conditions.spread == 0.4
