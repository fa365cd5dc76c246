"""The script in an exported folder: it runs without this package and without torch, and says what `predict` says."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.data import Streamed
from seesaw_nas.data.decode import decode
from seesaw_nas.data.pictures import printable
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.deploy import predict
from seesaw_nas.deploy.export import folder, onnx_file, source
from seesaw_nas.deploy.export.agreement import check
from seesaw_nas.deploy.export.folder import RuntimeFiles
from seesaw_nas.deploy.runtimes.onnxruntime import RUNTIME as runtime
from seesaw_nas.network import models

BLOCKER = """
import importlib.abc, runpy, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "seesaw_nas"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def start(folder, *pictures, **variables):
    command = [sys.executable, "-c", BLOCKER, str(folder / "example.py"), *map(str, pictures)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder.parent,
                          env=environment)  # fmt: skip


def run(folder, *pictures):
    ended = start(folder, *pictures)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


@pytest.fixture
def pictures(tmp_path, digit_pictures):
    """Files that are each read in a way of their own: wide, transparent, turned, large, CMYK, palette, deep, strips."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = 6  # the orientation tag: turned by a quarter
    image.save(tmp_path / "wide.png")
    image.save(tmp_path / "turned.jpg", exif=exif)
    image.resize((640, 480)).save(tmp_path / "large.jpg")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg")
    image.convert("P").save(tmp_path / "palette.png", transparency=3)
    clear = image.convert("RGBA")
    clear.putalpha(image.convert("L"))
    clear.save(tmp_path / "alpha.webp")
    clear.convert("LA").save(tmp_path / "grey-alpha.png")
    image.convert("P").save(tmp_path / "frames.gif", save_all=True, append_images=[image.rotate(90)], transparency=9)
    deep = pixels[..., 0].astype(np.uint16) * 16
    for name, values in {"deep.png": deep, "deep.tif": deep, "float.tif": deep.astype(np.float32) - 9}.items():
        Image.fromarray(values).save(tmp_path / name)
    image.resize((2_000, 1)).save(tmp_path / "strip.png")
    image.resize((1, 2_000)).save(tmp_path / "strip.bmp")
    return [*sorted(tmp_path.iterdir()), digit_pictures / "00.png"]


def test_it_says_what_predict_says(exported_folder, pictures):
    lines = run(exported_folder, *pictures)
    assert lines == lines_of(predict.classify(predict.load(exported_folder, "cpu"), pictures, 5))


def lines_of(found):
    return [
        printable(f"{entry.file}  {', '.join(f'{name} {share:.2%}' for name, share in entry.classes)}")
        for entry in found
    ]


@pytest.fixture(params=[28, 32])
def colours(request, tmp_path):
    """The folder of a network that reads colour, cut as images in memory are, and as streamed ones (32 for 28)."""
    block = Block(2, 3, Partition((1, 3)), "shuffle")
    named = Named("tiny", Architecture(28, 3, 3, Stem(8, 2), (Stage(8, 2, (block,)),), Head(16)))
    network = models.build(named.architecture, seed=0).eval()
    about = Preprocessing("folder:x", ("grün", "b\u202e", "図"), 3, 28, request.param, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    named_source = source.ExportSource(named, network, about, "")
    content = onnx_file.content(named_source)
    agreed = check(named_source, onnx_file.runner(content))
    folder.write(
        tmp_path / "tiny",
        named_source,
        RuntimeFiles(runtime, {"model.onnx": content}, agreed, onnx_file.macs_in(content)),
    )
    return tmp_path / "tiny"


def test_it_cuts_colour_pictures_as_predict_does_and_predict_as_training_did(colours, pictures):
    pictures = [path for path in pictures if path.is_file()]
    assert run(colours, *pictures) == lines_of(predict.classify(predict.load(colours, "cpu"), pictures, 5))
    about = predict.load(colours, "cpu").preprocessing
    if about.short_side == about.size:
        shown = decode(pictures, about.size)[0].numpy()
    else:
        shown = Streamed.of(pictures, np.zeros(len(pictures), np.int64), about.size).in_memory().images.numpy()
    assert np.array_equal(np.stack([predict._read(path, about) for path in pictures]), shown)


def test_names_are_escaped_where_the_terminal_lacks_their_letters(colours, pictures):
    ended = start(colours, pictures[0], PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(name in ended.stdout for name in (r"gr\xfcn", r"b\u202e", r"\u56f3"))


def test_a_cut_picture_is_named_and_the_others_are_classified(colours, pictures, tmp_path):
    whole, cut = tmp_path / "large.jpg", tmp_path / "cut\n.jpg"
    cut.write_bytes(whole.read_bytes()[:-600])
    ended = start(colours, cut, whole)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"cannot read {tmp_path}/cut\\n.jpg: image file is truncated (")
    assert ended.stdout.splitlines() == lines_of(predict.classify(predict.load(colours, "cpu"), [whole], 5))


def test_without_a_picture_it_says_how_it_is_called(colours):
    ended = start(colours)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "pictures are wanted: python example.py picture.png ...\n"


def test_it_is_right(exported_folder, digit_pictures, trained_classes):
    lines = run(exported_folder, *sorted(digit_pictures.iterdir()))
    assert [re.search(r"  (\d) ", line)[1] for line in lines] == trained_classes
