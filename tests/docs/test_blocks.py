"""Every block of commands and every program of the documentation runs as it is written, on small settings.

Each block has a folder of its own, in which lies what a reader would have by then: runs, a table, pictures, a spec.
"""

import contextlib
import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from blocks import NOT_COMMANDS, ROOT, blocks_of, needs, pages
from PIL import Image

from seesaw_nas import api
from seesaw_nas.architecture import specfile
from seesaw_nas.cli import main
from seesaw_nas.cli.parts.verbs import app, load_verbs
from seesaw_nas.core.files import write_json
from seesaw_nas.data import cifar
from seesaw_nas.search import configuration

SMALL = {  # options that every command of a verb gets, unless its page has others for it
    "search": "--trials 2 --epochs 1 --train-size 40 --validation-size 20 --device cpu",
    "train": "--epochs 1 --device cpu",
    "tabulate": "--n 3 --seeds 2 --epochs 1 --train-size 60",
    "supernet": "--epochs 1 --train-size 40 --device cpu",
    "latency": "--seconds 0.01 --device cpu",
    "audit": "--device cpu",
    "profile": "--networks 20",
}
ALL = [block for page in pages() for block in blocks_of(page)]
QUICK = ("show", "reference")  # verbs that take a second or two
OTHERS_TEST = {  # programs and pages that have a test of their own
    "docs/guide/extending.md": "tests/structure/test_extending.py",
    "ray_tune": "tests/search/engines/test_ray_guide.py",
}
NEEDS = [  # what the lines that no test runs are marked with
    "CONTRIBUTING.md: g++",
    "docs/guide/clusters.md: a GPU",
    "docs/guide/clusters.md: a Ray cluster",
    "docs/guide/clusters.md: PostgreSQL",
    "docs/guide/clusters.md: PostgreSQL",
    "docs/guide/deploy.md: the device; writes networks/times.json",
    "docs/guide/deploy.md: times.json of the device",
    "docs/guide/deploy.md: a machine at rest",
    "docs/guide/deploy.md: a machine at rest",
    "docs/guide/python.md: TensorBoard, which is not installed with this package",
    "docs/guide/search.md: the extra dashboard",
    "docs/guide/search.md: the extra images, and Chromium",
    "docs/guide/search.md: the extra images, and Chromium",
    "docs/guide/search.md: the extra images, and Chromium",
    "docs/guide/search.md: the extra images, and Chromium",
    "docs/guide/train.md: TensorBoard, which is not installed with this package",
    "docs/guide/train.md: two GPUs",
]


def verb_of(command):
    """The verb of seesaw-nas in a line, and its arguments; nothing if the line calls another program."""
    words = shlex.split(command, comments=True)
    if ">" in words:
        del words[words.index(">") :]
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return words[1:] if words and words[0].endswith("seesaw-nas") else []


def file_of(command):
    """The file into which a line writes what a command prints; empty without."""
    words = shlex.split(command, comments=True)
    return words[words.index(">") + 1] if ">" in words else ""


@contextlib.contextmanager
def written_to(file):
    with contextlib.ExitStack() as stack:
        if file:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(file, "w", encoding="utf-8"))))
        yield


def runs(line):
    """Whether a line is a command of seesaw-nas that runs on every machine."""
    return bool(verb_of(line)) and not needs(line)


def thorough(block):
    verbs = {verb_of(line)[0] for line in block.commands if runs(line)}
    return bool(verbs - set(QUICK))


def marked(blocks):
    return [
        pytest.param(block, id=block.name, marks=[pytest.mark.thorough] if thorough(block) else []) for block in blocks
    ]


@pytest.fixture(scope="module")
def begun(tmp_path_factory, few_images):
    """The folder of a reader: photos, a small ImageNet and CIFAR-10, a picture, a spec, a table, runs."""
    folder = tmp_path_factory.mktemp("reader")
    rng = np.random.default_rng(0)
    for place, count in {"photos": 60, "imagenet/train": 30, "imagenet/val": 4}.items():
        for name in ("cat", "dog"):
            (folder / place / name).mkdir(parents=True)
            for number in range(count):
                picture = Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))
                picture.save(folder / place / name / f"{number}.jpeg")
    (folder / "more-pictures").mkdir()
    for name in ("picture.png", "more-pictures/one.png"):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / name)
    write_cifar(folder / "cifar-10-batches-bin", rng)
    with contextlib.chdir(folder):
        call("search", "--budget", "600K", "--name", "NAME", *shlex.split(SMALL["search"]))
        call("train", "runs/NAME", "--recipe", "quick", "--out", "runs/NAME-final", *shlex.split(SMALL["train"]))
        call("tabulate", "seesaw-digits", "--out", "digits.parquet", *shlex.split(SMALL["tabulate"]))
        call("search", "--space", "seesaw-cifar", "--dataset", "cifar10", "--data-dir", ".", "--budget", "80M",
             "--evaluator", "proxy:flow", "--trials", "2", "--name", "EARLIER")  # fmt: skip
    named = specfile.resolve("seesaw-shuffle-0.5d@cifar10")
    write_json(folder / "my-spec.json", specfile.document(named, {}))
    for name in ("ONE", "OTHER", "first"):
        shutil.copytree(folder / "runs" / "NAME", folder / "runs" / name)
    return folder


