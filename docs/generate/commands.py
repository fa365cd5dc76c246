"""The reference of the command line, made from the command line itself."""

from __future__ import annotations

from typing import Any

import typer

from seesaw_nas.cli.parts.verbs import app, load_verbs


def sections() -> str:
    """A section for each verb: what it does, how it is called, and a table of its arguments and options."""
    load_verbs()
    group: Any = typer.main.get_command(app)
    parent = group.make_context("seesaw-nas", ["--help"], resilient_parsing=True)
    return "\n".join(_section(group.commands[name], parent) for name in group.commands)


def _section(verb: Any, parent: Any) -> str:
    context = type(parent)(verb, info_name=verb.name, parent=parent)
    records = [_record(parameter, context) for parameter in verb.params if not getattr(parameter, "hidden", False)]
    rows = [f"| `{name}` | {_cell(text)} |" for name, text in records]
    usage = verb.get_usage(context).removeprefix("Usage: ")
    head = [f"## {verb.name}", "", verb.help, "", f"    {usage}", ""]
    return "\n".join([*head, "| argument or option | meaning |", "|---|---|", *rows, ""])


def _record(parameter: Any, context: Any) -> tuple[str, str]:
    """How an argument or option is written, and its help."""
    if record := parameter.get_help_record(context):
        return record[0].replace("|", "/"), record[1]
    return parameter.make_metavar(context).strip("[]"), parameter.help or ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
