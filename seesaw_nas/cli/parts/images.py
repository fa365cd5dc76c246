"""What a verb's JSON says of the images that it worked with."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seesaw_nas.workflows.problem import Problem


def images_as_json(problem: Problem) -> dict[str, Any] | None:
    """The name of the data set, how many images there are, and what of its folder is passed over; ``None`` of none."""
    subject = problem.subject
    if not subject.name:
        return None
    counts = {"n_train": subject.n_train, "n_validation": subject.n_validation}
    return {"name": subject.name, **counts, "passed_over": asdict(problem.passed_over)}
