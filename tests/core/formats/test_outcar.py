"""VASP's OUTCAR: units, signs, what did not finish."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import (
    FormatError,
)
from elyte.core.formats import (
    read_dataset,
)
from elyte.core.units import GPA

CONVERGED = "--------------- aborting loop because EDIFF is reached ---------------"


def outcar(steps=1, converged=True, stress="in kB  10.0 20.0 30.0 1.0 2.0 3.0", cut=False):
    lines = [
        " vasp.6.3.2 27Jun22 (build) complex",
        "   VRHFIN =Na: p6s1",
        "   VRHFIN =Cl: s2p5",
        "   ions per type =               1   1",
    ]
    for step in range(1, steps + 1):
        lines += [f"----- Iteration {step:4d}(   1)  -----", f"----- Iteration {step:4d}(   2) ---"]
        lines += [CONVERGED] if converged else []
        lines += [f"  {stress}"] if stress else []
        lines += [
            " VOLUME and BASIS-vectors are now :",
            "      direct lattice vectors                 reciprocal lattice vectors",
            "   114.000000000-12.000000000  0.000000000     0.25 0.0 0.0",
            "     0.000000000  5.000000000  0.000000000     0.0  0.2 0.0",
            "     0.000000000  0.000000000  6.000000000     0.0  0.0 0.1666",
            " POSITION                                       TOTAL-FORCE (eV/Angst)",
            " ---------------------------------------------------------------------",
            "      0.00000      0.00000      0.00000         0.100000     -0.200000      0.300000",
            "      2.00000      2.50000      3.00000        -0.100000      0.200000     -0.300000",
            " ---------------------------------------------------------------------",
            "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)",
            "  ---------------------------------------------------",
            f"  free  energy   TOTEN  =       -{step}.50000000 eV",
            "",
            f"  energy  without entropy=      -{step}.30000000  energy(sigma->0) =      -{step}.40",
        ]
    return "\n".join(lines[: -8 if cut else None]) + "\n"


def test_outcar_units_and_signs(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(steps=2))
    items = read_dataset(path)
    assert [item.labels.energy for item in items] == [-1.5, -2.5]
    assert items[0].frame.symbols == ["Na", "Cl"]
    assert items[0].frame.cell[0].tolist() == [114.0, -12.0, 0.0]
    assert items[0].labels.forces[0].tolist() == [0.1, -0.2, 0.3]
    kbar = np.array([[10.0, 1.0, 3.0], [1.0, 20.0, 2.0], [3.0, 2.0, 30.0]])
    assert np.allclose(items[0].labels.stress, -kbar * 0.1 * GPA)
    assert read_dataset(path, energy_key="energy_without_entropy")[0].labels.energy == -1.3
    assert read_dataset(path, energy_key="energy_sigma_0")[0].labels.energy == -1.4
    with pytest.raises(FormatError, match="free_energy"):
        read_dataset(path, energy_key="enthalpy")


def test_outcar_without_stress(tmp_path):
    path = tmp_path / "OUTCAR.1"
    path.write_text(outcar(stress=""))
    assert read_dataset(path)[0].labels.stress is None


def test_outcar_with_an_unfinished_scf_is_refused(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(converged=False))
    with pytest.raises(FormatError, match=r"ionic step 1.*converged"):
        read_dataset(path)


def test_outcar_that_was_cut_off(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar(steps=3, cut=True))
    assert len(read_dataset(path)) == 2
    path.write_text(outcar(steps=1, cut=True))
    with pytest.raises(FormatError, match="did not finish"):
        read_dataset(path)
    path.write_text(" vasp.6.3.2\n")
    with pytest.raises(FormatError, match="VRHFIN"):
        read_dataset(path)
