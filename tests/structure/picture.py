"""The packages as a picture: python tests/structure/picture.py writes docs/architecture.svg.

A box for each entry, with the first line of its docstring, on the floor that its imports give it. An arrow leads
from an entry to what it imports; those that follow from others are left out, so whatever lies on a way down may be
imported.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from textwrap import wrap

from house import House

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "architecture.svg"
BOX, GAP, MARGIN = (280, 84), (24, 44), 48  # in pixels: width and height, between columns and between floors, outside
LANE = 12  # pixels between two arrows that go around the boxes of a floor
LETTERS = 46  # a line of a box
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" '
    'font-family="Helvetica, Arial, sans-serif">\n'
    "<title>The packages of seesaw-nas, and what each of them imports</title>\n"
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b6b7a"/></marker></defs>\n'
    '<rect width="{0}" height="{1}" fill="#ffffff"/>\n'
)


def draw(house: House) -> str:
    """The picture as SVG text, the same for the same files."""
    rows = _rows(house)
    widest = max(map(len, rows))
    width = 2 * MARGIN + widest * BOX[0] + (widest - 1) * GAP[0]
    height = 2 * MARGIN + len(rows) * BOX[1] + (len(rows) - 1) * GAP[1]
    corners = {}
    for floor, row in enumerate(rows):
        left = (width - len(row) * BOX[0] - (len(row) - 1) * GAP[0]) // 2
        for place, entry in enumerate(row):
            corners[entry] = (left + place * (BOX[0] + GAP[0]), MARGIN + floor * (BOX[1] + GAP[1]))
    arrows, around = [], 0
    for start in corners:
        for end in direct(house, start):
            if house.floor_of(start) - house.floor_of(end) == 1:
                arrows.append(_arrow(corners[start], corners[end]))
            else:
                around += 1
                arrows.append(_arrow_around(corners[start], corners[end], width, MARGIN - around * LANE))
    boxes = [_box(corner, entry, house.job_of(entry)) for entry, corner in corners.items()]
    return HEAD.format(width, height) + "".join(arrows + boxes) + "</svg>\n"


def direct(house: House, entry: str) -> list[str]:
    """What an entry imports, without what it would reach by way of another."""
    targets = house.entries[entry]
    return sorted(target for target in targets if not any(target in house.below(other) for other in targets))


def _rows(house: House) -> list[list[str]]:
    """The entries of each floor, from the highest."""
    entries = [entry for entry in house.entries if not entry.startswith("__")]
    floors = range(house.floors, 0, -1)
    return [sorted(entry for entry in entries if house.floor_of(entry) == floor) for floor in floors]


def _box(corner: tuple[int, int], entry: str, job: str) -> str:
    left, top = corner
    lines = wrap(job, LETTERS)
    texts = "".join(
        f'<text x="{left + 12}" y="{top + 41 + 15 * i}" font-size="11.5" fill="#34495e">{escape(line)}</text>\n'
        for i, line in enumerate(lines)
    )
    return (
        f'<rect x="{left}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="6" fill="#eef4fa" stroke="#5b6b7a"/>\n'
        f'<text x="{left + 12}" y="{top + 22}" font-size="15" font-weight="bold" fill="#12395c">{entry}</text>\n{texts}'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + BOX[0] // 2, start[1] + BOX[1]
    to_x, to_y = end[0] + BOX[0] // 2, end[1]
    bend = (to_y - y) // 2
    return (
        f'<path d="M{x} {y}C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y}" fill="none" stroke="#5b6b7a" '
        'stroke-width="1.5" marker-end="url(#head)"/>\n'
    )


def _arrow_around(start: tuple[int, int], end: tuple[int, int], width: int, outside: int) -> str:
    """Past the boxes in between, ``outside`` pixels from the edge on the side of the arrow's end."""
    leftwards = 2 * end[0] + BOX[0] < width
    side, lane = (0, outside) if leftwards else (BOX[0], width - outside)
    y, to_y = start[1] + BOX[1] // 2, end[1] + BOX[1] // 2
    return (
        f'<path d="M{start[0] + side} {y}H{lane}V{to_y}H{end[0] + side}" fill="none" stroke="#5b6b7a" '
        'stroke-width="1.5" marker-end="url(#head)"/>\n'
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(House(ROOT)), encoding="utf-8")
