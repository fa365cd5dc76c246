"""Weight sharing: one set of weights for a whole space, of which each architecture takes its own part."""

from seesaw_nas.recipes import SAMPLINGS
from seesaw_nas.supernet.disk import WEIGHTS, load, save
from seesaw_nas.supernet.training import TrainedSupernet, train
from seesaw_nas.supernet.weights import Supernet

__all__ = ["SAMPLINGS", "WEIGHTS", "Supernet", "TrainedSupernet", "load", "save", "train"]
