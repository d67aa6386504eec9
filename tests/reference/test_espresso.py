"""Quantum ESPRESSO: what is written and read, pseudopotentials, and a run where pw.x is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pseudo_files import write_hydrogen

from elyte.core import Frame, InputError
from elyte.core.errors import FormatError
from elyte.core.units import BOHR
from elyte.reference import EngineSettings, espresso, pseudopotentials
from elyte.reference.espresso_files import (
    RYDBERG,
    converged,
    error_message,
    read_output,
    write_input,
)
from elyte.reference.strain import DIRECTION, strained

CELL = [[4.0, 0, 0], [0.2, 4.2, 0], [-0.1, 0.3, 4.4]]
HYDROGEN = Frame([1, 1], [[0, 0, 0], [0.6, 0.3, 0.4]], CELL, True)
OUTPUT = """
     convergence has been achieved in   8 iterations

!    total energy              =      -2.35003700 Ry
     estimated scf accuracy    <          3.8E-11 Ry

     Forces acting on atoms (cartesian axes, Ry/au):

     atom    1 type  1   force =     0.00373647    0.00303645    0.00420853
     atom    2 type  1   force =    -0.00373647   -0.00303645   -0.00420853
     The non-local contrib.  to forces
     atom    1 type  1   force =     0.50000000    0.00000000    0.00000000

     Total force =     0.009000     Total SCF correction =     0.000001

     Computing stress (Cartesian axis) and pressure

          total   stress  (Ry/bohr**3)                   (kbar)     P=      -24.01
  -0.00021426  -0.00000233   0.00000048          -31.52       -0.34        0.07
  -0.00000233  -0.00014895  -0.00000533           -0.34      -21.91       -0.78
   0.00000048  -0.00000533  -0.00012643            0.07       -0.78      -18.60
