"""What the install commands of the documentation name is there: a folder or a wheel, and extras."""

import re
import shlex
import sys
import tomllib

import pytest
from blocks import ROOT, blocks_of, pages

sys.path.insert(0, str(ROOT))

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
COMMANDS = [
    pytest.param(line.strip(), id=f"{block.page}:{line.strip()}")
    for page in pages() for block in blocks_of(page) for line in block.commands
    if shlex.split(line, comments=True)[:1] and shlex.split(line, comments=True)[0] in ("pip", "uv", "pipx")
]  # fmt: skip
TOOLS = (["pip", "install"], ["uv", "pip", "install"], ["uv", "tool", "install"], ["pipx", "install"])


def test_every_tool_is_named():
    lines = [command.values[0] for command in COMMANDS]
    assert [tool for tool in TOOLS if not any(line.startswith(" ".join(tool) + " ") for line in lines)] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_what_is_installed_is_a_folder_or_a_wheel_with_extras_that_exist(line):
    words = shlex.split(line, comments=True)
    (tool,) = [tool for tool in TOOLS if words[: len(tool)] == tool]
    options = {"--torch-backend", "cpu", "--constraint", "constraints.txt", "constraints-litert.txt"}
    (what,) = [word for word in words[len(tool) :] if word not in options]
    found = re.fullmatch(r"(?P<place>\.|\S+\.whl)(\[(?P<extras>[\w,]+)\])?", what)
    assert found, f"{what} is neither this folder nor a wheel"
    assert set(filter(None, (found["extras"] or "").split(","))) <= EXTRAS


def test_texts_name_every_extra_for_users():
    start = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [name for name in sorted(EXTRAS - {"dev", "docs"}) if f"`{name}` (" not in start] == []


def test_no_text_asks_an_index_for_this_package():
    for page in [*pages(), "seesaw_nas/core/optional.py"]:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert not re.search(r"install\s+(-\S+\s+)*['\"]?seesaw[-_]nas(?![\w.-]*\.whl)", text), page


TEXT = "![A front](docs/front.png)\n\n[Start](docs/index.md), [`runs/README.md`](runs/README.md), [paper](https://arxiv.org/abs/1).\n"


def test_readme_of_an_index_has_no_link_that_leads_nowhere():
    hatch_build = pytest.importorskip("hatch_build", reason="hatchling is not installed")
    assert hatch_build.readable_alone(TEXT) == (
        "\n\nStart (`docs/index.md`), `runs/README.md`, [paper](https://arxiv.org/abs/1).\n"
    )
    assert hatch_build.readable_alone(TEXT, "https://example.org/blob/main").startswith(
        "![A front](https://example.org/blob/main/docs/front.png)\n\n[Start](https://example.org/blob/main/docs/index.md)"
    )
    alone = hatch_build.readable_alone((ROOT / "README.md").read_text(encoding="utf-8"))
    assert hatch_build.LINK.findall(alone) == []
    assert "<!--" not in alone
