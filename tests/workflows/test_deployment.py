"""The functions behind verbs that need no search, as a program calls them."""

import json

import pytest

from seesaw_nas import api
from seesaw_nas.core.errors import OptionError, SeesawError


def test_spec_is_exported_by_its_name(tmp_path):
    written = api.export("igcv3-0.5d@cifar10", "json", out=tmp_path / "spec.json")
    assert (written.target, written.path, written.agreement) == ("json", tmp_path / "spec.json", None)
    assert api.show(str(written.path)).named.architecture == api.show("igcv3-0.5d@cifar10").named.architecture
    assert json.loads(written.path.read_text())["name"] == "igcv3-0.5d@cifar10"


def test_show_asks_others_only_when_told_to():
    assert api.show("igcv3-0.5d@cifar10").verification is None


def test_latencies_have_their_conditions_and_say_how_far_they_are():
    told = []
    quick = api.LatencySettings(batches=(1,), threads=(1,), backends=("eager",), device="cpu", seconds=0.01)
    timed = api.latency(["igcv3-0.5d@cifar10"], quick, on_step=lambda name, *_: told.append(name))
    (network,) = timed.networks
    assert [latency.backend for latency in network.latencies] == ["eager"]
    assert network.latencies[0].median_ms > 0
    assert timed.conditions["precision"].startswith("float32")
    assert set(told) == {"igcv3-0.5d@cifar10"}


def test_weights_are_those_of_one_network(tmp_path):
    with pytest.raises(OptionError) as caught:
        api.latency(["igcv3-0.5d", "seesaw-shuffle-0.5d"], weights=tmp_path / "w.safetensors")
    assert str(caught.value) == "--weights are those of one network, got 2; time them one by one"


def test_network_without_weights_is_not_evaluated():
    with pytest.raises(SeesawError, match="comes without weights; name a file with --weights"):
        api.evaluate("igcv3-0.5d@cifar10", dataset="digits")