"""


def test_units_and_signs() -> None:
    found = read_output(OUTPUT, 2, True)
    assert found["energy"] == pytest.approx(-2.350037 * RYDBERG)
    assert found["forces"][1, 2] == pytest.approx(-0.00420853 * RYDBERG / BOHR)
    assert found["stress"][0, 0] == pytest.approx(0.00021426 * RYDBERG / BOHR**3)
    assert found["stress"][0, 0] * 1602.1766 == pytest.approx(31.52, abs=0.01)  # kbar
    assert read_output(OUTPUT, 2, False)["stress"] is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0 Ry\n     est", "0 Ha\n     est", "energy in 'Ha', a unit that elyte does not know"),
        ("Ry/au", "eV/A", "forces in 'eV/A'"),
        ("Ry/bohr**3", "Ha/bohr**3", "stress in 'Ha/bohr**3'"),
        ("!", " ", "no total energy"),
        ("atom    2 type  1   force", "nothing", "forces of 1 of 2 atoms"),
        ("total   stress", "", "no stress"),
        ("   0.00000048  -0.00000533", "", "not whole"),
    ],
)
def test_what_is_unknown_or_absent_is_refused(old: str, new: str, message: str) -> None:
    assert old in OUTPUT
    with pytest.raises(FormatError, match=re.escape(message)):
        read_output(OUTPUT.replace(old, new), 2, True)


def test_failures_have_words() -> None:
    assert converged(OUTPUT)
    assert not converged("     convergence NOT achieved after   2 iterations: stopping")
    line = " " + "%" * 79
    text = f"{line}\n     Error in routine readpp (1):\n     file H.UPF not found\n{line}\n"
    assert error_message(text) == "Error in routine readpp (1): file H.UPF not found"


def test_the_input_says_what_the_settings_say(tmp_path: Path) -> None:
    files = {"H": write_hydrogen(tmp_path)}
    options = EngineSettings("espresso").options
    text = write_input(HYDROGEN, options, files, -1, 1, True)
    for line in (
        "ecutwfc = 50d0",
        "ecutrho = 500d0",
        "tot_charge = -1d0",
        "nspin = 2",
        "tot_magnetization = 1d0",
        "dftd3_version = 4",
        "conv_thr = 1d-10",
        "tstress = .true.",
        "occupations = 'fixed'",
        "K_POINTS gamma",
        "H 1.0080 H.UPF",
    ):
        assert line in text, line
    warm = EngineSettings("espresso", electronic_temperature=300.0, dispersion="none").options
    text = write_input(HYDROGEN, warm, files, 0, 0, False)
    assert "smearing = 'fermi-dirac'" in text
    assert float(re.search(r"degauss = (\S+)", text)[1].replace("d", "e")) == pytest.approx(
        300 * 8.617333e-5 / 13.605693, rel=1e-6
    )
    assert "vdw_corr" not in text
    assert "assume_isolated = 'mt'" in text


def test_pseudopotentials_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESPRESSO_PSEUDO", raising=False)
    settings = EngineSettings("espresso")
    with pytest.raises(InputError, match="ESPRESSO_PSEUDO"):
        espresso.check(HYDROGEN, settings)
    monkeypatch.setenv("ESPRESSO_PSEUDO", str(tmp_path / "none"))
    with pytest.raises(InputError, match="is not there"):
        espresso.check(HYDROGEN, settings)
    monkeypatch.setenv("ESPRESSO_PSEUDO", str(tmp_path))
    with pytest.raises(InputError, match=r"has no \.UPF file for H"):
        espresso.check(HYDROGEN, settings)
    write_hydrogen(tmp_path)
    espresso.check(HYDROGEN, settings)
    with pytest.raises(InputError, match="are of PBE, but the method is SCAN"):
        espresso.check(HYDROGEN, EngineSettings("espresso", "SCAN"))
    write_hydrogen(tmp_path, "He.upf")
    espresso.check(HYDROGEN, settings)  # He is not H
    with pytest.raises(InputError, match="is a pseudopotential of H, not of He"):
        pseudopotentials.find("espresso", "", ["He"])
    write_hydrogen(tmp_path, "h_again.upf")
    with pytest.raises(InputError, match=r"has 2 \.UPF files for H \(H.UPF, h_again.upf\)"):
        espresso.check(HYDROGEN, settings)


def test_pseudopotentials_of_two_functionals_are_refused(tmp_path: Path) -> None:
    files = {
        "H": write_hydrogen(tmp_path, "H.UPF"),
        "Li": write_hydrogen(tmp_path, "Li.UPF", "SLA PW PSX PSC"),
    }
    with pytest.raises(InputError, match="several functionals: H PBE, Li SLA PW PSX PSC"):
        pseudopotentials.check_functional(files, "PBE", "espresso")
    assert pseudopotentials.upf_functional(write_hydrogen(tmp_path, "X", "SLA PW PBX PBC")) == "PBE"
    (tmp_path / "mute").write_text("<UPF>")
    with pytest.raises(InputError, match="does not say"):
        pseudopotentials.upf_functional(tmp_path / "mute")


@pytest.mark.skipif(
    not espresso.available().done, reason="pw.x is not installed (apt install quantum-espresso)"
)
def test_pw_runs_and_its_stress_belongs_to_its_energy(tmp_path: Path) -> None:
    write_hydrogen(tmp_path)
    settings = EngineSettings(
        "espresso", cutoff="60 Ry", density_cutoff="240 Ry", pseudopotentials=str(tmp_path)
    )
    assert espresso.level(settings).startswith("PBE-D3(BJ)/PW-60-240Ry/espresso-")
    label = espresso.label(HYDROGEN, settings.as_dict())
    assert label["energy"] == pytest.approx(-31.97, abs=0.05)
    h = 0.01
    energies = [
        espresso.label(strained(HYDROGEN, s * h), settings.as_dict())["energy"] for s in (1, -1)
    ]
    numeric = (energies[0] - energies[1]) / (2 * h * HYDROGEN.volume)
    given = float((label["stress"] * DIRECTION).sum())
    # a fixed cutoff leaves a Pulay stress, which the high cutoff of a preset makes small
    assert given == pytest.approx(numeric, abs=4e-3)
    assert given > 0.01
    few = EngineSettings("espresso", options=settings.options, max_iterations=2)
    assert espresso.label(HYDROGEN, few.as_dict()).kind == "scf_not_converged"
