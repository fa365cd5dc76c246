"""Mistakes and mishaps: each ends with exit code 2 and one line that says what was wanted, what came, what to do."""

import errno
import json
import os
from pathlib import Path

import pytest

from seesaw_nas import api
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.history.trials_file import TrialsFile

QUICK = ["search", "--budget", "300K", "--epochs", "1", "--train-size", "64", "--trials", "1", "--device", "cpu"]


def contents(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in Path(folder).rglob("*") if path.is_file()}


@pytest.fixture
def done(cli):
    """A finished run in runs/a."""
    assert cli(*QUICK, "--name", "a").code == 0
    return Path("runs/a")


# --- words that are not known


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["search", "--dataset", "digit"], "unknown data set 'digit', did you mean 'digits'? (known: digits, cifar10,"),
        (["search", "--space", "seesaw-digit"], "unknown space 'seesaw-digit', did you mean 'seesaw-digits'? (known: "),
        (["search", "--space", "no.toml"], "cannot read the space file no.toml: No such file or directory"),
        (
            ["search", "--strategy", "tpw"],
            "unknown strategy 'tpw', did you mean 'tpe'? (known: random, evolution, nsga2, ",
        ),
        (
            ["search", "--strategy", "python:mine"],
            "the strategy was python:mine, an object of a program; pass it again",
        ),
        (
            ["search", "--evaluator", "tabel"],
            "unknown evaluator 'tabel', did you mean 'table'? (known: trained, table, inherited, tuned, proxy:",
        ),
        (["search", "--objectives", "both"], "unknown objectives 'both' (known: front, top1, top1,COST)"),
        (
            ["search", "--scheduler", "ahsa"],
            "unknown scheduler 'ahsa', did you mean 'asha'? (known: none, asha, hyperb",
        ),
        (["search", "--recipe", "fast"], "unknown recipe 'fast' (known: paper, paper-imagenet, modern, quick)"),
        (["search", "--device", "gpu"], "unknown device 'gpu', did you mean 'cpu'? (known: auto, cpu, cuda)"),
        (["search", "--device", "cuda:99"], "there is no device 'cuda:99' here"),
        (["train", "seesaw-shuffel-0.5d"], "unknown model 'seesaw-shuffel-0.5d', did you mean 'seesaw-shuffle-0.5d'?"),
        (["show", "igcv3-0.5d@cifar"], "unknown setting 'cifar', did you mean 'cifar10'?"),
        (["serach"], "No such command 'serach'."),
        (["search", "--bugdet", "1M"], "No such option: --bugdet"),
        (["show"], "Missing argument"),
        (["search", "--trials", "many"], "Invalid value for '--trials'"),
    ],
)
def test_unknown_word(refused, arguments, text):
    assert text in refused(*arguments)


