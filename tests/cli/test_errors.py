"""What a person sees when files or folders are not as they should be: one line, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from elyte.cli.display import Display
from elyte.cli.run import status
from elyte.core.errors import FormatError


def elyte(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "elyte", *words], cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="/proc is where nobody can write")
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    result = elyte(tmp_path, "train", "data.xyz", "--out", "/proc/none/p.almtp")
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error")
    assert "/proc/none" in line
    assert os.strerror(2) in line


def test_brackets_of_a_name_are_shown() -> None:
    written = StringIO()
    Display(Console(width=80, file=written)).say("run[b] is [/red] written")
    assert "run[b] is [/red] written" in written.getvalue()


@pytest.mark.parametrize("text", ["garbage", "{}", "[1]"])
def test_a_status_that_no_run_wrote_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    with pytest.raises(FormatError, match="is not what a run writes"):
        status(tmp_path)
