"""What a measurement promises apart from times: right outputs, like conditions for all, figures that fit each other."""

import json
import math
from dataclasses import replace

import onnx
import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import cores
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.deploy import latency
from seesaw_nas.deploy.latency import BACKENDS, NO_TIMINGS, Latency, LatencySettings, NetworkLatencies, measuring
from seesaw_nas.deploy.latency.backends import PREPARE, PreparedNetwork, Target
from seesaw_nas.deploy.latency.race import LEAST_ROUNDS, MOST_ROUNDS, Times, race
from seesaw_nas.deploy.runtimes import onnx_graph
from seesaw_nas.deploy.runtimes import onnxruntime as runtime
from seesaw_nas.network import folded
from seesaw_nas.network.models import build, save_weights

BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 2), (Stage(8, 1, (BLOCK, BLOCK)),), Head(16))
QUICK = LatencySettings(batches=(1, 3), threads=(1,), backends=("eager", "fused"), device="cpu", seconds=0.01)


def by_name(found):
    return {(entry.backend, entry.batch): entry for entry in found}


@pytest.fixture
def swapped(monkeypatch):
    """Put another preparation in the place of a backend's."""
    return lambda name, prepare: monkeypatch.setitem(PREPARE, name, prepare)


# --- what is measured


def test_every_backend_is_timed_at_every_batch_in_order():
    found = latency.measure(SMALL, QUICK)
    assert [(entry.batch, entry.backend) for entry in found] == [(1, "eager"), (1, "fused"), (3, "eager"), (3, "fused")]
    for entry in found:
        assert (entry.threads, entry.device, entry.precision, entry.reason) == (1, "cpu", "float32", "")
        assert entry.calls >= LEAST_ROUNDS
        assert 0 < entry.min_ms <= entry.lower_ms <= entry.median_ms <= entry.upper_ms
        assert entry.images_per_second == pytest.approx(1000 * entry.batch / entry.median_ms)
        assert entry.minor_faults >= 0
    assert by_name(found)["eager", 3].difference == 0
    assert 0 < by_name(found)["fused", 3].difference < 1e-4


@pytest.mark.slow
def test_onnxruntime_computes_the_same():
    (entry,) = latency.measure(SMALL, replace(QUICK, backends=("onnxruntime",), batches=(3,)))
    assert (entry.reason, entry.device) == ("", "cpu")
    assert 0 < entry.difference < 1e-4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's own compiler does not run without deprecations
def test_compiled_computes_the_same_or_says_why_not():
    found = by_name(latency.measure(SMALL, replace(QUICK, backends=("eager", "compiled"), batches=(3,))))
    assert found["eager", 3].calls
    entry = found["compiled", 3]
    assert entry.calls if not entry.reason else "compiler" in entry.reason.lower()


def test_bfloat16_is_held_against_eager_in_float32():
    for entry in latency.measure(SMALL, replace(QUICK, precision="bfloat16", batches=(3,))):
        assert (entry.precision, entry.reason) == ("bfloat16", "")
        assert 1e-4 < entry.difference < 0.2


def test_onnxruntime_says_that_it_has_no_bfloat16():
    (entry,) = latency.measure(SMALL, replace(QUICK, precision="bfloat16", backends=("onnxruntime",), batches=(1,)))
    assert (entry.reason, entry.calls, entry.median_ms) == ("the exported graph computes in float32 only", 0, None)


def test_steps_are_told_before_they_begin():
    told = []
    latency.measure(SMALL, replace(QUICK, batches=(1,)), on_step=lambda *step: told.append(step))
    assert told == [("preparing eager", 0, 3), ("preparing fused", 1, 3), ("batch 1, 1 thread", 2, 3)]


def test_conditions_name_the_allocator_and_the_runtime():
    found = measuring.conditions(QUICK)
    assert {"processor", "torch", "onnxruntime", "commit", "allocator", "precision", "timing"} <= set(found)
    assert (found["device"], found["precision"]) == ("CPU", "float32")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gpu_computes_the_same(precision):
    for entry in latency.measure(SMALL, replace(QUICK, device="cuda", precision=precision)):
        assert (entry.reason, entry.device) == ("", "cuda")


