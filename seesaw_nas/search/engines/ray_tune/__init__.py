"""Ray: the engine that trains on a cluster, and what programs with a Ray Tune of their own need to search a space.

Only this package imports Ray. For one's own Tuner there are

- :func:`trainable`, which trains an architecture an epoch at a time and goes on from checkpoints;
- :class:`SeesawSearch`, a search algorithm that proposes by our strategies, exact draws at first;
- :func:`define_by_run`, the space as the function that Ray's ``OptunaSearch`` takes;
- :func:`param_space` and :class:`Neighbours`, draws and mutations for schedulers such as population based training.

All of these give a trial one parameter, ``architecture``, a short text; :func:`architecture_of` reads it.
"""

from seesaw_nas.search.engines.ray_tune.conditional import define_by_run
from seesaw_nas.search.engines.ray_tune.draws import Neighbours, param_space
from seesaw_nas.search.engines.ray_tune.engine import MAX_FAILURES, QUIET, connect, reservation, run
from seesaw_nas.search.engines.ray_tune.searcher import SeesawSearch
from seesaw_nas.search.engines.ray_tune.spelling import architecture_of, spell
from seesaw_nas.search.engines.ray_tune.trainable import trainable

__all__ = [
    "MAX_FAILURES",
    "QUIET",
    "Neighbours",
    "SeesawSearch",
    "architecture_of",
    "connect",
    "define_by_run",
    "param_space",
    "reservation",
    "run",
    "spell",
    "trainable",
]
