"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from elyte import __version__
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


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"elyte {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


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
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}; choose a place that can be read and written")


def _fail(text: str) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print("[bold red]error[/bold red] ", escape(text), sep=" ")
    sys.exit(2)
