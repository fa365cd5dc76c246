"""The README as an index of packages shows it, where the files beside it are not. Hatchling calls this for every build.

A link to a file of the repository becomes that file on the web if ``[project.urls]`` has a ``Source``, else its path.
The same holds for the picture, which is left out without a ``Source``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")


def readable_alone(text: str, source: str = "") -> str:
    """The text with no relative link.

    Args:
        text: Markdown.
        source: address of the repository's files on the web, with no slash at its end.
    """

    def mend(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        if source:
            return f"{picture}[{label}]({source}/{target})"
        if picture:
            return ""
        return f"`{target}`" if label.strip("`") in target else f"{label} (`{target}`)"

    return re.sub(r"\n{3,}", "\n\n", re.sub(r"<!--.*?-->\n*", "", LINK.sub(mend, text), flags=re.DOTALL))


class ReadmeHook(MetadataHookInterface):
    """Gives the package the README in that form."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        source = metadata.get("urls", {}).get("Source", "").rstrip("/")
        metadata["readme"] = {"content-type": "text/markdown", "text": readable_alone(text, source)}
