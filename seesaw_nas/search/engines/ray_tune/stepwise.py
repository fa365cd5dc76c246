"""An evaluation that stands still after each epoch until it is asked for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from seesaw_nas.evaluators import Score
from seesaw_nas.training.epoch import Epoch


class _Ended(BaseException):
    """Ends the evaluation within its thread; no evaluator takes it for a failure of its own."""


class Stepwise:
    """Runs an evaluation in a thread of its own, an epoch at a time.

    Between two steps the evaluation waits in its ``on_epoch``, so its checkpoint does not change.
    """

    def __init__(self, evaluate: Callable[[Callable[[Epoch], None]], Score]) -> None:
        """Prepare the evaluation; it begins with the first step.

        Args:
            evaluate: takes the function to call after each epoch.
        """
        self._evaluate = evaluate
        self._found: SimpleQueue[Epoch | Score | BaseException] = SimpleQueue()
        self._turn = threading.Semaphore(0)
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)  # dies with a process that is killed

    def step(self) -> Epoch | Score:
        """The next epoch, or the score after the last one. Raises what the evaluation raises."""
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._turn.release()
        found = self._found.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def end(self) -> None:
        """Give up what is left of the evaluation."""
        self._ended = True
        if self._thread.is_alive():
            self._turn.release()
            self._thread.join()

    def _run(self) -> None:
        try:
            self._found.put(self._evaluate(self._wait))
        except _Ended:
            return
        except BaseException as error:
            self._found.put(error)

    def _wait(self, epoch: Epoch) -> None:
        self._found.put(epoch)
        self._turn.acquire()
        if self._ended:
            raise _Ended
