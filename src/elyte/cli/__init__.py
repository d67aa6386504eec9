"""The command line: parse, call, print."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from elyte.cli.analyse import analyse
from elyte.cli.doctor import doctor
from elyte.cli.interrupts import hear_interrupts
from elyte.cli.label import label
from elyte.cli.ledger import ledger, quarantine
from elyte.cli.md import md
from elyte.cli.recipe import plan, schema
from elyte.cli.report import report
from elyte.cli.run import run, status
from elyte.cli.train import evaluate, train
from elyte.core.errors import ElyteError

app = typer.Typer(
    name="elyte",
    help="From an electrolyte recipe to its properties with error bars.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    run, plan, status, label, ledger, quarantine, train, evaluate, md, analyse, report, doctor,
    schema,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run the command line; an error of the user's input is one clear line, not a traceback."""
    hear_interrupts()
    try:
        app()
    except ElyteError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            "[bold red]error[/bold red] ", str(error).replace("[", "\\["), sep=" "
        )
        sys.exit(2)
