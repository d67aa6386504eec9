"""`elyte train` and `elyte evaluate` on a small set in extended XYZ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from elyte.cli import app
from elyte.core import Dataset, Frame, InputError, LabelledFrame, Labels
from elyte.core.formats import write_cfg, write_extxyz
from elyte.potentials.mtp import MTP


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
    ],
)
def test_misuse_is_refused(tmp_path: Path, words: tuple[str, str], message: str) -> None:
    data = tmp_path / "data.xyz"
    write_extxyz(data, dataset(2))
    with pytest.raises(InputError, match=message):
        run("train", data, "--out", tmp_path / "a.almtp", *words)
    assert not (tmp_path / "a.almtp").exists()
