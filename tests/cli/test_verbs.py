"""The list of verbs says what each verb's own help says, and only the verb that is called is imported."""

import subprocess
import sys

import pytest

from seesaw_nas.cli.parts.verbs import app, list_verbs, load_verbs, read_help

LOADED = """
import sys
from seesaw_nas.cli import main
sys.argv = ["seesaw-nas", *sys.argv[1:]]
try:
    main()
finally:
    files = {name.removeprefix("seesaw_nas.cli.") for name in sys.modules if name.startswith("seesaw_nas.cli.")}
    print("verbs:", *sorted(name for name in files - {"main", "parts"} if "." not in name))
"""


def test_the_help_read_from_a_file_is_its_function_s():
    load_verbs()
    functions = {command.callback.__name__: command.callback for command in app.registered_commands}
    assert {name: read_help(name) for name in list_verbs()} == {name: functions[name].__doc__ for name in list_verbs()}


@pytest.mark.parametrize(
    ("arguments", "verbs"),
    [(["--help"], ""), (["--version"], ""), (["spaces", "--help"], "spaces"), (["nosuch"], ""), ([], "")],
)
def test_only_the_verb_that_is_called_is_imported(arguments, verbs):
    ended = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1] == f"verbs: {verbs}".strip()


def test_help_lists_every_verb_in_order_with_its_first_line(cli):
    code, out, _ = cli("--help")
    listed = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()]
    assert (code, listed) == (0, list_verbs())
    assert "  show       Print an architecture block by block, with its costs.\n" in out


def test_a_verb_behind_two_dashes_is_found_as_without_them(cli):
    assert cli("--", "show", "seesaw-shuffle-0.5d") == cli("show", "seesaw-shuffle-0.5d")


def test_what_is_missing_or_mistyped_is_said(refused):
    assert "'show'" in refused("shwo")
    assert "Missing argument" in refused("show")


@pytest.mark.parametrize("verb", ["", "show"])
def test_h_is_help(cli, verb):
    typed = [verb] if verb else []
    assert cli(*typed, "-h") == cli(*typed, "--help")
    assert "-h, --help" in cli(*typed, "-h").out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sta", ["status"]),
        ("search --tri", ["--trials"]),
        ("search --scheduler a", ["asha"]),
        ("resume runs/a --engine l", ["local"]),
        ("spaces --js", ["--json"]),
    ],
)
def test_a_shell_completes_verbs_options_and_their_choices(cli, monkeypatch, typed, offered):
    words = ["seesaw-nas", *typed.split()]
    monkeypatch.setenv("_SEESAW_NAS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code, out, err = cli()
    assert (code, out.split(), err) == (0, offered, "")


def test_completion_can_be_shown_to_be_installed_by_hand(cli, monkeypatch):
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    code, out, _ = cli("--show-completion")
    assert code == 0
    assert "_SEESAW_NAS_COMPLETE=complete_bash" in out