@pytest.fixture(scope="module")
def few_images():
    """CIFAR-10's own layout, with few images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cifar.LAYOUTS, "cifar10", LAYOUT)
        yield


LAYOUT = replace(cifar.LAYOUTS["cifar10"], train_records=16, test_records=10)


def write_cifar(folder, rng):
    """CIFAR-10's own files, with few images of noise."""
    folder.mkdir()
    for name in (*LAYOUT.train, LAYOUT.test):
        count = LAYOUT.test_records if name == LAYOUT.test else LAYOUT.train_records
        records = rng.integers(0, 256, (count, 1 + 3072), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        (folder / name).write_bytes(records.tobytes())
    (folder / LAYOUT.names).write_text("\n".join(f"class{number}" for number in range(10)) + "\n")


def call(*arguments):
    """Run the command line in this process, with nothing in its way.

    Raises:
        AssertionError: it ends with another code than 0.
    """
    make_room(arguments)
    before, sys.argv = sys.argv, ["seesaw-nas", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    assert ended.value.code == 0, f"seesaw-nas {shlex.join(arguments)}"


@pytest.fixture
def reader(request, tmp_path, monkeypatch):
    """A folder of the block's own, with the same files where its commands read any."""
    folder = tmp_path / "reader"
    if request.node.get_closest_marker("thorough"):
        shutil.copytree(request.getfixturevalue("begun"), folder)
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cifar, "cache_dir", lambda: folder)
    return folder


def small(verb, arguments=()):
    """The options that make a command small, and take a profile of a busy machine; CIFAR's images are small, too."""
    measures = verb == "profile" and "--export-networks" not in arguments
    more = " --accept-spread" * measures + " --image-size 8" * ("cifar10" in arguments)
    return shlex.split(SMALL.get(verb, "") + more)


def make_room(arguments):
    """What a command is to make is not there yet."""
    for option, folder in {"--name": "runs", "--out": "."}.items():
        if option in arguments:
            made = Path(folder, arguments[arguments.index(option) + 1])
            shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink(missing_ok=True)


@pytest.mark.parametrize("block", marked(block for block in ALL if any(map(runs, block.commands))))
def test_commands_run_as_written(block, reader):
    for other in blocks_of(block.page):  # files that the page shows
        if name := re.match(r"# (\S+\.toml)\n", other.text):
            Path(name[1]).write_text(other.text, encoding="utf-8")
    exec(compile(block.first, f"before {block.name}", "exec"), {"call": call, "small": small, "shutil": shutil})
    for line in block.commands:
        if not runs(line):
            continue
        verb, *_ = arguments = verb_of(line)
        before = set(Path("runs").iterdir())
        with written_to(file_of(line)):
            call(*arguments, *block.added.get(verb, small(verb, arguments)))
        if verb == "search" and not {"--name", "--print-config"} & set(
            arguments
        ):  # the next command's runs/NAME is this one's folder
            (made,) = set(Path("runs").iterdir()) - before
            shutil.rmtree("runs/NAME")
            made.rename("runs/NAME")


def programs(page):
    """The programs of a page that have no test of their own."""
    return [block for block in blocks_of(page) if block.language == "python" and "ray_tune" not in block.text]


PROGRAMS = [page for page in pages() if page not in OTHERS_TEST and programs(page)]


@pytest.mark.thorough
@pytest.mark.parametrize("page", PROGRAMS)
def test_programs_run_as_written(page, reader, monkeypatch):
    search = api.search

    def search_little(*given, **options):
        little = {} if "evaluator" in options else {"epochs": 1, "train_size": 40, "device": "cpu"}
        return search(*given, **little | options)

    monkeypatch.setattr(api, "search", search_little)
    names = {"__name__": "__main__"}
    for block in programs(page):  # they go on from one another, as a reader does
        exec(compile(block.first, f"before {block.name}", "exec"), names)
        exec(compile(block.text, block.name, "exec"), names)


def test_all_commands_have_arguments_that_exist(monkeypatch):
    """Also those that no test runs."""
    monkeypatch.setattr(configuration, "read", lambda path: {})  # files that are not there
    load_verbs()
    commands = typer.main.get_command(app).commands
    lines = [(block.name, verb_of(line)) for block in ALL for line in block.commands if verb_of(line)]
    for name, (verb, *arguments) in lines:
        assert verb in commands, name
        assert commands[verb].make_context(verb, arguments).params, name
    assert len(lines) > 50


def test_every_block_is_run_or_says_why_not():
    for block in ALL:
        assert block.language in {"sh", "python", *NOT_COMMANDS}, block.name
        for line in block.commands:
            assert verb_of(line) or needs(line) or is_other_program(line), f"{block.name}: {line}"


def is_other_program(line):
    """Whether a line calls a program other than seesaw-nas whose arguments are right."""
    words = [word for word in shlex.split(line, comments=True) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if not words or words[0] == "export":
        return bool(line.strip())
    if words[0] == "make":
        return f"\n{words[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    if words[0] in ("pip", "uv", "pipx"):  # test_installing.py has these
        return True
    paths = [word for word in words[1:] if "/" in word]
    return words[0].endswith("python") and all((ROOT / path).exists() for path in paths)


def test_lines_that_need_more_than_a_plain_machine_are_few_and_marked():
    marked = [f"{block.page}: {needs(line)}" for block in ALL for line in block.commands if needs(line)]
    assert sorted(marked) == sorted(NEEDS)


def test_pages_with_tests_of_their_own_have_them():
    for page_or_word, test in OTHERS_TEST.items():
        assert (ROOT / test).is_file()
        assert any(page_or_word in (block.page, *re.findall(r"\w+", block.text)) for block in ALL)
