"""The .pt2 file: what it computes, what it says of itself, and that no pickle is in it."""

import io
import json
import pickle
import zipfile

import pytest
import torch

import seesaw_nas
from seesaw_nas.deploy.export import program
from seesaw_nas.deploy.export.agreement import check


def test_loaded_program_computes_what_the_network_does(source, program_content):
    found = check(source, program.runner(program_content))
    assert 0 < found.difference < 1e-5
    assert found.top1_agreement == 1


def test_there_is_no_pickle_in_it(program_content, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(program_content)) as archive:
        for name in archive.namelist():
            if name.endswith("_config.json"):
                assert not any(entry["use_pickle"] for entry in json.loads(archive.read(name))["config"].values())
            if "sample_inputs" in name:
                assert archive.read(name) == b""
    for module, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("a pickle was opened"))
    program.runner(program_content)


def test_it_says_what_it_is_and_not_where_it_was_made(source, program_content):
    said = dict.fromkeys(source.about, "")
    torch.export.load(io.BytesIO(program_content), extra_files=said)
    assert said == source.about
    with zipfile.ZipFile(io.BytesIO(program_content)) as archive:
        graph = archive.read(next(name for name in archive.namelist() if name.endswith("models/model.json")))
    assert seesaw_nas.__file__.removesuffix("/seesaw_nas/__init__.py").encode() not in graph


def test_every_weight_is_contiguous_and_saved_alone(source, program_content):
    state = torch.export.load(io.BytesIO(program_content)).state_dict
    assert state["stem.weight"].dim() == 4
    assert all(weight.is_contiguous() for weight in state.values())
    values = sum(weight.numel() for weight in state.values())
    with zipfile.ZipFile(io.BytesIO(program_content)) as archive:
        sizes = [entry.file_size for entry in archive.infolist() if "/weights/weight_" in entry.filename]
    assert sum(sizes) == 4 * values  # a view of another tensor would be there with all of it
