"""CP2K: what is written, what is read in each format, and one real run where it is installed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from elyte.core import Frame, InputError, LabelledFrame, Labels, Outcome
from elyte.core.errors import FormatError
from elyte.core.units import BAR, BOHR, GPA, HARTREE
from elyte.reference import EngineSettings, cp2k, d3, label_frames, strain_test
from elyte.reference.cp2k_input import kinds, write_input
from elyte.reference.cp2k_output import abort_message, converged, read_output, scf_steps
from elyte.reference.dispersion import DispersionSettings, evaluate_dispersion
from elyte.reference.strain import compare
from elyte.workflow import Ledger

needs_cp2k = pytest.mark.skipif(
    not cp2k.available().done, reason="CP2K is not installed (apt install cp2k)"
)
CELL = [[4.0, 0, 0], [0.2, 4.2, 0], [-0.1, 0.3, 4.4]]
HYDROGEN = Frame([1, 1], [[0, 0, 0], [0.6, 0.3, 0.4]], CELL, True)

OLD = """
  *** SCF run converged in    11 steps ***
 Hirshfeld Charges
  #Atom  Element  Kind  Ref Charge     Population                    Net charge
      1       H      1       1.000          0.930                         0.070
      2       H      1       1.000          1.070                        -0.070
  Total Charge                                                            0.000
 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:               -1.177649079753158

 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
      1      1      H           0.00408228     0.00247093     0.00368477
      2      1      H          -0.00408228    -0.00247093    -0.00368477
 SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000

 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x       -2.97644034777E+00  -1.41879877607E-01  -1.33610942466E-01
 STRESS|      y       -1.41879877607E-01  -1.87352483683E+00  -1.52280434504E-01
 STRESS|      z       -1.33610942466E-01  -1.52280434504E-01  -1.54449798169E+00
 STRESS| 1/3 Trace                                            -2.13148772210E+00
"""
NEW = """
 ENERGY| Total FORCE_EVAL ( QS ) energy [hartree]             -1.177649079753158
 FORCES| Atomic forces [hartree/bohr]
 FORCES|   Atom     x               y               z               |f|
 FORCES|      1  4.08228000E-03  2.47093000E-03  3.68477000E-03  6.03000000E-03
 FORCES|      2 -4.08228000E-03 -2.47093000E-03 -3.68477000E-03  6.03000000E-03
 FORCES| Sum     0.00000000E+00  0.00000000E+00  0.00000000E+00
 FORCES| Total atomic force   0.00000000E+00
 STRESS| Analytical stress tensor [bar]
 STRESS|                        x                   y                   z
 STRESS|      x       -2.97644034777E+04  -1.41879877607E+03  -1.33610942466E+03
 STRESS|      y       -1.41879877607E+03  -1.87352483683E+04  -1.52280434504E+03
 STRESS|      z       -1.33610942466E+03  -1.52280434504E+03  -1.54449798169E+04
"""

ABORTED = """
 *******************************************************************************
 *   ___                                                                       *
 *  /   \\                                                                      *
 * [ABORT]                                                                     *
 *  \\___/        found an unknown keyword NDIGITS in section STRESS_TENSOR     *
 *    |                                                                        *
 *  O/|                                                                        *
 * /| |                                                                        *
 * / \\                                               input/input_parsing.F:246 *
 *******************************************************************************