# --- networks


def test_without_weights_no_batch_norm_is_the_identity_and_a_seed_is_a_network():
    def outputs(seed):
        model = measuring._network(SMALL, seed, None)
        assert not model.training
        for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)):
            for values, trivial in ((norm.running_mean, 0), (norm.running_var, 1), (norm.weight, 1), (norm.bias, 0)):
                assert not torch.isclose(values, torch.full_like(values, trivial), rtol=0, atol=1e-6).any()
        return model(torch.ones(1, 1, 8, 8))

    assert torch.equal(outputs(0), outputs(0))
    assert not torch.equal(outputs(0), outputs(1))


def test_weights_are_those_of_the_file(tmp_path):
    weights = tmp_path / "w.safetensors"
    model = build(SMALL, seed=5)
    save_weights(model, weights, {})
    loaded = measuring._network(SMALL, 0, weights)
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(RunError, match="are of another network"):
        latency.measure(replace(SMALL, classes=11), QUICK, weights=weights)


# --- outputs that are wrong, backends that fail


def test_wrong_output_is_told_and_not_timed(swapped):
    def prepare(network, target):
        other = folded.fuse(build(SMALL, seed=99).eval())
        return PreparedNetwork(target.device, lambda images, threads: lambda: other(images))

    swapped("fused", prepare)
    found = by_name(latency.measure(SMALL, QUICK))
    for batch in QUICK.batches:
        assert found["fused", batch].reason.startswith("WRONG OUTPUT, off by ")
        assert found["fused", batch].difference > 1e-4
        assert (found["fused", batch].calls, found["fused", batch].images_per_second) == (0, None)
        assert found["eager", batch].calls


def test_output_that_is_not_finite_is_wrong_and_has_a_json_form(swapped):
    swapped(
        "fused",
        lambda network, target: PreparedNetwork(target.device, lambda *_: lambda: torch.full((1, 10), math.nan)),
    )
    found = latency.measure(SMALL, replace(QUICK, batches=(1,)))
    assert found[1].reason.startswith("WRONG OUTPUT, off by nan")
    json.dumps(latency.document([NetworkLatencies(Named("a", SMALL), found)], {}), allow_nan=False)


@pytest.mark.parametrize("when", ["prepared", "made ready", "called"])
def test_failure_of_one_backend_is_told_in_a_line_and_the_others_go_on(swapped, when):
    def fail(*_):
        raise ValueError("first line\nsecond line")

    def prepare(network, target):
        if when == "prepared":
            fail()
        return PreparedNetwork(target.device, fail if when == "made ready" else lambda *_: fail)

    swapped("fused", prepare)
    found = by_name(latency.measure(SMALL, QUICK))
    assert found["fused", 1].reason == found["fused", 3].reason == "ValueError: first line"
    assert found["eager", 3].calls


def test_batch_that_does_not_fit_into_memory_is_told(swapped):
    def prepare(network, target):
        def ready(images, threads):
            return lambda: torch.empty(10**15) if len(images) > 1 else network(images)

        return PreparedNetwork(target.device, ready)

    swapped("fused", prepare)
    found = by_name(latency.measure(SMALL, QUICK))
    assert "can't allocate memory" in found["fused", 3].reason
    assert found["fused", 1].calls


def test_ctrl_c_is_no_failure_of_a_backend(swapped):
    def prepare(network, target):
        raise KeyboardInterrupt

    swapped("fused", prepare)
    with pytest.raises(KeyboardInterrupt):
        latency.measure(SMALL, QUICK)


# --- threads


