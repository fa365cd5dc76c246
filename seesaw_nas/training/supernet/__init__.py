"""Weight sharing: one set of weights for a whole space, of which each architecture uses a part."""

from seesaw_nas.training.recipes import SAMPLINGS
from seesaw_nas.training.supernet.disk import WEIGHTS, load, save
from seesaw_nas.training.supernet.loop import TrainedSupernet, train
from seesaw_nas.training.supernet.weights import Supernet

__all__ = ["SAMPLINGS", "WEIGHTS", "Supernet", "TrainedSupernet", "load", "save", "train"]
