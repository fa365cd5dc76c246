"""What every page is made of: its frame, tables that a reader can sort, and figures with the script that draws them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from seesaw_nas.report.theme import DARK, FONT, LIGHT, THEME

DARK_MEDIA = "screen and (prefers-color-scheme: dark)"  # on paper the page stays light


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: as it is shown; escaped by the table.
        value: what to sort by; ``None`` to sort by the text.
        markup: shown in place of the text, which it tells who cannot see it.
    """

    text: str
    value: float | None = None
    markup: str = ""


def capital(text: str) -> str:
    """A text with a capital in front, as headings have; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def page(title: str, parts: Iterable[str]) -> bytes:
    """A whole page; empty parts leave nothing behind."""
    body = "\n".join(filter(None, parts))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main>\n<script>{_SCRIPT}</script></body></html>\n"
    ).encode()


def section(title: str, *parts: str) -> str:
    """Parts under a heading."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of escaped cells."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table class="plain"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def sortable(head: Sequence[str], rows: Iterable[tuple[Sequence[Cell], str]]) -> str:
    """A table whose headings sort it; what belongs to a row, as markup, stands below it across all columns."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    bodies = "".join(
        f"<tbody><tr>{''.join(map(_cell, cells))}</tr>"
        + (f'<tr class="more"><td colspan="{len(head)}">{more}</td></tr>' if more else "")
        + "</tbody>"
        for cells, more in rows
    )
    return (
        '<p class="note">Click a heading to sort by it.</p>'
        f'<div class="wide"><table class="sortable"><thead><tr>{top}</tr></thead>{bodies}</table></div>'
    )


def _cell(cell: Cell) -> str:
    value = "" if cell.value is None else f' data-value="{cell.value!r}"'
    return f"<td{value}>{cell.markup or escape(cell.text)}</td>"


def plotly_script() -> str:
    """Plotly, which a page holds once, before its first figure."""
    return f"<script>{get_plotlyjs()}</script>"


def plot(figure: go.Figure, name: str) -> str:
    """A figure as a block of the page; its colours follow the page's, its caption is text, which a narrow page breaks.

    Args:
        figure: its height, where its layout has one, is kept.
        name: of the element, and of the picture that a reader may save.
    """
    shown = go.Figure(figure).update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    captions = [note for note in shown.layout.annotations if is_caption(note)]
    if captions:
        kept = [note for note in shown.layout.annotations if not is_caption(note)]
        shown.layout.annotations, shown.layout.margin.b = kept, THEME.layout.margin.b
    layout = shown.to_plotly_json()["layout"]
    beside = layout.get("xaxis2", {}).get("domain", (0.0,))[0] > 0 or (layout.get("meta") or {}).get("is_wide", False)
    config = {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtons": [["toImage", "resetScale2d"]],
        "toImageButtonOptions": {"filename": name},
    }
    height = f"{shown.layout.height or (800 if 'xaxis2' in layout else 520)}px"
    html: str = shown.to_html(
        full_html=False, include_plotlyjs=False, div_id=name, default_height=height, config=config, validate=False
    )
    below = "".join(f'<p class="note">{note.text.replace("<br>", " ")}</p>' for note in captions)
    return (f'<div class="wide"><div class="panels">{html}</div></div>' if beside else html) + below


def is_caption(note: go.layout.Annotation) -> bool:
    """Whether :func:`seesaw_nas.report.theme.caption` put this below a figure."""
    return (note.xref, note.yref, note.x, note.y) == ("paper", "paper", 0, 0)


_STYLE = f"""
:root {{ color-scheme: light dark; --text: {LIGHT["text"]}; --grid: {LIGHT["grid"]}; --page: {LIGHT["page"]}; }}
@media {DARK_MEDIA} {{
  :root {{ --text: {DARK["text"]}; --grid: {DARK["grid"]}; --page: {DARK["page"]}; }}
}}
body {{ margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 {FONT}; }}
main {{ max-width: 1200px; margin: 0 auto; padding: 16px; overflow-wrap: anywhere; }}
h1 {{ font-size: 26px; line-height: 1.25; margin: 8px 0; }}
h2 {{ font-size: 19px; margin: 28px 0 8px; }}
p {{ margin: 8px 0; max-width: 75ch; }}
.note {{ font-size: 13px; }}
.wide {{ overflow-x: auto; }}
.panels {{ min-width: 760px; }}
@media (max-width: 600px) {{ .modebar-container {{ display: none; }} }}
table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; overflow-wrap: normal; }}
th, td {{ text-align: left; padding: 5px 16px 5px 0; vertical-align: top; white-space: nowrap; }}
thead th, tbody > tr:last-child > td {{ border-bottom: 1px solid var(--grid); }}
.plain td {{ border-bottom: 1px solid var(--grid); }}
.plain td:last-child {{ white-space: normal; min-width: 12em; }}
th button {{ all: unset; cursor: pointer; font-weight: 600; }}
th button:focus-visible {{ outline: 2px solid currentColor; outline-offset: 2px; }}
th button::after {{ content: " \\2195"; opacity: 0.45; }}
th[aria-sort] button::after {{ content: " \\2191"; opacity: 1; }}
th[aria-sort=descending] button::after {{ content: " \\2193"; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 8px 0; font-size: 15px; }}
dt {{ opacity: 0.75; }}
dd {{ margin: 0; font-variant-numeric: tabular-nums; }}
.bars {{ vertical-align: middle; }}
.opening {{ display: grid; gap: 0 32px; grid-template-columns: minmax(0, 1fr); }}
@media (min-width: 900px) {{
  .opening {{ grid-template-columns: minmax(0, 1fr) 440px; }}
  .front {{ grid-column: 1 / 3; }}
  .tall {{ grid-template-rows: auto 1fr; }}
  .tall .drawn {{ grid-column: 2; grid-row: 1 / 3; }}
  .tall .front {{ grid-column: 1; }}
}}
@media (max-width: 480px) {{ dl {{ grid-template-columns: 1fr; gap: 0; }} dd {{ margin-bottom: 8px; }} }}
ul {{ padding-left: 20px; }}
.more td {{ padding-top: 0; }}
details {{ font-size: 14px; }}
details > div {{ position: sticky; left: 0; width: min(520px, calc(100vw - 32px)); margin: 8px 0 16px; }}
summary {{ cursor: pointer; width: fit-content; }}
svg[role=img]:not(.bars) {{ width: 100%; height: auto; }}
pre {{ overflow-x: auto; font-size: 13px; margin: 6px 0 12px; white-space: pre-wrap; }}
a {{ color: inherit; }}
footer {{ font-size: 13px; margin: 28px 0 8px; }}
"""

# A table's rows move as bodies, each with what is unfolded below it; cells without a value sort as text.
_SCRIPT = f"""
const dark = matchMedia('{DARK_MEDIA}');
const colours = {{true: {json.dumps(DARK)}, false: {json.dumps(LIGHT)}}};
function paint() {{
  const own = colours[dark.matches];
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {{
    const change = {{'font.color': own.text}};
    for (const name of Object.keys(plot._fullLayout))
      if (/^[xy]axis\\d*$/.test(name)) change[name + '.gridcolor'] = own.grid;
    (plot.layout.annotations || []).forEach((note, i) => {{
      if (note.bgcolor) change[`annotations[${{i}}].bgcolor`] = own.page;
    }});
    Plotly.relayout(plot, change);
  }}
}}
paint();
dark.addEventListener('change', paint);