def test_threads_are_set_for_the_calls_and_put_back(swapped, monkeypatch):
    monkeypatch.setattr("seesaw_nas.deploy.latency.request.cores", lambda: 2)
    seen, before = [], torch.get_num_threads()

    def prepare(network, target):
        def ready(images, threads):
            def call():
                seen.append((threads, torch.get_num_threads()))
                return network(images)

            return call

        return PreparedNetwork(target.device, ready)

    swapped("eager", prepare)
    found = latency.measure(SMALL, replace(QUICK, threads=(2, 1), backends=("eager",), batches=(1,)))
    assert [entry.threads for entry in found] == [2, 1]
    assert set(seen) == {(1, 1), (2, 2)}
    assert torch.get_num_threads() == before


def test_threads_are_put_back_when_it_is_interrupted(swapped, monkeypatch):
    monkeypatch.setattr("seesaw_nas.deploy.latency.request.cores", lambda: 2)
    before = torch.get_num_threads()

    def interrupt():
        raise KeyboardInterrupt

    swapped("eager", lambda network, target: PreparedNetwork(target.device, lambda *_: interrupt))
    with pytest.raises(KeyboardInterrupt):
        latency.measure(SMALL, replace(QUICK, threads=(2,)))
    assert torch.get_num_threads() == before


def test_onnxruntime_gets_the_same_threads(monkeypatch):
    given = []
    monkeypatch.setattr(onnx_graph, "graph", lambda network: onnx.ModelProto())
    monkeypatch.setattr(runtime, "runner", lambda graph, threads, providers: given.append((threads, providers)))
    prepared = PREPARE["onnxruntime"](build(SMALL, seed=0), Target(torch.device("cpu"), torch.float32))
    prepared.ready(torch.zeros(1, 1, 8, 8), 7)
    assert given == [(7, ("CPUExecutionProvider",))]


# --- the race