"""


def test_both_formats_say_the_same() -> None:
    old, new = read_output(OLD, 2, True), read_output(NEW, 2, True)
    assert old["energy"] == new["energy"] == pytest.approx(-1.177649079753158 * HARTREE)
    assert np.allclose(old["forces"], new["forces"], atol=1e-9)
    assert old["forces"][0, 0] == pytest.approx(0.00408228 * HARTREE / BOHR)
    assert np.allclose(old["stress"], new["stress"], atol=1e-9)
    assert old["stress"][0, 0] == pytest.approx(2.97644034777 * GPA)
    assert old["stress"][0, 0] == pytest.approx(2.97644034777e4 * BAR)
    assert old["charges"].tolist() == [0.07, -0.07]
    assert new["charges"] is None
    assert read_output(OLD, 2, False)["stress"] is None
    assert scf_steps(OLD) == 11


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("energy [a.u.]", "energy [eV]", "energy in 'eV', a unit that elyte does not know"),
        ("FORCES in [a.u.]", "FORCES in [eV/angstrom]", "forces in 'eV/angstrom'"),
        ("tensor [GPa]", "tensor [atm]", "stress in 'atm'"),
        ("ENERGY|", "", "no total energy"),
        ("ATOMIC FORCES", "", "no forces"),
        ("      2      1      H ", "  ?", "forces of 1 of 2 atoms"),
        ("STRESS|      z ", "", "not whole"),
        ("Analytical", "Numerical", "no stress"),
    ],
)
def test_what_is_unknown_or_absent_is_refused(old: str, new: str, message: str) -> None:
    assert old in OLD
    with pytest.raises(FormatError, match=re.escape(message)):
        read_output(OLD.replace(old, new), 2, True)


def test_what_did_not_converge_and_what_was_aborted() -> None:
    assert converged(OLD)
    assert not converged(OLD + " *** WARNING in qs_scf.F:598 :: SCF run NOT converged ***")
    assert "found an unknown keyword NDIGITS in section STRESS_TENSOR" in abort_message(ABORTED)
    assert abort_message(OLD) == ""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of basis sets with the names alone."""
    files = {
        "BASIS_MOLOPT_UZH": "H TZVP-MOLOPT-PBE-GTH-q1 TZVP-MOLOPT-GGA-GTH-q1\n 1\n"
        "Li TZVP-MOLOPT-PBE-GTH-q1\nLi TZVP-MOLOPT-PBE-GTH-q3\nH TZVP-MOLOPT-SCAN-GTH-q1\n",
        "BASIS_MOLOPT": " H  DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q1\n",
        "GTH_BASIS_SETS": "H TZVP-GTH-q1 TZVP-GTH\n",
        "POTENTIAL_UZH": "H GTH-PBE-q1\nH GTH-SCAN-q1\nLi GTH-PBE-q3\nLi GTH-PBE-q1\n",
        "GTH_POTENTIALS": "H GTH-PBE-q1 GTH-PBE\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("CP2K_DATA_DIR", str(tmp_path))
    return tmp_path


def test_basis_sets_and_pseudopotentials_belong_together(data: Path) -> None:
    found = kinds(["H", "Li", "H"], EngineSettings("cp2k").options)
    assert found["Li"].basis == "TZVP-MOLOPT-PBE-GTH-q3"  # the semicore electrons, too
    assert (found["Li"].potential, found["Li"].potential_file) == ("GTH-PBE-q3", "POTENTIAL_UZH")
    short = kinds(["H"], EngineSettings("cp2k", basis="DZVP-MOLOPT-SR").options)["H"]
    assert (short.basis_file, short.potential_file) == ("BASIS_MOLOPT", "GTH_POTENTIALS")
    scan = kinds(["H"], EngineSettings("cp2k", "r2SCAN").options)["H"]
    assert (scan.basis, scan.potential) == ("TZVP-MOLOPT-SCAN-GTH-q1", "GTH-SCAN-q1")
    zills = kinds(["H"], EngineSettings.from_mapping({"preset": "zills-2024"}).options)["H"]
    assert (zills.basis, zills.potential) == ("TZVP-GTH-q1", "GTH-PBE-q1")
    with pytest.raises(InputError, match="no basis set 'TZVP-MOLOPT' for Xe"):
        kinds(["Xe"], EngineSettings("cp2k").options)


def test_the_input_says_what_the_settings_say(data: Path) -> None:
    options = EngineSettings("cp2k", cutoff="400 Ry").options
    text = write_input(HYDROGEN, options, 1, 1, True, "DIIS")
    lines = [line.strip() for line in text.splitlines()]
    for line in (
        "CUTOFF 400",
        "CHARGE 1",
        "MULTIPLICITY 2",
        "UKS T",
        "STRESS_TENSOR ANALYTICAL",
        "TYPE DFTD3(BJ)",
        "CALCULATE_C9_TERM T",
        "R_CUTOFF [angstrom] 10",  # CP2K takes pairs up to twice that
        "PERIODIC XYZ",
        "H 0.6000000000 0.3000000000 0.4000000000",
        "B 0.2000000000 4.2000000000 0.0000000000",
    ):
        assert line in lines, line
    opened = [line.split()[0][1:] for line in lines if re.match(r"&(?!END)", line)]
    closed = [line.split()[1] for line in lines if line.startswith("&END")]
    assert sorted(opened) == sorted(closed)
    alone = write_input(HYDROGEN, options, 0, 0, False, "CG")
    assert "PSOLVER MT" in alone
    assert "STRESS_TENSOR NONE" in alone
    none = EngineSettings("cp2k", dispersion="none").options
    assert "VDW_POTENTIAL" not in write_input(HYDROGEN, none, 0, 0, True, "DIIS")
    scan = write_input(HYDROGEN, EngineSettings("cp2k", "r2SCAN").options, 0, 0, True, "DIIS")
    assert "&MGGA_X_R2SCAN" in scan
    assert "D3BJ_SCALING 1.0 0.49484001 0.78981345 5.73083694" in scan
    zills = EngineSettings.from_mapping({"preset": "zills-2024"}).options
    text = write_input(HYDROGEN, zills, 0, 0, True, "DIIS")
    for line in ("SHORT_RANGE_CORRECTION T", "SCALE_X 1.0", "SCALE_C 1.0", "R_CUTOFF [angstrom] 4"):
        assert line in text, line


def fake_cp2k(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "cp2k.psmp"
    program.write_text(
        "#!/bin/sh\n"
        f"if [ \"$1\" = --version ]; then echo ' CP2K version 2025.1'; exit; fi\n{body}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("ELYTE_CP2K", str(program))


def test_a_run_that_fails_is_a_named_failure(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EngineSettings("cp2k").as_dict()
    fake_cp2k(data, monkeypatch, "echo ' SCF run NOT converged'; exit 1")
    assert cp2k.label(HYDROGEN, settings).kind == "scf_not_converged"
    fake_cp2k(data, monkeypatch, "echo out of memory; exit 9")
    outcome = cp2k.label(HYDROGEN, settings)
    assert (outcome.kind, outcome.reason) == ("failed", "CP2K failed: exit code 9")
    assert "out of memory" in outcome.details["output"]
    box = ABORTED.replace("keyword NDIGITS in section STRESS", "subsection R2 of section XC")
    (data / "answer").write_text(box)
    fake_cp2k(data, monkeypatch, f"cat {data}/answer; exit 1")
    reason = cp2k.label(HYDROGEN, EngineSettings("cp2k", "r2SCAN").as_dict()).reason
    assert "this version, 2025.1, has no r2SCAN" in reason
    (data / "answer").write_text(NEW.replace("[bar]", "[Mbar]"))
    fake_cp2k(data, monkeypatch, f"cat {data}/answer")
    assert "unit that elyte does not know" in cp2k.label(HYDROGEN, settings).reason
    (data / "answer").write_text(NEW)
    label = cp2k.label(HYDROGEN, settings)
    assert label["energy"] == pytest.approx(-1.177649079753158 * HARTREE)
    assert cp2k.level(EngineSettings("cp2k")) == "PBE-D3(BJ)-C9/TZVP-MOLOPT/600Ry/cp2k-2025.1"


def test_diis_that_fails_is_followed_by_conjugate_gradients(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "answer").write_text(NEW)
    fails = "if grep -q 'MINIMIZER DIIS' elyte.inp; then echo ' SCF run NOT converged'; exit 1; fi"
    fake_cp2k(data, monkeypatch, f"{fails}\ncat {data}/answer")
    assert not isinstance(cp2k.label(HYDROGEN, EngineSettings("cp2k").as_dict()), Outcome)


def test_several_cores_are_started_by_mpirun(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "answer").write_text(NEW)
    fake_cp2k(data, monkeypatch, f"cat {data}/answer")
    mpirun = data / "mpirun"
    mpirun.write_text(f'#!/bin/sh\necho "$1=$2" > {data}/called\nshift 2\nexec "$@"\n')
    mpirun.chmod(0o755)
    monkeypatch.setenv("PATH", f"{data}{os.pathsep}{os.environ['PATH']}")
    with Ledger(data / "ledger") as ledger:
        (result,) = label_frames([HYDROGEN], EngineSettings("cp2k"), ledger, workers=1, cores=3)
    assert result.kind == "stress_wrong"  # an answer came, though the same at any strain
    assert (data / "called").read_text().strip() == "-n=3"


@needs_cp2k
def test_cp2k_runs_and_its_stress_belongs_to_its_energy(tmp_path: Path) -> None:
    settings = EngineSettings(
        "cp2k", cutoff="250 Ry", relative_cutoff="40 Ry", dispersion_cutoff="8 Å"
    )
    with Ledger(tmp_path) as ledger:
        item = label_frames([HYDROGEN], settings, ledger, workers=1)[0]
        assert isinstance(item, LabelledFrame), item
        assert item.labels.level.startswith("PBE-D3(BJ)-C9/TZVP-MOLOPT/250Ry/cp2k-")
        assert np.trace(item.labels.stress) > 0.02  # a stretched box pulls
        outcome = strain_test(item, settings, ledger, workers=1)
    assert outcome.done, outcome.reason
    assert outcome.details["given"] == pytest.approx(outcome.details["numeric"], abs=3e-4)


SMALL = HYDROGEN.moved(HYDROGEN.positions, 0.85 * np.array(CELL))


@needs_cp2k
@pytest.mark.parametrize("method", ["r2SCAN", "B97-3c"])
def test_other_functionals_run_and_their_stress_belongs_to_their_energy(method: str) -> None:
    """r2SCAN needs a finer grid: at 250 Ry its energy says a stress that is 15 % off."""
    settings = EngineSettings(
        "cp2k", method, cutoff="500 Ry", relative_cutoff="40 Ry", dispersion_cutoff="6 Å"
    )
    label = cp2k.label(SMALL, settings.as_dict())
    assert isinstance(label, dict), label
    item = LabelledFrame(SMALL, Labels(label["energy"], label["forces"], label["stress"]))
    outcome = compare(
        item, method, lambda frames: [cp2k.label(f, settings.as_dict())["energy"] for f in frames]
    )
    assert outcome.done, outcome.reason
    assert outcome.details["given"] == pytest.approx(outcome.details["numeric"], abs=5e-4)
    assert outcome.details["given"] > 0.05


@needs_cp2k
@pytest.mark.skipif(not d3.version(), reason="dftd3 is not installed")
def test_cp2ks_d3_is_that_of_dftd3_within_the_same_cutoff() -> None:
    """Two atoms 5 Å apart, whose images are 7.2 Å away and more: beyond a cutoff of 7 Å."""
    pair = Frame([2, 2], [[0, 0, 0], [5.0, 0, 0]], np.diag([12.4, 7.2, 7.4]), True)
    settings = {
        kind: EngineSettings(
            "cp2k",
            "r2SCAN",
            cutoff="60 Ry",
            relative_cutoff="30 Ry",
            dispersion=kind,
            dispersion_cutoff="7 Å",
        ).as_dict()
        for kind in ("d3bj", "none")
    }
    energies = {kind: cp2k.label(pair, chosen)["energy"] for kind, chosen in settings.items()}
    sharp = DispersionSettings("r2SCAN", "d3bj", 7.0, smoothing=0.0)
    expected = evaluate_dispersion(pair, sharp)[0].energy
    assert expected < -1e-5
    assert energies["d3bj"] - energies["none"] == pytest.approx(expected, rel=1e-3)