# --- numbers that cannot be


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        # the digits space's cheapest and costliest, as `seesaw-nas spaces --json` prints them
        (["--budget", "100K"], "has 100,000 Multi-Adds; the cheapest has 119,232 and the costliest 983,680: choose"),
        (["--budget", "2M:3M"], "has 2,000,000 to 3,000,000 Multi-Adds; the cheapest has 119,232 and the costliest 98"),
        (["--budget", "ten"], "cannot read 'ten' as a number of Multi-Adds; write it like 110M, 1.5G or 110000000"),
        (["--budget", "1.5"], "'1.5' is not a positive whole number of Multi-Adds"),
        (["--budget", "-5M"], "cannot read '-5M' as a number of Multi-Adds"),
        (["--budget", "0"], "'0' is not a positive whole number of Multi-Adds"),
        (["--budget", "600K:500K"], "lower end must not be above its upper one, got 600,000 to 500,000"),
        (["--budget", "500K:"], "cannot read '' as a number of Multi-Adds"),
        (["--budget", "120%"], "a share of the costliest architecture lies above 0% and up to 100%, got '120%'"),
        (["--trials", "-1"], "--trials must be at least 1, got -1"),
        (["--trials", "0"], "--trials must be at least 1, got 0"),
        (["--epochs", "-1"], "--epochs must be at least 0, got -1"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--confirm", "-1"], "--confirm must be at least 0, got -1"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--reduction", "1"], "--reduction must be at least 2, got 1"),
        (["--min-epochs", "-1"], "--min-epochs must be at least 0, got -1"),
        (
            ["--scheduler", "asha", "--epochs", "3", "--min-epochs", "4"],
            "--min-epochs must lie within 1 to the 3 epochs of a trial, got 4",
        ),
        (["--time-limit", "soon"], "cannot read 'soon' as a duration; write it like 90s, 30m or 2h"),
        (["--time-limit", "0"], "cannot read '0' as a duration"),
        (["--train-size", "9999"], "9,999"),
        (
            ["--train-size", "1"],
            "cannot train on 1 image: batch norm wants at least 2; give more, or a larger --train-",
        ),
        (["--image-size", "16"], "images of digits are 8 x 8 pixels, got image size 16"),
        (["--image-size", "100000"], "--image-size must be at most 2,048, got 100,000"),
        (["--epochs", "1000000000"], "--epochs must be at most 100,000, got 1,000,000,000"),
        (["--trials", "99999999999"], "--trials must be at most 10,000,000, got 99,999,999,999"),
        (["--engine", "local", "--workers", "100000"], "--workers must be at most 1,024, got 100,000"),
        (["--engine", "local", "--workers-per-gpu", "1000"], "--workers-per-gpu must be at most 64, got 1,000"),
        (["--reduction", "1" + 30 * "0"], "--reduction must be at most 100,000, got 1,000,000,000,000,"),
        (["--min-epochs", "1000000"], "--min-epochs must be at most 100,000, got 1,000,000"),
        (["--supernet-epochs", "1000000"], "--supernet-epochs must be at most 100,000, got 1,000,000"),
        (["--candidates", "1" + 12 * "0"], "--candidates must be at most 10,000,000, got 1,000,000,000,000"),
        (["--tuned", "1" + 12 * "0"], "--tuned must be at most 10,000,000, got 1,000,000,000,000"),
        (["--confirm", "1" + 12 * "0"], "--confirm must be at most 10,000,000, got 1,000,000,000,000"),
        (["--seeds", "1000000"], "--seeds must be at most 1,000, got 1,000,000"),
        (["--seed", "1" + 30 * "0"], "--seed must be at most 9,007,199,254,740,992, got 1,000"),
        (["--validation-size", "1" + 12 * "0"], "cannot validate with 1,000,000,000,000 images: there are 359"),
    ],
)
def test_impossible_number(refused, arguments, text, tmp_path):
    assert text in refused("search", *arguments)
    assert not (tmp_path / "runs").exists()


def test_absurd_numbers_of_other_verbs(refused):
    assert "--epochs must be at most 100,000, got 999,999" in refused("train", "igcv3-0.5d", "--epochs", 999_999)
    assert "--batch must be at most 65,536, got 10,000,000" in refused("latency", "igcv3-0.5d", "--batch", 10_000_000)
    assert "Invalid value for '--seeds'" in refused("tabulate", "seesaw-digits", "--out", "t.parquet", "--seeds", 10**6)
    assert refused("predict", "none", "x.png", "--top", 0) == "--top must be at least 1, got 0"


def test_every_training_failed(cli, monkeypatch):
    def fail(self, architecture, request):
        raise TrainingFailed("loss is not finite")

    monkeypatch.setattr(TrainedEvaluator, "score", fail)
    code, out, err = cli(*QUICK, "--trials", "2", "--name", "a")
    assert code == 2
    assert "2 failed" in out
    assert err == "seesaw-nas: all 2 trainings failed, so nothing was found; the last one: loss is not finite\n"
    code, out, err = cli("resume", "runs/a")
    assert (code, err.count("\n")) == (2, 1)
    code, out, _ = cli(*QUICK, "--name", "b", "--json")
    assert code == 2
    assert json.loads(out)


def test_budget_that_no_space_can_count(refused):
    assert "cannot read 'x' as a number" in refused("spaces", "--budget", "x")
    assert "cannot read 'x' as a number" in refused("show", "igcv3-0.5d", "--budget", "x")


# --- what to start with, and tables


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("reference", "--seed-with reference: no architecture of its 0 for such images is in space 'seesaw-digits'"),
        ("igcv3-0.5d", "--seed-with igcv3-0.5d: no architecture of its 1 for such images is in space 'seesaw-digits'"),
        ("nothing", "unknown model 'nothing' (known: "),
        ("runs/none", "cannot read the spec file runs/none: No such file or directory"),
        ("empty", "empty is not a run folder: it has no run.json"),
    ],
)
def test_nothing_to_start_with(refused, name, text):
    Path("empty").mkdir()
    assert text in refused(*QUICK, "--seed-with", name)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--evaluator", "table"],
            "--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one",
        ),
        (["--table", "t.parquet"], "--evaluator table wants --table FILE, no other does"),
        (["--evaluator", "table", "--table", "none"], "cannot read the table none: No such file or directory"),
        (["--evaluator", "table", "--table", "t.parquet"], "t.parquet is no table of recorded trainings ("),
    ],
)
def test_table_that_is_none(refused, arguments, text):
    Path("t.parquet").write_text("hello")
    assert text in refused("search", *arguments)
    assert not Path("runs").exists()


