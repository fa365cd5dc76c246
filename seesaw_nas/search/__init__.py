"""Which architecture next (strategies), and where and how it is tried (the loop over a run's trial history)."""

from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.strategies import DEFAULT_STRATEGY, STRATEGIES

__all__ = ["DEFAULT_STRATEGY", "STRATEGIES", "SearchSettings"]
