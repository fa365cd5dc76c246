import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from profiles import make_profile

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.files import write_json
from seesaw_nas.space import Feasible, load


def test_table_shows_the_paper_s_network_block_by_block(cli):
    code, out, err = cli("show", "seesaw-shuffle-0.5d@cifar10")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("seesaw-shuffle-0.5d@cifar10  ")
    assert lines[1].split() == ["block", "what", "output", "Params", "Multi-Adds", "share"]
    # stem, 17 blocks (1 + 2 + 3 + 4 + 3 + 3 + 1), head, classifier; then the letters, the totals, what it needs
    assert len(lines) == 2 + 1 + 17 + 2 + 3
    stem = 3 * 3 * 3 * 32 * 32 * 32  # 3x3 kernel, 3 -> 32 channels, 32x32 positions
    assert re.fullmatch(rf"stem +3x3 convolution +32x32x32 +928 +{stem:,} +0\.8%", lines[2])
    assert re.match(r"3\.2 +t6 k3 1:3 shuffle \+ +32x16x16 ", lines[7])  # + marks a residual
    assert lines[-2] == (
        "Params 1,459,834, Multi-Adds 108,212,736: Multi-Adds (MACs) of convolutions and linear layers, one image."
    )
    # 17,088 channels of batch norm leave one bias for two numbers. Block 2.2 has 24 channels with a residual and twice
    # 144 on 32x32: 312 * 1,024 values.
    assert lines[-1] == (
        "Deployed in float32 and int8: weights 5,770,984 and 1,494,040 bytes, peak memory 1,277,952 and 319,488 bytes."
    )


def test_json_has_what_the_deployed_network_needs(cli):
    assert json.loads(cli("show", "seesaw-shuffle-0.5d@cifar10", "--json").out)["result"]["deployed"] == {
        "weight_bytes": {"float32": 5_770_984, "int8": 1_494_040},
        "peak_memory_bytes": {"float32": 1_277_952, "int8": 319_488},
    }


def test_blocks_add_up_to_the_totals(cli):
    lines = cli("show", "igcv3-1.0d@cifar100").out.splitlines()
    rows = [line.split() for line in lines[2:-3]]
    assert sum(int(row[-3].replace(",", "")) for row in rows) == 2_338_788
    assert sum(int(row[-2].replace(",", "")) for row in rows) == 166_179_840


def test_shares_of_a_budget(cli):
    out = cli("show", "seesaw-shuffle-0.5d", "--budget", "110M").out
    assert "of budget" in out
    assert out.splitlines()[-1] == "98.4% of the budget of 110,000,000"
    over = cli("show", "seesaw-shuffle-0.5d", "--budget", "100M").out
    assert over.splitlines()[-1] == "108.2% of the budget of 100,000,000: OVER BUDGET"


def test_each_bound_of_a_budget_is_told_with_its_share(cli):
    out = cli(
        "show", "seesaw-shuffle-0.5d", "--budget", "110M, 300KB int8 memory, 1459834 params, 2MB:4MB int8 weights"
    ).out
    # 108,212,736 of 110M; 319,488 bytes of 307,200; 1,494,040 bytes of 4 MB, less than 2 MB
    assert out.splitlines()[-4:] == [
        "macs          108.2M, 98.4% of the budget of 110.0M: kept",
        "int8 memory   312 KB, 104.0% of the budget of 300 KB: OVER BUDGET",
        "params        1.5M, 100.0% of the budget of 1.5M: kept",
        "int8 weights  1.4 MB, 35.6% of the budget of 4 MB: BELOW ITS LOWER END",
    ]
    document = json.loads(cli("show", "seesaw-shuffle-0.5d", "--budget", "300KB int8 memory", "--json").out)
    (bound,) = document["result"]["budget"]
    assert bound == {
        "cost": "int8 memory", "low": 0, "high": 307_200, "unit": "bytes of activations at once", "amount": 319_488,
        "share": 1.04, "kept": False,
    }  # fmt: skip


def test_a_budget_without_multi_adds_leaves_the_shares_of_the_total(cli):
    lines = cli("show", "seesaw-shuffle-0.5d", "--budget", "320KB int8 memory").out.splitlines()
    assert lines[1].split()[-1] == "share"
    assert lines[-1] == "int8 memory   312 KB, 97.5% of the budget of 320 KB: kept"


def test_latency_of_a_budget_is_told_by_a_profile(cli, tmp_path):
    space = load("seesaw-digits")
    (tmp_path / "p.json").write_text(json.dumps(make_profile(space).as_dict()))
    network = Feasible.of(space, "600K").draw_even(np.random.default_rng(0))
    write_json(tmp_path / "net.json", specfile.document(Named("net", network)))
    told = cli("show", "net.json", "--budget", "500ms latency", "--latency-profile", "p.json").out.splitlines()[-1]
    nanoseconds = make_profile(space).of(network)
    assert told.startswith(f"latency       {nanoseconds / 1e6:.3g} ms, ")
    assert told.endswith(" of the budget of 500 ms: kept")


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("60%", "--budget 60% is a share of what? a network has no space; write an amount like 110M"),
        ("4ms", "a budget of latency needs measured times: give --latency-profile FILE, which"),
        ("110X", "cannot read '110X' as a number of Multi-Adds; write it like 110M, 1.5G or 110000000"),
    ],
)
def test_budget_that_cannot_be_read_is_one_line(refused, budget, told):
    assert refused("show", "seesaw-shuffle-0.5d", "--budget", budget).startswith(told)