# --- spec files


def document(**changes):
    value = specfile.document(Named("net", network("igcv3-0.5d")))
    for path, new in changes.items():
        *outer, last = path.split("__")
        inner = value
        for key in outer:
            inner = inner[int(key) if key.isdecimal() else key]
        if new is None:
            del inner[last]
        else:
            inner[last] = new
    return value


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "s.json is not JSON: Expecting property name"),
        ("", "s.json is not JSON: Expecting value"),
        ("\0\x80", "s.json is not JSON"),
        ("[" * 10_000, "s.json"),
        ("[1]", "s.json: "),
        (document(architecture=None), "architecture"),
        (document(architecture__stem=None), "stem"),
        (document(architecture__stages__2__blocks__0__kernel=None), "architecture.stages[2].blocks[0]"),
        (document(comment="mine"), "comment: unknown field 'comment'"),
        (document(architecture__stem__padding=1), "architecture.stem.padding: unknown field 'padding'"),
        (document(architecture__stages__2__blocks__0__kernel=4), "architecture.stages[2].blocks[0].kernel: "),
        (document(architecture__stages__2__blocks__0__partition="1:6"), "architecture.stages[2].blocks[0]"),
        (document(architecture__stages__0__channels=-16), "architecture.stages[0].channels: "),
        (document(architecture__classes=1.5), "architecture.classes: "),
        (document(macs=1), "macs: the file says 1, but its architecture has 100348416; correct or remove this field"),
        (document(digest="0" * 16), "digest: the file says '0000000000000000', but its architecture has "),
        (document(schema_version=9), "schema_version: this release reads version 1, got 9"),
    ],
)
def test_spec_file_that_is_none(refused, content, text):
    Path("s.json").write_text(content if isinstance(content, str) else json.dumps(content), encoding="latin-1")
    for verb in (["show"], ["train", "--dataset", "digits"]):
        assert text in refused(*verb, "s.json")


def test_partition_that_does_not_divide_names_widths_that_do(refused):
    block = "architecture__stages__2__blocks__0__"
    Path("s.json").write_text(json.dumps(document(**{f"{block}partition": "1:6", f"{block}flow": "none"})))
    # 24 channels in; 1 + 6 parts divide 21 and 28
    assert "24 is not a multiple of 7; the nearest widths that are: 21, 28" in refused("show", "s.json")


def test_spec_file_that_is_not_there(refused):
    assert refused("show", "no.json") == "cannot read the spec file no.json: No such file or directory"
    assert "No such file or directory" in refused("train", "runs/none")


# --- data


@pytest.mark.parametrize("verb", [["search"], ["train", "igcv3-0.5d"]])
def test_data_folder_that_is_not_there(refused, verb):
    text = refused(*verb, "--dataset", "cifar10", "--data-dir", "nowhere")
    assert "nowhere/data_batch_1.bin is missing, wanted 30,730,000 bytes" in text  # 10,000 * (1 + 3 * 32 * 32)
    assert "leave out --data-dir to download it" in text


@pytest.mark.parametrize("verb", [["search"], ["train", "igcv3-0.5d"]])
def test_truncated_data_file(refused, verb):
    folder = Path("data/cifar-10-batches-bin")
    folder.mkdir(parents=True)
    (folder / "data_batch_1.bin").write_bytes(b"\0" * 1000)
    text = refused(*verb, "--dataset", "cifar10", "--data-dir", "data")
    assert "data_batch_1.bin is 1,000 bytes, wanted 30,730,000 bytes" in text


def test_network_for_other_images(refused):
    text = refused("train", "igcv3-0.5d", "--dataset", "digits")
    assert text == "images of digits have shape (1, 8, 8), the architecture reads (3, 32, 32)"


def test_empty_folder_of_images(refused):
    Path("photos").mkdir()
    assert "photos" in refused("search", "--dataset", "photos")


# --- runs


def test_existing_run_is_not_touched(refused, done, cli):
    before = contents(done)
    text = refused(*QUICK, "--name", "a")
    assert text == (
        "runs/a exists already and nothing is overwritten; choose another name or folder, or go on with it by --resume"
    )
    assert contents(done) == before


def test_run_is_not_resumed_under_other_settings(refused, done):
    before = contents(done)
    text = refused(*QUICK, "--name", "a", "--resume", "--seed", "7", "--budget", "400K")
    assert text == (
        "cannot go on with runs/a under other settings: --budget was 300K, now 400K; --seed was not given, now 7; "
        "choose another --name"
    )
    assert contents(done) == before


def test_resume_without_a_name(refused):
    assert refused(*QUICK, "--resume") == "--resume wants the --name of the run to go on with"
    assert not Path("runs").exists()


