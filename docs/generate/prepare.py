"""Writes the pages of the site into a folder, as ``python docs/generate/prepare.py build/pages`` does.

The folder holds ``docs/``, pages whose text is elsewhere in the repository, and in both what is made from the code. A
link to a file of the repository that is no page of the site becomes the file's path, for the site is read without it.
What the folder holds is plain Markdown, so any tool that reads Markdown can build the site.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from posixpath import normpath, relpath

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import api  # noqa: E402 (beside this file)
import commands  # noqa: E402
import decisions  # noqa: E402
import options  # noqa: E402

PAGES = {  # pages of the site, and where their text is in the repository
    "about.md": "README.md",
    "changes.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "reference/files-of-a-run.md": "runs/README.md",
}
MADE = {"api": api.page, "commands": commands.sections, "options": options.tables, "decisions": decisions.table}
MARKER = re.compile(r"<!-- made by docs/generate: (\w+) -->\n")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def sources() -> dict[str, str]:
    """The file in the repository of each file of the site, other than Python."""
    docs = ROOT / "docs"
    own = [path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*")) if path.is_file()]
    return {name: f"docs/{name}" for name in own if not name.startswith("generate/")} | PAGES


def text_of(page: str, files: dict[str, str]) -> str:
    """The Markdown of a page, with what is made from the code, and with links that hold within the site."""
    text = (ROOT / files[page]).read_text(encoding="utf-8")
    text = MARKER.sub(lambda found: MADE[found[1]](), text)
    return LINK.sub(lambda found: _mend(found, page, files), text)


def _mend(found: re.Match[str], page: str, files: dict[str, str]) -> str:
    """A link, as the page of the site has it; one to a file that is nowhere stays, and the build refuses it."""
    picture, text, target, anchor = found.groups()
    path = normpath(f"{files[page].rpartition('/')[0] or '.'}/{target}")
    if (ROOT / path / "index.md").is_file():
        path += "/index.md"
    on_site = {source: name for name, source in files.items()}.get(path)
    if on_site:
        return f"{picture}[{text}]({relpath(on_site, page.rpartition('/')[0] or '.')}{anchor or ''})"
    if not (ROOT / path).exists():
        return found[0]
    return f"`{path}`" if text.strip("`") in path else f"{text} (`{path}`)"


def prepare(folder: Path) -> None:
    """Write all files of the site into a folder, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    files = sources()
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            (folder / name).write_text(text_of(name, files), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, folder / name)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