class Clock:
    """Time that passes only in calls."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def call(self, name, seconds):
        def run():
            self.order.append(name)
            self.now += seconds

        return run


def test_calls_take_turns_and_add_up_to_the_wanted_time():
    clock = Clock()
    found = race({"a": clock.call("a", 0.01), "b": clock.call("b", 0.001)}, 1.0, clock)
    # 1 s in 20 rounds is 50 ms a round: 5 calls of 10 ms, 50 of 1 ms, each after one that is not timed.
    assert (len(found["a"].seconds), len(found["b"].seconds)) == (MOST_ROUNDS * 5, MOST_ROUNDS * 50)
    assert sum(found["a"].seconds) == pytest.approx(sum(found["b"].seconds)) == pytest.approx(1.0)
    warm = clock.order.index("b") + clock.order[clock.order.index("b") :].index("a")
    assert clock.order[warm:] == (["a"] * 6 + ["b"] * 51) * MOST_ROUNDS


def test_slow_call_has_five_rounds_and_so_has_its_neighbour():
    clock = Clock()
    found = race({"slow": clock.call("slow", 3.0), "fast": clock.call("fast", 0.1)}, 1.0, clock)
    assert len(found["slow"].seconds) == LEAST_ROUNDS
    assert len(found["fast"].seconds) == LEAST_ROUNDS * 2  # 1 s in 5 rounds of 0.2 s


def test_race_of_nobody_ends():
    assert race({}, 1.0) == {}


# --- records


def timed(backend="eager", batch=4, median=0.010, **more):
    entry = Latency(backend, batch, 1, "cpu", "float32", difference=0.0, **more)
    return entry.with_times(Times((median - 0.002, median, median + 0.006), 12, 0.017))


def test_figures_of_a_record_fit_each_other():
    entry = timed()
    # 8, 10 and 16 ms: quartiles half way to the neighbours
    assert (entry.min_ms, entry.lower_ms, entry.median_ms, entry.upper_ms) == pytest.approx((8, 9, 10, 13))
    assert (entry.calls, entry.minor_faults) == (3, 4)
    assert entry.cpu_share == pytest.approx(0.5)  # 17 ms of 34
    assert entry.images_per_second == pytest.approx(400)  # 4 in 10 ms


def test_rates_of_a_network_follow_from_its_multi_adds():
    entries = (
        timed(),
        timed("fused", median=0.005),
        timed("fused", batch=8),
        Latency("compiled", 4, 1, "cpu", "float32"),
    )
    measured = NetworkLatencies(Named("a", SMALL), entries)
    # At 4x4: stem 9*8*16; twice 8 -> 16 -> 8 channels, 1:3 costing 5/8: (80 + 9*16 + 80)*16; head 8*16*16; 16*10.
    assert measured.macs == 1_152 + 2 * 4_864 + 2_048 + 160
    assert measured.gmacs_per_second(entries[0]) == pytest.approx(13_088 * 400 / 1e9)
    assert [measured.speedup(entry) for entry in entries] == [1, pytest.approx(2), None, None]
    assert measured.gmacs_per_second(entries[3]) is None


def test_file_reads_back(tmp_path):
    measured = NetworkLatencies(Named("a", SMALL), (timed(), Latency("fused", 4, 1, "cpu", "float32", reason="broke")))
    path = tmp_path / "latency.json"
    path.write_text(json.dumps(latency.document([measured], {"processor": "one"})))
    found = latency.read(path)
    assert found.conditions == {"processor": "one"}
    assert found.latencies == {SMALL.digest: measured.latencies}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "Expecting property name"),
        ("[]", "an object with schema_version"),
        ('{"schema_version": 2}', "schema_version: this release reads version 1, got 2"),
        ('{"schema_version": 1}', "conditions: this field is missing"),
        (
            '{"schema_version": 1, "conditions": {}, "networks": [{"digest": "a", "latencies": [{}]}]}',
            "networks[0].backend: this field is missing",
        ),
    ],
)
def test_damaged_file_is_told(tmp_path, content, text):
    path = tmp_path / "latency.json"
    path.write_text(content)
    with pytest.raises(
        RunError, match=r"cannot read latencies from .*latency\.json: .*; remove it to measure them again"
    ) as told:
        latency.read(path)
    assert text in str(told.value)


def test_columns_show_the_fastest_at_each_batch():
    slow, fast = timed(), timed("fused", median=0.005)
    timings = latency.Timings({}, {"a": (slow, fast, timed(batch=1)), "b": (Latency("eager", 1, 1, "cpu", "float32"),)})
    assert timings.columns == {1: "ms, batch 1", 4: "ms, batch 4"}
    assert (timings.cells("a"), timings.cells("b"), timings.cells("c")) == (["10.0", "5.00"], ["", ""], ["", ""])
    assert NO_TIMINGS.columns == {}


# --- settings


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"backends": ("fuzed",)}, "unknown backend 'fuzed', did you mean 'fused'? (known: "),
        ({"backends": ()}, "--backends wants at least one, got none"),
        ({"backends": ("fused", "fused")}, "--backends names a value twice: fused, fused"),
        ({"precision": "float16"}, "unknown precision 'float16', did you mean 'bfloat16'?"),
        ({"batches": (0,)}, "--batch must be at least 1, got 0"),
        ({"batches": (8, 1, 8)}, "--batch names a value twice: 8, 1, 8"),
        ({"threads": (-1,)}, "--threads must be at least 1, got -1"),
        (
            {"threads": (cores() + 1,)},
            f"--threads {cores() + 1} is more than the {cores()} cores that this process may",
        ),
        ({"seconds": 0.0}, "--seconds must be above 0, got 0.0"),
        ({"seconds": math.nan}, "--seconds must be above 0, got nan"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
    ],
)
def test_impossible_settings_are_refused(change, text):
    with pytest.raises(OptionError) as told:
        LatencySettings(**change)
    assert text in str(told.value)


def test_every_backend_has_a_preparation():
    assert list(PREPARE) == list(BACKENDS)


def test_device_that_is_not_here_is_refused():
    with pytest.raises(OptionError, match="there is no device 'cuda:99' here"):
        latency.measure(SMALL, replace(QUICK, device="cuda:99"))
