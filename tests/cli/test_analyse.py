"""`elyte analyse` from file to page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from elyte.cli.analyse import analyse
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.trajectory import TrajectoryWriter

app = typer.Typer()
app.command()(analyse)


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    n, length = 12, 22.0
    walk = (
        np.cumsum(rng.normal(size=(400, 2 * n, 3)) * 0.4, axis=0) + rng.random((2 * n, 3)) * length
    )
    frame = Frame([3] * n + [17] * n, walk[0], np.eye(3) * length, True, np.arange(2 * n))  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("data") / "run.h5"
    with TrajectoryWriter(path, frame) as writer:
        count = np.arange(400)
        cells = np.broadcast_to(frame.cell, (400, 3, 3))
        writer.extend(walk, cells, 100.0 * count, count)
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_numbers_page_and_curves(trajectory: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = run(trajectory, "--temperature", "300 K", "--out", out)
    assert "12 Li+, 12 Cl-" in text
    records = json.loads((out / "properties.json").read_text())
    found = {(r["name"], r["species"]): r for r in records if "withheld" not in r}
    d = found["self-diffusion coefficient", "Li+"]
    assert d["value"] == pytest.approx(0.16 / 200 * 1e-5, abs=4 * d["error"])
    assert found["ionic conductivity", ""]["value"] > 0
    assert (out / "index.html").stat().st_size > 10_000
    assert len(list((out / "curves").glob("*.csv"))) > 5


def test_options_are_understood(trajectory: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = run(
        trajectory, trajectory, "--timestep", "0.2 ps", "--every", 2, "--charge", "Li+=0.7",
        "--charge", "Cl-=-0.7", "--temperature", 310, "--ensemble", "nvt", "--out", out,
    )  # fmt: skip
    assert "2 run(s), 200 frames" in text
    records = json.loads((out / "properties.json").read_text())
    d = next(r for r in records if r["name"].startswith("self-diffusion"))
    assert d["temperature"] == 310
    assert d["value"] == pytest.approx(0.32 / 800 * 1e-5, rel=0.3)  # every second frame, 0.4 ps


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--temperature", "-3 K"], "above zero"),
        (["--temperature", "warm"], "temperature"),
        (["--timestep", "0"], "time step"),
        (["--timestep", "3 Å"], "time"),
        (["--ensemble", "NVE"], "NVT or NPT"),
        (["--frame", "moon"], "barycentric"),
        (["--charge", "Li+"], "NAME=VALUE"),
        (["--charge", "Li+=one"], "not a number"),
        (["--charge", "Na+=1"], "not there"),
        (["--start", "4000"], "no frames"),
        (["--out", ""], "which is a file"),
    ],
)
def test_bad_options_are_refused(
    trajectory: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    if options[0] == "--out":
        options = ["--out", str(tmp_path / "file")]
        (tmp_path / "file").write_text("in the way")
    else:
        options = [*options, "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(app, [str(trajectory), *options], catch_exceptions=False)
