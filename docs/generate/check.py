"""Whether a built site loads anything from another host; ``python docs/generate/check.py build/site`` says so.

Links that a reader may follow are no part of this; scripts, styles, pictures and fonts are.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
ELSEWHERE = re.compile(r"(https?:)?//", re.IGNORECASE)
STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
QUIET = {"canonical", "alternate", "author", "license", "next", "prev"}  # links that no browser loads


class Page(HTMLParser):
    """Collects what a page makes a browser load from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address that an element loads, if it is on another host."""
        given = dict(attrs)
        address = given.get(LOADED.get(tag, ""))
        if address and ELSEWHERE.match(address) and not (tag == "link" and given.get("rel") in QUIET):
            self.found.append(f"<{tag}> {address}")


def find_loaded(site: Path) -> list[str]:
    """What the pages and styles of a site load from other hosts, each with its file."""
    found = []
    for file in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(text := file.read_text(encoding="utf-8"))
        found += [f"{file.relative_to(site)}: {one}" for one in [*page.found, *STYLE.findall(text)]]
    for file in sorted(site.rglob("*.css")):
        found += [f"{file.relative_to(site)}: {one}" for one in STYLE.findall(file.read_text(encoding="utf-8"))]
    return found


def main() -> None:
    """Print what is loaded from elsewhere and exit with 1, or say how many pages are free of it."""
    site = Path(sys.argv[1])
    found = find_loaded(site)
    print("\n".join(found) or f"{len(list(site.rglob('*.html')))} pages load nothing from other hosts")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
