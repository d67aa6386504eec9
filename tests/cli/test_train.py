"""`elyte train` and `elyte evaluate` on a small set in extended XYZ."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from elyte.cli import app
from elyte.cli.train import USUAL_WEIGHTS, _weights
from elyte.core import Dataset, Frame, InputError, LabelledFrame, Labels
from elyte.core.formats import write_cfg, write_extxyz
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.training import Weights
from elyte.selection import EnsembleSelector


def dataset(count: int = 10) -> Dataset:
    random = np.random.default_rng(0)
    source = MTP.initial(6, [1, 8], 3.5, 1.2, seed=5)
    theta = source.parameters
    theta[2 : 2 + len(source.moment_coefficients)] *= 300
    source = source.with_parameters(theta)
    frames = []
    for _ in range(count):
        cell = random.uniform(3.6, 4.2) * np.eye(3)
        corners = np.stack(np.meshgrid(*[range(2)] * 3), -1).reshape(-1, 3) / 2
        positions = corners @ cell + random.normal(scale=0.12, size=(8, 3))
        frames.append(Frame([1, 8, 1, 8, 8, 1, 1, 8], positions, cell, np.ones(3, bool)))
    found = source.evaluate(frames)
    return Dataset(
        LabelledFrame(f, Labels(e.energy, e.forces, e.stress))
        for f, e in zip(frames, found, strict=True)
    )


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160"})
    if result.exception is not None:
        raise result.exception
    return result.output


def test_train_go_on_and_evaluate(tmp_path: Path) -> None:
    data, first, second = tmp_path / "data.xyz", tmp_path / "a.almtp", tmp_path / "b.almtp"
    write_extxyz(data, dataset())
    options = ("--level", 4, "--cutoff", 3.5, "--radial-size", 4, "--threads", 1)
    text = run("train", data, "--out", first, *options, "--max-time", 20, "--held-out", 0.2)
    assert "training set, 8 frames" in text
    assert "held-out part, 2 frames" in text
    assert MTP.load(first).symbols == ["H", "O"]
    text = run(
        "train", data, "--init", first, "--out", second, "--threads", 1, "--weights", "1,1,0"
    )
    assert "saved" in text
    assert MTP.load(second).radial_size == 4
    text = run("evaluate", second, data)
    assert "b.almtp on data.xyz, 10 frames" in text
    for word in ("energy", "forces", "stress", "meV/atom", "meV/Å", "GPa"):
        assert word in text


def test_an_ensemble_and_its_doubt(tmp_path: Path) -> None:
    data, out = tmp_path / "data.xyz", tmp_path / "p.almtp"
    write_extxyz(data, dataset())
    options = ("--level", 4, "--cutoff", 3.5, "--radial-size", 4, "--threads", 1)
    text = run("train", data, "--out", out, *options, "--ensemble", 2, "--max-time", 10)
    assert text.count("held-out part, 1 frames") == 2
    first, second = tmp_path / "p-1.almtp", tmp_path / "p-2.almtp"
    assert not np.allclose(MTP.load(first).parameters, MTP.load(second).parameters)
    text = run("evaluate", first, data, "--with", second)
    assert "mean of 2 potentials" in text
    assert "members disagree" in text
    grades = EnsembleSelector([MTP.load(second)]).grades(MTP.load(first), dataset()[0].frame)
    assert grades.max() > 0


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    data, state = tmp_path / "data.xyz", tmp_path / "state.npz"
    write_extxyz(data, dataset())
    options = ("--level", 6, "--cutoff", 3.5, "--threads", 1, "--tolerance", 5e-3)
    words = ["train", data, *options, "--out"]
    run(*words, tmp_path / "whole.almtp")
    command = [sys.executable, "-m", "elyte", *words, tmp_path / "killed.almtp"]
    process = subprocess.Popen(
        [*map(str, command), "--checkpoint", str(state)], stdout=subprocess.DEVNULL
    )
    try:
        wait_for(state)
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "killed.almtp").exists()
    run(*words, tmp_path / "killed.almtp", "--checkpoint", state)
    whole, killed = (MTP.load(tmp_path / f"{name}.almtp") for name in ("whole", "killed"))
    assert (whole.parameters == killed.parameters).all()


def wait_for(path: Path, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_weights_of_configuration_types(tmp_path: Path) -> None:
    data = tmp_path / "data.xyz"
    items = [replace(x, config_type="odd" if k == 0 else "good") for k, x in enumerate(dataset(4))]
    write_extxyz(data, Dataset(items))
    words = ("train", data, "--out", tmp_path / "a.almtp", "--level", 2, "--cutoff", 3.5)
    run(*words, "--threads", 1, "--weight-of", "odd=0", "--weight-of", "good=2.0")
    for entry, message in (("bad=1", "no frame has the config_type 'bad'"), ("odd=x", "name=2.0")):
        with pytest.raises(InputError, match=message):
            run(*words, "--weight-of", entry, "--overwrite")


def test_the_usual_weights_are_those_of_every_training() -> None:
    assert _weights(USUAL_WEIGHTS, [], dataset(2)) == Weights()


def test_types_of_cfg_files_are_named(tmp_path: Path) -> None:
    data, potential = tmp_path / "data.cfg", tmp_path / "a.almtp"
    write_cfg(data, dataset(4), ["H", "O"])
    options = ("--level", 2, "--cutoff", 3.5, "--threads", 1, "--species", "H, O")
    run("train", data, "--out", potential, *options)
    assert "4 frames" in run("evaluate", potential, data)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--weights", "1,2"), "three numbers"),
        (("--held-out", "1.5"), "held out"),
        (("--init", "nothing.almtp"), "cannot read"),
        (("--init", "nothing.almtp", "--cutoff", "6"), "--cutoff and --init"),
        (("--cutoff", "0.5"), "no pair would be within it"),
    ],
)
def test_misuse_is_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    data = tmp_path / "data.xyz"
    write_extxyz(data, dataset(2))
    with pytest.raises(InputError, match=message):
        run("train", data, "--out", tmp_path / "a.almtp", *words)
    assert not (tmp_path / "a.almtp").exists()


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", ".almtp or .mtp"), ("a.almtp", "which is a folder")]
)
def test_a_name_for_no_potential_is_refused_before_the_training(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "a.almtp").mkdir()
    with pytest.raises(InputError, match=message):
        run("train", tmp_path / "not-even-read.xyz", "--out", tmp_path / name)


def test_a_potential_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    data, out, second = (tmp_path / name for name in ("data.xyz", "a.almtp", "a-2.almtp"))
    write_extxyz(data, dataset(3))
    words = ("train", data, "--out", out, "--level", 2, "--cutoff", 3.5, "--threads", 1)
    for kept, more in ((out, ()), (second, ("--ensemble", 2))):
        kept.write_text("precious")
        with pytest.raises(InputError, match=f"{kept.name} is there already: --overwrite"):
            run(*words, *more)
        assert kept.read_text() == "precious"
        run(*words, *more, "--overwrite")
        assert MTP.load(kept).level == 2


def test_names_are_printed_as_they_are_and_their_folder_is_made(tmp_path: Path) -> None:
    data, out = tmp_path / "data[a].xyz", tmp_path / "new" / "p[b].almtp"
    write_extxyz(data, dataset(3))
    options = ("--level", 2, "--cutoff", 3.5, "--threads", 1, "--max-time", 5)
    assert "p[b].almtp" in run("train", data, "--out", out, *options).replace("\n", "")
    assert "p[b].almtp on data[a].xyz" in run("evaluate", out, data)


@pytest.mark.parametrize("level", [5, 0, 30])
def test_a_level_that_is_none_is_refused(tmp_path: Path, level: int) -> None:
    write_extxyz(tmp_path / "data.xyz", dataset(3))
    with pytest.raises(InputError, match="even numbers from 2 to 28"):
        run("train", tmp_path / "data.xyz", "--out", tmp_path / "a.almtp", "--level", level)
