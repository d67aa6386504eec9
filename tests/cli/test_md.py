"""`elyte md`: a run from files to files, resumed after an interruption; bad options."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from elyte.analysis.recorded import read_series
from elyte.core.errors import InputError
from elyte.core.formats import read_frames
from elyte.core.frame import Frame
from elyte.core.h5md import read_h5md, read_steps
from elyte.core.units import BAR
from elyte.dynamics import MDState
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

# The package's attribute `md` is the command itself, not its module.
module = import_module("elyte.cli.md")
app = typer.Typer()
app.command()(module.md)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weak potential of level 4 and a crystal of two elements."""
    path = tmp_path_factory.mktemp("md")
    potential = MTP.initial(4, ["Li", "Cl"], cutoff=4.5, min_distance=1.5, seed=1)
    potential = potential.with_parameters(0.02 * potential.parameters)
    potential.save(path / "pot.almtp")
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = np.concatenate([corners, corners + 0.5]) * 4.0
    frame = Frame(np.repeat([3, 17], 27), positions, np.eye(3) * 12.0, True)
    frame.to_ase().write(path / "crystal.xyz")
    return path


def call(folder: Path, *options: str) -> tuple[int, str]:
    """Run `elyte md` on the files of the folder."""
    files = [str(folder / "pot.almtp"), str(folder / "crystal.xyz")]
    result = CliRunner().invoke(app, [*files, *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_run_writes_trajectory_series_and_state(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "traj.h5md"
    code, text = call(
        folder,
        *(
            "--time",
            "0.4ps",
            "--timestep",
            "2fs",
            "--ensemble",
            "npt",
            "--temperature",
            "100K:150K",
        ),
        *("--pressure", "10bar", "--save-every", "40fs", "--out", str(out), "--velocities"),
        *("--no-watch", "--seed", "3"),
    )
    assert code == 0, text
    trajectory = read_h5md(out)
    np.testing.assert_allclose(trajectory.times, 40.0 * np.arange(11))
    assert trajectory.velocities is not None
    series = np.genfromtxt(f"{out}.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(series["step"], 5 * np.arange(41))
    recorded = read_series(f"{out}.csv")  # as the analysis reads it
    assert float(recorded["timestep"]) == pytest.approx(10.0)
    assert recorded["stress"].shape == (41, 3, 3)
    assert np.trace(recorded["stress"], axis1=1, axis2=2) / 3 / BAR == pytest.approx(
        series["pressure_bar"], rel=1e-6
    )
    np.testing.assert_allclose(recorded["energy"], series["potential_eV"] + series["kinetic_eV"])
    assert MDState.load(f"{out}.state.npz").step == 200
    assert "g/cm³" in text
    with pytest.raises(InputError, match="--resume"):
        call(folder, "--time", "1ps", "--out", str(out))


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    options = ["--time", "400fs", "--save-every", "10fs", "--temperature", "50K:200K", "--no-watch"]
    code, text = call(folder, *options, "--out", str(tmp_path / "whole.h5md"))
    assert code == 0, text
    calls = 0

    def interrupted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return simulate(*args, **kwargs)

    simulate = module.simulate
    out = str(tmp_path / "cut.h5md")
    with monkeypatch.context() as patch:
        patch.setattr(module, "simulate", interrupted)
        code, text = call(folder, *options, "--out", out)
    assert code == 130
    assert "--resume" in text
    assert len(read_steps(out)) == 21
    code, text = call(folder, *options, "--out", out, "--resume")
    assert code == 0, text
    whole, cut = read_h5md(tmp_path / "whole.h5md"), read_h5md(out)
    np.testing.assert_array_equal(whole.positions, cut.positions)
    np.testing.assert_array_equal(read_steps(out), 10 * np.arange(41))
    assert (tmp_path / "whole.h5md.csv").read_text() == (tmp_path / "cut.h5md.csv").read_text()


def test_extrapolation_ends_a_run_with_its_frames(folder: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "hot.h5md")
    frame = read_frames(folder / "crystal.xyz")[0]
    rattles = np.random.default_rng(1).normal(0, 0.05, (3, 54, 3))
    train = [frame.moved(frame.positions + rattle) for rattle in rattles]
    ActiveSet.build(MTP.load(folder / "pot.almtp"), train, floor=1e-5).save(tmp_path / "active.npz")
    active = ["--active-set", str(tmp_path / "active.npz"), "--grade-every", "2"]
    code, text = call(
        folder, "--time", "2ps", "--temperature", "900K", "--out", out, *active, "--no-watch"
    )
    assert code == 3
    assert "extrapolating" in text
    saved = read_frames(f"{out}.extrapolating.xyz")
    assert len(saved) >= 1
    assert len(saved[0]) == 54


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--time", "100"], "--time: '100' has no unit"),
        (["--time", "100 parsec"], "parsec"),
        (["--time", "1ps", "--temperature", "hot"], "--temperature: 'hot'"),
        (["--time", "1ps", "--temperature", "300"], "--temperature: '300' has no unit"),
        (["--time", "1ps", "--temperature", "300:400K"], "--temperature: '300' has no unit"),
        (["--time", "1ps", "--pressure", "1"], "--pressure: '1' has no unit"),
        (["--time", "1ps", "--temperature", "1:2:3"], "more than a start and an end"),
        (["--time", "1ps", "--pressure", "5 K"], "--pressure"),
        (["--time", "1ps", "--timestep", "10ps"], "shorter than a time step"),
        (["--time", "1ps", "--ensemble", "nptt"], "NPT"),
        (["--time", "1ps", "--thermostat", "busi"], "did you mean 'bussi'"),
        (["--time", "1ps", "--index", "7"], "1 frame"),
        (["--time", "1ps", "--species", "Li"], "2 species"),
        (["--time", "1ps", "--timestep", "-1fs"], "--timestep is -1fs; it must be above zero"),
        (["--time", "1ps", "--active-set", "none.npz"], "cannot read the active set none.npz"),
        (["--time", "1ps", "--resume", "--overwrite"], "choose one"),
    ],
)
def test_bad_options_get_one_clear_line(
    folder: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        call(folder, *options, "--out", str(tmp_path / "x.h5md"))
    assert not (tmp_path / "x.h5md").exists()


def test_a_structure_that_cannot_be_run_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    atoms = read_frames(folder / "crystal.xyz")[0].to_ase()
    for change, words in (("element", "does not know Na"), ("place", "at one point")):
        changed = atoms.copy()
        if change == "element":
            changed.numbers[0] = 11
        else:
            changed.positions[1] = changed.positions[0]
        changed.write(tmp_path / "bad.xyz")
        files = [str(folder / "pot.almtp"), str(tmp_path / "bad.xyz"), "--time", "1ps"]
        result = CliRunner().invoke(app, [*files, "--out", str(tmp_path / "x.h5md")])
        assert isinstance(result.exception, InputError)
        assert words in str(result.exception)
        assert not (tmp_path / "x.h5md").exists()


def test_a_name_that_is_no_trajectory_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.h5, \.h5md, \.hdf5"):
        call(folder, "--time", "1ps", "--out", str(tmp_path / "x.xyz"))


def test_a_run_begins_where_another_ended_and_keeps_its_time_step(
    folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.h5md", tmp_path / "b.h5md"
    options = ["--time", "40fs", "--save-every", "10fs", "--no-watch"]
    assert call(folder, *options, "--out", str(first))[0] == 0
    files = [str(folder / "pot.almtp"), str(first)]
    result = CliRunner().invoke(app, [*files, *options, "--out", str(second)])
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read_h5md(second).positions[0], read_h5md(first).positions[-1])
    with pytest.raises(InputError, match="time step of 1 fs, not 2 fs"):
        call(folder, "--time", "1ps", "--timestep", "2fs", "--resume", "--out", str(first))


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--ensemble", "nve"], "NVE"),
        (["--temperature", "310K"], r"NVT at 310 K \(bussi\)"),
        (["--ensemble", "npt"], r"NPT at 300 K \(bussi\), 1 bar \(scr\)"),
    ],
)
def test_a_run_goes_on_under_the_same_conditions_only(
    folder: Path, tmp_path: Path, options: list[str], asked: str
) -> None:
    out = tmp_path / "run.h5"
    assert call(folder, "--time", "20fs", "--no-watch", "--out", str(out))[0] == 0
    wanted = rf"was reached in NVT at 300 K \(bussi\), not in {asked}: .*begin another --out"
    with pytest.raises(InputError, match=wanted):
        call(folder, "--time", "40fs", "--resume", "--out", str(out), *options)
    assert call(folder, "--time", "40fs", "--resume", "--no-watch", "--out", str(out))[0] == 0


def test_no_pressure_is_told_without_a_box(folder: Path, tmp_path: Path) -> None:
    atoms = read_frames(folder / "crystal.xyz")[0].to_ase()
    atoms.pbc = False
    atoms.write(tmp_path / "cluster.xyz")
    files = [str(folder / "pot.almtp"), str(tmp_path / "cluster.xyz"), "--time", "20fs"]
    result = CliRunner().invoke(app, [*files, "--no-watch", "--out", str(tmp_path / "c.h5")])
    assert result.exit_code == 0, result.output
    assert " K (means)" in result.output
    assert "nan" not in result.output


def test_observed_while_it_runs_and_across_an_interruption(folder: Path, tmp_path: Path) -> None:
    options = ("--time", "0.8ps", "--timestep", "2fs", "--temperature", "900K", "--no-watch",
               "--observe", "conductivity", "--observe", "diffusion", "--observe-every", "4fs",
               "--observe-window", "0.4ps", "--save-every", "0.4ps")  # fmt: skip
    whole, halves = tmp_path / "whole.h5md", tmp_path / "halves.h5md"
    code, text = call(folder, *options, "--out", str(whole))
    assert code == 0, text
    call(folder, *options, "--time", "0.4ps", "--out", str(halves))
    call(folder, *options, "--resume", "--out", str(halves))
    found, other = (
        json.loads((tmp_path / f"{name}.h5md.observed.json").read_text())
        for name in ("whole", "halves")
    )
    assert [q["name"] for q in found][:1] == ["ionic conductivity"]
    assert {q["species"] for q in found if q["name"] == "self-diffusion coefficient"} == {
        "Li+", "Cl-"
    }  # fmt: skip
    for one, two in zip(found, other, strict=True):
        assert (one["value"] is None) == (two["value"] is None), (one, two)
        if one["value"] is not None:
            assert one["value"] == pytest.approx(two["value"], rel=1e-4)
    curves = sorted((tmp_path / "whole.h5md.observed").glob("*.csv"))
    assert len(curves) == 3  # the displacements of the dipole, of Li+ and of Cl-
    for curve in curves:
        one, two = (
            np.genfromtxt(path, delimiter=",", skip_header=1)
            for path in (curve, tmp_path / "halves.h5md.observed" / curve.name)
        )
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-8)
    assert "observed:" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--observe", "conductivty"), "did you mean 'conductivity'"),
        (("--observe", "diffusion", "--temperature", "100K:200K"), "one temperature"),
        (("--observe", "conductivity", "--charge", "Li+=2"), "add up to"),
        (("--observe", "conductivity", "--charge", "Na+=1"), "Na"),
    ],
)
def test_what_cannot_be_observed(
    folder: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        call(folder, "--time", "0.1ps", "--out", str(tmp_path / "a.h5md"), *options)
