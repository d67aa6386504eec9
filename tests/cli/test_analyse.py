"""`elyte analyse` from file to page."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from elyte.cli.analyse import analyse
from elyte.cli.convergence import fraction_option
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter

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
    with (out / "convergence.csv").open(newline="") as file:
        rows = {(r["property"], r["species"]): r for r in csv.DictReader(file)}
    row = rows["self-diffusion coefficient", "Li+"]
    relative = d["error"] / d["value"]
    assert float(row["relative error"]) == pytest.approx(relative)
    needed = float(row["length (ps)"]) * (relative / 0.05) ** 2
    assert float(row["needed (ps)"]) == pytest.approx(needed)
    assert "long enough for the wanted error" in text


@pytest.mark.parametrize(
    ("text", "value"), [("5%", 0.05), ("0.1", 0.1), ("2.5 %", 0.025), ("none", None)]
)
def test_wanted_errors(text: str, value: float | None) -> None:
    assert fraction_option(text) == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize("text", ["5", "0", "-1%", "much", "200%"])
def test_wanted_errors_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="--wanted-error"):
        fraction_option(text)


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


def test_chosen_properties_pairs_and_cutoffs(trajectory: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(
        trajectory, "--properties", "pairs structure", "--pairs", "Li–Cl", "--cutoff", "Cl=0.4 nm",
        "--pairs", "element Li – element Cl", "--out", out,
    )  # fmt: skip
    records = json.loads((out / "properties.json").read_text())
    names = {(r["name"], r["species"]): r for r in records}
    assert not any("diffusion" in name for name, _ in names)
    assert 0 <= names["ligand number", "Li+–Cl-"]["value"] < 2
    assert ("coordination number", "Li+–Cl-") in names
    assert ("coordination number", "element Li–element Cl") in names


def test_a_single_frame_gives_its_structure_and_says_so(trajectory: Path, tmp_path: Path) -> None:
    text = run(trajectory, "--every", "1000", "--properties", "density", "--out", tmp_path)
    assert "1 frames, 12 Li+, 12 Cl-" in text
    assert "a single frame; nothing that depends on time is computed" in text


@pytest.mark.parametrize("kind", ["folder", "cut", "empty"])
def test_what_is_no_trajectory_is_refused(trajectory: Path, tmp_path: Path, kind: str) -> None:
    whole, path = trajectory.read_bytes(), tmp_path / "run.h5"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(whole[: len(whole) // 2] if kind == "cut" else b"")
    words = {"folder": "a folder", "cut": f"of {len(whole)} bytes are there", "empty": "is empty"}
    with pytest.raises(InputError, match=words[kind]):
        CliRunner().invoke(app, [str(path), "--out", str(tmp_path)], catch_exceptions=False)


def test_several_temperatures_and_a_series(trajectory: Path, tmp_path: Path) -> None:
    table = tmp_path / "series.csv"
    rng = np.random.default_rng(0)
    rows = [f"{k},{e:.6f}" for k, e in enumerate(rng.normal(size=2000))]
    table.write_text("time (fs),energy (eV)\n" + "\n".join(rows) + "\n")
    out = tmp_path / "out"
    text = run(
        trajectory, trajectory, trajectory, "--temperature", "300, 310, 320 K", "--series", table,
        "--properties", "diffusion,heat-capacity", "--out", out,
    )  # fmt: skip
    assert "300 K, 24 molecules: 1 run(s)" in text
    records = json.loads((out / "properties.json").read_text())
    energy = next(r for r in records if r["name"] == "activation energy"
                  and r["species"] == "self-diffusion coefficient of Li+")  # fmt: skip
    assert abs(energy["value"]) < 4 * energy["error"]  # one and the same run at each temperature
    heat = [r for r in records if r["name"].startswith("specific heat") and r["value"]]
    assert {r["temperature"] for r in heat} == {300, 310, 320}
    assert len(list((out / "curves").glob("*K*/mean_squared_displacement_Liplus.csv"))) == 3


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
        (["--temperature", "300, 310 K"], "2 values for 1 trajectories"),
        (["--charges", "mulliken"], "formal"),
        (["--charges", "topology"], "no charges of atoms"),
        (["--properties", "magic"], "no property 'magic'"),
        (["--pairs", "Li–Na"], "Na"),
        (["--cutoff", "Cl"], "NAME=VALUE"),
        (["--series", "none.csv"], "no such file"),
        (["--series", os.devnull], "no rows below a header"),
        (["--topology", "none.pdb"], "none.pdb: no such file"),
        (["--name", "C9=octane"], "formula 'C9', which is not there"),
        (["--cutoff", "Cl-=50"], "beyond half the box, 11.00 Å"),
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
