"""docs/architecture.md and its picture are true of the files."""

import re

import picture
from house import House
from picture import ROOT, draw

HOUSE = House(ROOT)
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_picture_is_that_of_today():
    drawn = picture.PICTURE.read_text(encoding="utf-8")
    assert drawn == draw(HOUSE), "python tests/structure/picture.py draws it anew"


def test_picture_shows_every_entry_with_its_job():
    entries = [entry for entry in HOUSE.entries if not entry.startswith("__")]
    assert [entry for entry in entries if f">{entry}</text>" not in draw(HOUSE)] == []
    assert [entry for entry in entries if len(HOUSE.job_of(entry)) < 20] == []


def test_every_file_that_the_page_names_is_there():
    named = re.findall(r"`([\w/]+(?:\.py|/|\.md))`", PAGE)
    missing = [
        name for name in named if not any((root / name).exists() for root in (ROOT / "seesaw_nas", ROOT, ROOT / "docs"))
    ]
    others = {"local.py", "ray_tune/"}  # beside the file named before them
    assert set(missing) <= others
    assert all((ROOT / "seesaw_nas/search/engines" / name).exists() for name in others)
    assert len(named) > 25
