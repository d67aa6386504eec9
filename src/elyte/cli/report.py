"""`elyte report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elyte.cli.display import wide_console
from elyte.core.errors import InputError
from elyte.report import ReportData, build_report, print_properties
from elyte.report.storage import JSON_NAME


def report(
    folder: Annotated[Path, typer.Argument(help="Project folder, or the report folder in it.")],
) -> None:
    """Build the page again from what a run has saved; nothing is computed."""
    target = find_report(folder)
    data = ReportData.load(target)
    page = build_report(data, target)
    console = wide_console()
    print_properties(data.quantities, console)
    console.print(f"report: {page}", markup=False)


def find_report(folder: Path) -> Path:
    """Return the folder that holds the saved report data: `folder`/report or `folder`.

    Raises:
        InputError: there is none.
    """
    for candidate in (folder / "report", folder):
        if (candidate / JSON_NAME).is_file():
            return candidate
    raise InputError(
        f"{folder} holds no saved report: neither report/{JSON_NAME} nor {JSON_NAME} is there; "
        "a report is saved at the end of `elyte run`"
    )
