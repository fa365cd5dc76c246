"""The commands and programs in the documentation: what a reader would type, page by page.

In Markdown, an indented block and a block ``sh`` hold commands, one a line; a block ``python`` holds a program. Blocks
``text`` and ``toml`` are no commands. A command that cannot run on every machine ends in ``# needs ...``. A
comment ``<!-- tests add: search --trials 2; train --epochs 1 -->`` before a block makes it small: the options go to the
commands of these verbs. A comment ``<!-- tests run first: ... -->`` holds a program that runs before the next block.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "runs/README.md",
    "docs/index.md",
    "docs/architecture.md",
)
NOT_COMMANDS = {"text", "toml", "json"}
_ADD = re.compile(r"<!-- tests add: (.*?) -->", re.DOTALL)
_FIRST = re.compile(r"<!-- tests run first:\n(.*?)\n-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of a page.

    Attributes:
        page, line: where it is.
        language: ``sh``, ``python``, or another name after the fence.
        text: without indentation.
        added: options for the commands of a verb.
        first: a program that runs before.
    """

    page: str
    line: int
    language: str
    text: str
    added: dict[str, list[str]]
    first: str = ""

    @property
    def name(self) -> str:
        """Page and line, as tests show them."""
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The lines of a block of commands; a line that ends in a backslash goes on."""
        if self.language != "sh":
            return []
        return [line for line in re.sub(r"\\\n\s*", "", self.text).splitlines() if line.strip()]


def pages() -> list[str]:
    """The pages with blocks: what a user or contributor reads."""
    guide = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "guide").glob("*.md"))
    return [*PAGES, *guide]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    before: list[str] = []  # the text since the last block, which has the comments
    number = 0
    while number < len(lines):
        line = lines[number]
        fence = re.match(r"( *)```(\w*)$", line)
        if fence:
            end = next(i for i in range(number + 1, len(lines)) if lines[i].strip() == "```")
            block = [one.removeprefix(fence[1]) for one in lines[number + 1 : end]]
            language, after = fence[2] or "sh", end + 1
        elif line.startswith("    ") and (not number or not lines[number - 1].strip()) and not _in_list(before):
            after = next((i for i in range(number, len(lines)) if lines[i] and lines[i][:4] != "    "), len(lines))
            block, language = [one[4:] for one in lines[number:after]], "sh"
        else:
            before.append(line)
            number += 1
            continue
        found.append(_block(page, number + 1, language, block, "\n".join(before)))
        before, number = [], after
    return found


def _in_list(before: list[str]) -> bool:
    """Whether the indentation is that of a list's item."""
    return next((one.startswith(("- ", "1. ", "  ")) for one in reversed(before) if one.strip()), False)


def _block(page: str, line: int, language: str, block: list[str], before: str) -> Block:
    added: dict[str, list[str]] = {}
    for comment in _ADD.findall(before):
        for part in comment.split(";"):
            verb, *options = shlex.split(part)
            added[verb] = options
    return Block(page, line, language, "\n".join(block).strip("\n"), added, "\n".join(_FIRST.findall(before)))


def needs(command: str) -> str:
    """What a command needs that not every machine has; empty if it runs anywhere."""
    return found[1] if (found := re.search(r"# needs (.+)$", command)) else ""
