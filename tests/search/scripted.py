"""What the tests of a search share: a strategy that proposes what it is given, and what to compare histories by."""

from dataclasses import dataclass

from seesaw_nas.search.strategies.base import Exhausted


class Killed(BaseException):
    """The process ends here."""


class Scripted:
    """Proposes the given architectures, one after another."""

    def __init__(self, architectures):
        self.left = list(architectures)

    def propose(self, history, taken):
        if not self.left:
            raise Exhausted
        return history.add(self.left.pop(0))


@dataclass
class Fresh:
    """Proposes the given architectures by the trial's number, as a strategy does that is made anew on resumption."""

    architectures: list

    def propose(self, history, taken):
        if len(history) >= len(self.architectures):
            raise Exhausted
        return history.add(self.architectures[len(history)])


def told(history):
    """All that a resumed search must agree on with an uninterrupted one."""
    return [
        (r.number, r.state, r.digest, r.seed, r.top1, r.curve, r.reason, r.origin, r.seconds) for r in history.records()
    ]


def states(history):
    return [record.state for record in history.records()]
