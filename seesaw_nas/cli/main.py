"""Runs a verb, and ends with its exit code. Every other file in this folder is a verb's."""

from __future__ import annotations

import atexit
import signal
import sys
from typing import Annotated, Any

import typer

from seesaw_nas import __version__
from seesaw_nas.cli.parts import failures
from seesaw_nas.cli.parts.failures import INTERRUPTED, MISTAKE, complain, of_database, of_system
from seesaw_nas.cli.parts.output import outlive_readers, shorten_warnings
from seesaw_nas.cli.parts.verbs import app
from seesaw_nas.core import optional, signals
from seesaw_nas.core.errors import Interrupted, SeesawError
from seesaw_nas.training import memory

__all__ = ["app", "main"]

LONG = {"search", "resume", "tabulate", "audit", "supernet", "train"}  # they do more than print
GOES_ON = "seesaw-nas: nobody reads the output any more; the work goes on, and its results are in its folder"
_UsageError: Any = typer.BadParameter.__base__  # click's, which some releases of typer carry inside themselves


def main() -> None:
    """Run the command line; mistakes of the user end in one line and exit code 2, signals in 128 and more."""
    if hasattr(sys.stdout, "reconfigure"):  # what the encoding lacks, such as names on an ASCII terminal, is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    note = GOES_ON if LONG & set(sys.argv[1:2]) else ""
    with signals.raise_on_signals(), outlive_readers(note), shorten_warnings():
        code = _run()
    atexit.register(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # Ctrl-C once more, while modules clean up, is no error
    sys.exit(code)


def _run() -> int:
    failures.remember("")
    try:
        code = app(standalone_mode=False, prog_name=app.info.name)
        if code == INTERRUPTED:  # how newer releases of typer answer Ctrl-C; older ones raise Abort
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except Interrupted as error:
        return complain(failures.name_command(str(error)), error.code)
    except SeesawError as error:
        return complain(str(error), MISTAKE)
    except _UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort) as error:
        number = error.number if isinstance(error, signals.Stopped) else signal.SIGINT
        return complain(f"interrupted; {failures.kept()}", 128 + number)
    except (ImportError, MemoryError, RuntimeError) as error:
        return _lacking(error)
    except OSError as error:
        return complain(of_system(error), MISTAKE)
    except Exception as error:
        if not (text := of_database(error)):
            raise
        return complain(text, MISTAKE)


def _lacking(error: ImportError | MemoryError | RuntimeError) -> int:
    """Say which package is missing, or that memory ran out; any other such error is a defect of ours, and is raised."""
    if isinstance(error, ImportError):
        text = optional.explain_error(error)
    elif memory.is_exhaustion(error):
        text = f"out of memory: {memory.quote(error)}; take less at a time, or end what else runs there"
    else:
        text = ""
    if not text:
        raise error
    return complain(text, MISTAKE)


def _misused(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # no verb at all: the help is the answer
        error.show()
        return MISTAKE
    return complain(error.format_message(), MISTAKE)


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Nothing of its own: the verbs do the work."""
    if version:
        print(__version__)
        raise typer.Exit