@pytest.mark.parametrize("made", ["nothing", "folder", "file", "training"])
def test_resume_of_what_is_no_search(refused, made):
    if made == "training":
        RunFolder.create(Path("run"), {"kind": "training"})
        wanted = "run is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --resume`"
    else:
        {"nothing": int, "folder": Path("run").mkdir, "file": Path("run").touch}[made]()
        reason = "it does not exist" if made == "nothing" else "it has no run.json"
        wanted = f"run is not a run folder: {reason}; give the folder of a search, such as runs/NAME"
    assert refused("resume", "run") == wanted


def test_resume_with_negative_trials(refused, done):
    assert refused("resume", "runs/a", "--trials", "-3") == "--trials must be at least 1, got -3"


@pytest.mark.parametrize("name", ["run.json", "trials.jsonl"])
def test_damaged_run(refused, done, name):
    (done / name).write_text("hello\n")
    assert name in refused("resume", done)


def test_damaged_repeats(refused, done):
    (done / "confirmed.json").write_text("{")
    before = contents(done)
    text = refused("resume", done, "--trials", "2")
    assert "runs/a/confirmed.json is damaged" in text
    assert text.endswith("; delete it to train the repeats again")
    assert contents(done) == before


def test_run_of_a_program_is_gone_on_with_there(refused):
    api.search("seesaw-digits", "300K", evaluator=lambda architecture, seed: 0.5, trials=1, name="a")
    assert refused("resume", "runs/a") == (
        "runs/a began with objects of a program; pass the same to `api.resume`, in `given`: evaluator"
    )


def test_run_of_another_process(cli, done):
    with RunFolder.open(done).hold():
        code, _, err = cli("resume", done)
    assert (code, err) == (2, "seesaw-nas: another process is working on runs/a; wait for it, or stop it first\n")


# --- a system that refuses


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(refused, tmp_path):
    (tmp_path / "runs").mkdir(mode=0o500)
    text = refused(*QUICK, "--name", "a")
    assert text == "cannot make the run folder runs/a: Permission denied; choose another place or name"


def test_run_that_may_not_be_written(cli, done, monkeypatch):
    opened = os.open

    def refuse(path, *arguments, **more):
        if str(path).endswith("owner.lock"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    code, _, err = cli("resume", done)
    assert code == 2
    assert err == "seesaw-nas: no permission to write or read at runs/a/owner.lock; change it, or name another folder\n"


def test_runs_folder_that_is_a_file(refused):
    Path("runs").touch()
    assert "cannot make the run folder runs/a: Not a directory" in refused(*QUICK, "--name", "a")


def test_full_disk(cli, monkeypatch):
    append, left = TrialsFile.append, iter([True] * 6)

    def append_line(self, line):
        if not next(left, False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, line)

    with monkeypatch.context() as patch:
        patch.setattr(TrialsFile, "append", append_line)
        code, _, err = cli(*QUICK, "--name", "a", "--trials", "3")
    assert code == 2
    assert err == (
        "seesaw-nas: cannot write: No space left on device; free some space; what was finished is kept; it goes "
        "on by `seesaw-nas resume runs/a`\n"
    )
    assert cli("resume", "runs/a").out.count("top-1 ") >= 2


def test_json_is_not_begun_when_something_is_wrong(refused):
    refused("search", "--json", "--budget", "1")
    refused("show", "nothing", "--json")
    refused("train", "nothing", "--json")
    refused("spaces", "--json", "--budget", "x")


def test_no_verb_at_all_shows_the_help(cli):
    code, out, err = cli()
    assert code == 2
    assert "Usage: seesaw-nas" in out + err


def test_our_own_mistakes_keep_their_traceback(cli, monkeypatch):
    monkeypatch.setattr("seesaw_nas.architecture.specfile.resolve", lambda text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli("show", "igcv3-0.5d")


def test_written_spec_is_read_again(cli):
    write_json(Path("s.json"), document())
    assert cli("show", "s.json").code == 0


def test_memory_that_ran_out_is_one_line_and_a_defect_keeps_its_traceback(refused, cli, monkeypatch):
    def latency(*_, **__):
        raise RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported elsewhere")

    def defect(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr("seesaw_nas.workflows.deployment.latency", latency)
    assert refused("latency", "seesaw-shuffle-0.5d") == (
        "out of memory: CUDA error: out of memory; take less at a time, or end what else runs there"
    )
    monkeypatch.setattr("seesaw_nas.workflows.deployment.latency", defect)
    with pytest.raises(RuntimeError, match="a defect"):
        cli("latency", "seesaw-shuffle-0.5d")