for (const table of document.querySelectorAll('table.sortable')) {{
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {{
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {{
      const rising = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', rising ? 'ascending' : 'descending');
      const order = (a, b) => {{
        const [x, y] = [a, b].map(body => body.rows[0].cells[column]);
        const found = 'value' in x.dataset && 'value' in y.dataset
          ? x.dataset.value - y.dataset.value
          : ('value' in y.dataset) - ('value' in x.dataset) || x.textContent.localeCompare(y.textContent);
        return rising ? found : -found;
      }};
      table.append(...[...table.tBodies].sort(order));
    }});
  }});
}}

const published = document.getElementById('published');
if (published) published.addEventListener('change', () => {{
  const plot = document.getElementById('front'), shown = published.checked, layout = plot.layout;
  const change = {{'yaxis.domain': shown ? [0.44, 1] : [0, 1], 'xaxis2.visible': shown, 'yaxis2.visible': shown}};
  (layout.annotations || []).forEach((note, i) => {{
    if (String(note.xref).startsWith('x2')) change[`annotations[${{i}}].visible`] = shown;
  }});
  (layout.shapes || []).forEach((line, i) => {{
    if (line.xref === 'x2') change[`shapes[${{i}}].visible`] = shown;
  }});
  const below = plot.data.flatMap((trace, i) => trace.xaxis === 'x2' ? [i] : []);
  Plotly.update(plot, {{visible: shown}}, change, below);
}});
"""
