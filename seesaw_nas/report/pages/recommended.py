"""What a page opens with: the network to take, its figures and its drawing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from html import escape
from typing import Any

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.units import format_duration
from seesaw_nas.report.figures import drawing
from seesaw_nas.report.pages.markup import capital, paragraph
from seesaw_nas.report.pages.partition_bars import describe_partitions, partition_bars
from seesaw_nas.report.run import Run
from seesaw_nas.search.records import CompleteTrial

HOW_TO_READ = (
    "A block of a drawing, from top to bottom: pw1, depthwise, pw2. A colour is a group of pw1, in proportion to its "
    "channels; stripes are a shuffle; each group of pw2, between thin lines, shows in slices which groups it reads. "
    "+ and the bracket mark a residual. Layers are as wide as the square root of their channels."
)


def facts(run: Run, best: CompleteTrial) -> str:
    """The figures of the best as a list of terms, why it is the best, and how to take it along."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in _figures(run, best))
    sentences = [text for text in (run.standing.reason, run.standing.tie_sentence) if text]
    why = paragraph(". ".join(text[0].upper() + text[1:] for text in sentences) + ".") if sentences else ""
    named = _named(run, best)
    command = f"<code>seesaw-nas train {escape(named.name)}.json</code>"
    return f"<dl>{rows}</dl>{why}<p>{spec_link(run, best)}, for {command}, <code>export</code>, <code>show</code></p>"


def _figures(run: Run, best: CompleteTrial) -> Iterator[tuple[str, str]]:
    """Terms, and what stands for each as markup."""
    words, estimated, spread = run.words, run.standing.figures(best), run.spreads.get(best.digest)
    score = words.score.capitalize()
    split = f"{best.split} split, " if words.split else ""
    if spread:
        yield f"{score}, {words.done} again", f"<strong>{escape(words.spread(spread))}</strong>, mean over seeds"
    if estimated:
        chance = f"chance to be the best {estimated.chance_of_best:.0%}"
        yield f"{score}, estimated", f"<strong>{escape(words.estimate(estimated))}</strong>, over seeds; {chance}"
    observed = escape(words.figure(best.top1))
    yield f"{score}, observed", f"<strong>{observed}</strong>, {escape(split)}one seed, {format_duration(best.seconds)}"
    bounds = {bound.cost.name: bound for bound in run.budget.bounds}
    for name, amount in (("Multi-Adds", best.macs), ("Params", best.params)):
        bound = bounds.pop({"Multi-Adds": "macs", "Params": "params"}[name], None)
        share = f", {bound.share(amount):.1%} of the budget" if bound else ""
        yield name, f"<strong>{amount:,}</strong>{share}"
    for bound in bounds.values():
        amount = bound.cost.of(best.architecture)
        told = f"<strong>{bound.cost.write(amount)}</strong>, {bound.share(amount):.1%} of the budget"
        yield capital(bound.cost.name), told
    if run.cost.name not in ("macs", "params", *bounds):
        yield capital(run.cost.name), f"<strong>{run.cost.write(run.cost.of(best.architecture))}</strong>"
    for name, text in zip(run.timings.columns.values(), run.timings.cells(best.digest), strict=True):
        if text:
            yield f"Latency, {name}", f"<strong>{escape(text)}</strong>"
    yield "Partitions", f"{partition_bars(best.architecture)} {escape(describe_partitions(best.architecture))}"
    yield "Digest", f"<code>{best.digest}</code>"


def drawn(run: Run, best: CompleteTrial) -> str:
    """The drawing of the best, and how to read it."""
    return drawing.svg(best.architecture, f"Trial {best.number}") + f'<p class="note">{escape(HOW_TO_READ)}</p>'


def spec_link(run: Run, trial: CompleteTrial) -> str:
    """A link that holds the whole spec file of a trial."""
    named = _named(run, trial)
    split = {"split": trial.split} if run.words.is_accuracy else {}
    result: dict[str, Any] = {"top1": trial.top1, **split, "seed": trial.seed, "n_seeds": 1}
    origin = {"run": run.name, "trial": trial.number, **({"dataset": run.dataset} if run.dataset else {})}
    content = specfile.document(named, result | origin)
    data = base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    return f'<a download="{escape(named.name)}.json" href="data:application/json;base64,{data}">Spec file</a>'


def _named(run: Run, trial: CompleteTrial) -> Named:
    return Named(f"{run.name}-{trial.number}", trial.architecture, run.dataset)
