"""Foundation models: one made for a test in each way it can fail, and a real one where it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from elyte.chemistry import pack_box
from elyte.core import Frame, InputError, LabelledFrame, MissingDependency, Outcome
from elyte.reference import (
    EngineSettings,
    foundation,
    isolated_atom_energies,
    label_frames,
    packages,
    strain_test,
)
from elyte.workflow import Ledger

CHECKPOINTS = {"sevenn": "7net-0", "chgnet": "0.3.0"}
PAIR = Frame([18, 18], [[0, 0, 0], [0, 0, 3.6]], np.eye(3) * 9.0, True)
SLOW_ATOMS, DYING_ATOMS = 3, 4

Environment = Callable[[str, dict[str, str]], None]

SEVENN = """
from ase.calculators.lj import LennardJones
def SevenNetCalculator(name, device):
    print('a model that talks')
    if name != '7net-0': raise ValueError(f'no checkpoint {name}')
    return LennardJones(sigma=2.2, epsilon=0.4, rc=4.0)
"""
DYNAMICS = f"""
import os, signal, time
from ase.calculators.lj import LennardJones
class CHGNetCalculator(LennardJones):
    implemented_properties = ['energy', 'forces', 'stress']
    def __init__(self, model, use_device):
        assert (model, use_device) == ('0.3.0', 'cpu')
        super().__init__(sigma=3.4, rc=4.5)
    def calculate(self, atoms=None, *others):
        assert all(atoms.pbc), 'a crystal is wanted'
        if len(atoms) == {SLOW_ATOMS}: time.sleep(60)
        if len(atoms) == {DYING_ATOMS}: os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, *others)
        self.results.pop('free_energy', None)
"""
MODEL = """
class CHGNet:
    @staticmethod
    def load(model_name): return model_name
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Make an environment that has a package made for a test."""

    def make(package: str, files: dict[str, str]) -> None:
        site = tmp_path / "site"
        for name, text in files.items():
            (site / package / name).parent.mkdir(parents=True, exist_ok=True)
            (site / package / name).write_text(text)
        metadata = site / f"{package}-0.0.1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.0.1\n"
        )
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexport PYTHONPATH={site}\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setenv(packages.PYTHON_VARIABLE, str(python))
        packages._version_elsewhere.cache_clear()

    return make


@pytest.fixture
def elsewhere(tmp_path: Path, environment: Environment) -> Path:
    """An environment that has a `sevenn` made for a test: Lennard-Jones with its interface."""
    environment("sevenn", {"__init__.py": "", "calculator.py": SEVENN})
    return tmp_path


@pytest.fixture
def chgnet(environment: Environment) -> EngineSettings:
    """Settings of a `chgnet` made for a test, which is slow or dies on demand."""
    environment("chgnet", {"model/dynamics.py": DYNAMICS, "model/model.py": MODEL})
    return EngineSettings("foundation", "0.3.0", package="chgnet")


def chain(atoms: int) -> Frame:
    return Frame([18] * atoms, np.arange(atoms)[:, None] * [0, 0, 3.8], np.eye(3) * 20.0, True)


def test_a_model_without_a_free_energy_and_frames_without_a_box(
    chgnet: EngineSettings, tmp_path: Path
) -> None:
    """CHGNet says an energy alone, and knows crystals only: the atom and the pair get a box."""
    alone = Frame(PAIR.numbers, PAIR.positions)
    with Ledger(tmp_path / "ledger") as ledger:
        boxed, free = label_frames([PAIR, alone], chgnet, ledger, workers=1)
        atoms = isolated_atom_energies([18], chgnet, ledger)
    assert isinstance(boxed, LabelledFrame), boxed
    assert isinstance(free, LabelledFrame), free
    assert free.labels.stress is None
    assert free.labels.energy == pytest.approx(boxed.labels.energy)
    assert atoms == {18: 0.0}


def test_a_server_that_is_killed_costs_one_label(chgnet: EngineSettings, tmp_path: Path) -> None:
    frames = [chain(DYING_ATOMS), PAIR]
    with Ledger(tmp_path / "ledger") as ledger:
        dead, good = label_frames(frames, chgnet, ledger, workers=1)
    assert isinstance(dead, Outcome)
    assert "the server of chgnet ended: exit code -9" in dead.reason
    assert isinstance(good, LabelledFrame)


def test_a_time_limit_ends_the_server_too(chgnet: EngineSettings, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        label_frames([PAIR], chgnet, ledger, workers=1)
        begin = time.monotonic()
        (slow,) = label_frames([chain(SLOW_ATOMS)], chgnet, ledger, workers=1, time_limit=3.0)
    assert isinstance(slow, Outcome)
    assert slow.kind == "timed_out"
    assert time.monotonic() - begin < 30
    assert not servers(tmp_path)


def servers(folder: Path) -> list[str]:
    """Return the processes that run with the environment made in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"PYTHONPATH={folder}/site".encode() in variables and state != "Z":
            found.append(process.name)
    return found


