"""`elyte report`: rebuilds the page from what was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from elyte.cli.report import find_report, report
from elyte.core import InputError
from report_example import example

app = typer.Typer()
app.command()(report)


def test_the_page_is_rebuilt(tmp_path: Path) -> None:
    target = tmp_path / "report"
    example().save(target)
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (target / "index.html").is_file()
    assert (target / "properties.json").is_file()
    assert "report:" in result.output
    assert "withheld" in result.output


def test_the_report_folder_itself_will_do(tmp_path: Path) -> None:
    example().save(tmp_path)
    assert find_report(tmp_path) == tmp_path


def test_a_folder_without_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no saved report"):
        find_report(tmp_path)