def test_a_latency_profile_without_a_budget_is_refused(refused):
    said = refused("show", "seesaw-shuffle-0.5d", "--latency-profile", "none.json")
    assert said == "--latency-profile is for a budget of latency; add one, such as --budget '4ms latency'"


def test_json_is_a_spec_file(cli, tmp_path):
    code, out, err = cli("show", "seesaw-share-v1-0.5d-t3@cifar100-tiny", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["macs"] == 33_724_416
    (tmp_path / "own.json").write_text(out)
    assert cli("show", "own.json", "--json").out == out


def test_file_with_brackets_in_its_name_is_shown_as_it_is(cli, tmp_path):
    named = Named("net[bold] :smile: [1]", network("igcv3-0.5d"))
    write_json(tmp_path / "a[1].json", specfile.document(named))
    assert cli("show", "a[1].json").out.startswith("net[bold] :smile: [1]  ")


def test_built_model_is_held_against_other_counters(cli):
    code, out, _ = cli("show", "seesaw-share-v1-0.5d-t3@cifar10-tiny", "--verify")
    assert code == 0
    assert out.splitlines()[-1] == "Every figure agrees."
    assert re.search(r"^seesaw-nas, exported graph +[\d,]+ +\+[\d,]+$", re.sub(" +$", "", out, flags=re.M), flags=re.M)
    code, out, _ = cli("show", "seesaw-share-v1-0.5d-t3@cifar10-tiny", "--verify", "--json")
    said = json.loads(out)["result"]["verification"]
    assert (code, said["agrees"]) == (0, True)
    assert said["graph_macs"] > json.loads(out)["macs"]
    assert {"torch", "fvcore", "thop"} <= {entry["counter"].split()[0] for entry in said["counters"]}
    assert all(entry["unexplained"] == 0 for entry in said["counters"])


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_counter_that_differs_ends_with_code_1_and_is_named(cli, monkeypatch, options):
    from seesaw_nas.network import witness
    from seesaw_nas.network.counters import Counter, Found
    from seesaw_nas.network.counters.counter import nothing

    odd = Counter("fvcore", "fvcore", "9.9", nothing, lambda model, image: Found(7))
    monkeypatch.setattr(witness, "COUNTERS", (odd,))
    code, out, err = cli("show", "igcv3-0.5d-t3@cifar10-tiny", "--verify", *options)
    assert (code, err) == (1, "")
    assert "unexplained by the rules of version 9.9" in out
    assert "Every figure agrees" not in out


def test_one_architecture_is_drawn_into_a_file_of_its_own(cli, tmp_path):
    code, out, err = cli("show", "seesaw-shuffle-0.5d@cifar10", "--svg", "net.svg")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"written   net\.svg, [\d,]+ bytes", out.splitlines()[-1])
    root = ElementTree.fromstring((tmp_path / "net.svg").read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "3.5in"
    assert root.get("aria-label").startswith("seesaw-shuffle-0.5d@cifar10: 17 blocks, 108.2M Multi-Adds")
    text = (tmp_path / "net.svg").read_text(encoding="utf-8")
    assert "var(" not in text  # which programs for paper do not read
    assert "currentColor" not in text
    assert json.loads(cli("show", "seesaw-shuffle-0.5d", "--svg", "other.svg", "--json").out)["name"]
    assert (tmp_path / "other.svg").exists()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("net.png", "a drawing is an SVG file, so its name ends in .svg; got net.png"),
        ("there.svg", "there.svg exists already and nothing is overwritten; choose another name"),
        ("no/where.svg", "No such file or directory at no/where.svg"),
    ],
)
def test_a_drawing_that_cannot_be_written_is_one_line(refused, tmp_path, file, told):
    (tmp_path / "there.svg").touch()
    assert refused("show", "seesaw-shuffle-0.5d", "--svg", file).startswith(told)


@pytest.mark.parametrize(
    "verb", [["show", "seesaw-shuffle-0.5d"], ["show", "mobilenetv2", "--json"], ["spaces", "--budget", "1M"]]
)
def test_neither_torch_nor_optuna_is_needed(verb, tmp_path):
    hidden = (
        "import sys\nfor name in ('torch', 'optuna', 'pandas', 'plotly', 'ray', 'sklearn'): sys.modules[name] = None"
    )
    code = f"{hidden}\nsys.argv = ['seesaw-nas', *{verb!r}]\nfrom seesaw_nas.cli import main\nmain()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_reader_of_a_pipe_may_have_seen_enough(start, tmp_path):
    with start(tmp_path, "show", "seesaw-shuffle-1.0d") as shown:
        shown.stdout.close()
        assert "Traceback" not in shown.stderr.read()
