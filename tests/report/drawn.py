"""Small records for the figures, and what a reader sees of one."""

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch


def block(partition="1:1", flow="shuffle", expansion=2):
    return Block(expansion, 3, Partition.parse(partition), flow)


def network(*stages):
    """On 4x4 grey images: 4 channels, then 8 of stride 2, then 8, a stage for each sequence of blocks."""
    built = tuple(Stage(8, 2 if i == 0 else 1, tuple(blocks)) for i, blocks in enumerate(stages))
    return Architecture(4, 1, 2, Stem(4, 1), built, Head(10))


SMALL = network([block()])


def trial(number, top1=None, macs=None, state="complete", architecture=SMALL, curve=(), **more):
    """A trial of one architecture; its Multi-Adds are what the test says, and its curve top-1 by epoch."""
    epochs = tuple(Epoch(i, 1.0, 1.0, value, 2.0) for i, value in enumerate(curve, start=1))
    macs = cost.macs(architecture) if macs is None else macs
    return TrialRecord(number, state, architecture, macs, 1, top1, curve=epochs, **more)


def trace(figure, name):
    """The one of this name."""
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def notes(figure):
    return [note.text for note in figure.layout.annotations]