def test_a_foundation_model_answers_from_its_own_environment(elsewhere: Path) -> None:
    from ase.calculators.lj import LennardJones

    frame = PAIR
    settings = EngineSettings("foundation")
    assert foundation.available().details["version"] == "sevenn 0.0.1"
    with Ledger(elsewhere / "ledger") as ledger:
        item = label_frames([frame], settings, ledger, workers=1)[0]
    assert isinstance(item, LabelledFrame), item
    expected = frame.to_ase()
    expected.calc = LennardJones(sigma=2.2, epsilon=0.4, rc=4.0)
    assert item.labels.energy == pytest.approx(expected.get_potential_energy())
    assert np.allclose(item.labels.forces, expected.get_forces())
    assert np.allclose(item.labels.stress, expected.get_stress(voigt=False))
    assert item.labels.level == "7net-0/sevenn-0.0.1"


def test_one_server_stays_until_it_is_closed(elsewhere: Path) -> None:
    settings = EngineSettings("foundation").as_dict()
    first, second = (foundation.label(PAIR, settings) for _ in range(2))
    assert first["energy"] == second["energy"]
    assert len(servers(elsewhere)) == 1
    foundation.close_server()
    assert not servers(elsewhere)


def test_a_checkpoint_that_is_not_there_is_a_named_failure(elsewhere: Path) -> None:
    outcome = foundation.label(PAIR, EngineSettings("foundation", "7net-9").as_dict())
    assert isinstance(outcome, Outcome)
    assert "no checkpoint 7net-9" in outcome.reason
    foundation.close_server()


def test_what_a_foundation_model_cannot_know(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="knows no charge"):
        foundation.check(PAIR, EngineSettings("foundation", charge=1))
    monkeypatch.setenv(packages.PYTHON_VARIABLE, str(elsewhere / "none"))
    assert packages.PYTHON_VARIABLE in foundation.available().reason


def real_package() -> str:
    """Return the package that the environment of foundation models has, or an empty string."""
    if not os.environ.get(packages.PYTHON_VARIABLE):
        return ""
    for package in CHECKPOINTS:
        try:
            packages.version_elsewhere(package)
        except MissingDependency:
            continue
        return package
    return ""


@pytest.mark.skipif(
    not real_package(), reason="ELYTE_FOUNDATION_PYTHON names no Python with sevenn or chgnet"
)
def test_a_real_model_and_the_derivatives_of_its_energy(tmp_path: Path) -> None:
    """Single precision: energies of 24 atoms are right to some 1e-5 eV."""
    package = real_package()
    settings = EngineSettings("foundation", CHECKPOINTS[package], package=package)
    frame = pack_box({"water": 8}, 0.9, seed=1)
    step = np.zeros((len(frame), 3))
    step[3] = [0.01, -0.02, 0.015]
    moved = [frame.moved(frame.positions + sign * step) for sign in (1, -1)]
    try:
        with Ledger(tmp_path / "ledger") as ledger:
            item, *ends = label_frames([frame, *moved], settings, ledger, workers=1)
            assert isinstance(item, LabelledFrame), item
            assert strain_test(item, settings, ledger, workers=1).done
            atoms = isolated_atom_energies([1, 8], settings, ledger)
    finally:
        foundation.close_server()
    slope = 0.5 * (ends[0].labels.energy - ends[1].labels.energy)
    assert -(item.labels.forces * step).sum() == pytest.approx(slope, abs=2e-3)
    assert item.labels.energy < 8 * (2 * atoms[1] + atoms[8]) - 30.0
    assert item.labels.level.startswith(f"{CHECKPOINTS[package]}/{package}-")
