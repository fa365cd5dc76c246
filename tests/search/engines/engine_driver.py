"""A search in a process of its own, to be stopped and killed: ``engine_driver.py LOG SECONDS NAME {settings}``."""

import json
import sys
from pathlib import Path

from engine_evaluators import Noting

from seesaw_nas import api
from seesaw_nas.search.listener import Listener


class Stopping(Listener):
    """Leaves a file when it is told that trainings are waited for."""

    def __init__(self, file):
        self.file = file

    def stopping(self, running):
        self.file.touch()


def main():
    log, seconds, name, settings = sys.argv[1:]
    more = json.loads(settings)
    if short := more.pop("short_grace", None):
        from seesaw_nas.search.history import database

        database.BEAT_SECONDS, database.GRACE_SECONDS = 1, short
    evaluator = Noting(Path(log), float(seconds), together=more.pop("together", 1))
    more["listener"] = Stopping(Path(log).with_name("stopping"))
    try:
        if more.pop("join", False):
            api.join(name, more.pop("storage"), given=api.Objects(evaluator=evaluator), **more)
        else:
            api.search("seesaw-digits", "300K", evaluator=evaluator, name=name, device="cpu", **more)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
