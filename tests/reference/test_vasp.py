"""VASP: what is written, and what comes back through a stand-in that answers with files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data import shared_data
from elyte.core import Frame, InputError
from elyte.core.errors import FormatError
from elyte.core.units import GPA
from elyte.reference import EngineSettings, vasp
from elyte.reference.vasp_files import incar, read_folder, read_vasprun, write_folder

CELL = 6 * np.eye(3)
MIXED = Frame([8, 1, 8, 1], np.arange(12).reshape(4, 3) * 0.4, CELL, True)


def potcar(folder: Path, symbol: str, valence: float, functional: str = "PE") -> None:
    (folder / symbol).mkdir(parents=True, exist_ok=True)
    text = f"  PAW_PBE {symbol} made for a test\n {valence}\n   LEXCH  = {functional}\n"
    (folder / symbol / "POTCAR").write_text(text)


@pytest.fixture
def potentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "potpaw"
    potcar(folder, "O", 6.0)
    potcar(folder, "H", 1.0)
    monkeypatch.setenv("VASP_PP_PATH", str(folder))
    return folder


def vasprun(steps: int = 3, nelm: int = 60) -> str:
    rows = "".join(f"<v> {k}.0 0.5 -{k}.5 </v>" for k in range(1, 5))
    scf = "".join(
        f"<scstep><energy><i name='e_fr_energy'>{-10.0 - k}</i>"
        f"<i name='e_wo_entrp'>{-9.5 - k}</i><i name='e_0_energy'>{-9.75 - k}</i></energy></scstep>"
        for k in range(steps)
    )
    return f"""<modeling><parameters><i type="int" name="NELM">{nelm}</i></parameters>
<calculation>{scf}
<varray name="forces">{rows}</varray>
<varray name="stress"><v>10 1 2</v><v>1 20 3</v><v>2 3 30</v></varray>
<energy><i name="e_fr_energy">-13.0</i><i name="e_wo_entrp">0.0</i>
<i name="e_0_energy">0.0</i></energy></calculation></modeling>"""


def test_the_folder_is_sorted_by_element_and_comes_back(potentials: Path, tmp_path: Path) -> None:
    order = write_folder(tmp_path, MIXED, EngineSettings("vasp").options, 1, 1)
    assert order.tolist() == [1, 3, 0, 2]
    poscar = (tmp_path / "POSCAR").read_text().splitlines()
    assert poscar[5:8] == ["H O", "2 2", "Cartesian"]
    assert [float(x) for x in poscar[8].split()] == pytest.approx(MIXED.positions[1])
    assert (tmp_path / "POTCAR").read_text().index("PAW_PBE H") < (
        (tmp_path / "POTCAR").read_text().index("PAW_PBE O")
    )
    tags = dict(line.split(" = ") for line in (tmp_path / "INCAR").read_text().splitlines())
    assert tags["NELECT"] == "13"  # 2 × 6 + 2 × 1, less one
    assert (tags["ISPIN"], tags["NUPDOWN"], tags["MAGMOM"]) == ("2", "1", "4*0.25")
    assert tags["IVDW"] == "12"
    (tmp_path / "vasprun.xml").write_text(vasprun())
    found = read_folder(tmp_path, order, "free_energy")
    assert found["forces"][:, 0].tolist() == [3.0, 1.0, 4.0, 2.0]


def test_incar_of_other_levels() -> None:
    park = EngineSettings.from_mapping({"preset": "park-2025", "method": "SCAN"}).options
    tags = incar(park, None, 0, 4)
    assert (tags["METAGGA"], tags["ENCUT"], tags["IVDW"], tags["SIGMA"]) == (
        "SCAN", "450", 11, "0.05",
    )  # fmt: skip
    assert "NELECT" not in tags
    assert "ISPIN" not in tags
    assert "IVDW" not in incar(EngineSettings("vasp", dispersion="none").options, None, 0, 1)


def test_vasprun_has_three_energies_and_the_sign_of_a_stress(tmp_path: Path) -> None:
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun())
    energies, forces, stress = read_vasprun(path)
    # the free energy of the ionic step is 1 eV (of dispersion) below that of the electronic one
    assert energies == {
        "free_energy": -13.0,
        "energy_without_entropy": -12.5,
        "energy_sigma_0": -12.75,
    }
    assert forces[3].tolist() == [4.0, 0.5, -4.5]
    assert stress is not None
    assert stress[0, 1] == pytest.approx(-0.1 * GPA)
    assert np.diag(stress) == pytest.approx(np.array([-1.0, -2.0, -3.0]) * GPA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (vasprun()[:200], "not a whole"),
        ("<modeling></modeling>", "no ionic step"),
        (vasprun(60), "before it converged"),
        (vasprun().replace("forces", "forced"), "no forces"),
        (vasprun().replace("e_0_energy", "e_1"), "no e_0_energy"),
    ],
)
def test_a_vasprun_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "vasprun.xml").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_vasprun(tmp_path / "vasprun.xml")


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = folder / "vasp_gam"
    program.write_text(
        f"#!/bin/sh\ntest -s POTCAR -a -s POSCAR -a -s KPOINTS || exit 7\n{answer}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("ELYTE_VASP", str(program))


def test_a_run_and_its_failures(
    potentials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answer").write_text(vasprun())
    stand_in(tmp_path, monkeypatch, f"cp {tmp_path}/answer vasprun.xml")
    settings = EngineSettings("vasp", energy="energy_sigma_0")
    label = vasp.label(MIXED, settings.as_dict())
    assert label["energy"] == -12.75
    assert label["energies"]["free_energy"] == -13.0
    assert vasp.level(settings) == "PBE-D3(BJ)/PW-450eV/vasp/energy=energy_sigma_0"
    (tmp_path / "answer").write_text(vasprun(60))
    assert vasp.label(MIXED, settings.as_dict()).kind == "scf_not_converged"
    stand_in(tmp_path, monkeypatch, "echo ZBRENT; exit 3")
    outcome = vasp.label(MIXED, settings.as_dict())
    assert outcome.kind == "failed"
    assert "neither an OUTCAR nor" in outcome.reason
    assert "ZBRENT" in outcome.details["output"]


def test_potcars_are_checked(potentials: Path) -> None:
    vasp.check(MIXED, EngineSettings("vasp"))
    with pytest.raises(InputError, match="no POTCAR for Li"):
        vasp.check(Frame([3], np.zeros((1, 3)), CELL, True), EngineSettings("vasp"))
    potcar(potentials, "H", 1.0, "CA")
    with pytest.raises(InputError, match="several functionals: H LDA, O PBE"):
        vasp.check(MIXED, EngineSettings("vasp"))


def test_a_recorded_outcar_goes_through_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elyte.core.formats import read_outcar

    recorded = shared_data("labelled/vasp_outcar/OUTCAR_converged")
    item = read_outcar(recorded)[-1]
    for symbol in set(item.frame.symbols):
        potcar(tmp_path / "potpaw", symbol, 4.0)
    shutil.copy(recorded, tmp_path / "answer")
    stand_in(tmp_path, monkeypatch, f"cp {tmp_path}/answer OUTCAR")
    settings = EngineSettings("vasp", pseudopotentials=str(tmp_path / "potpaw"))
    label = vasp.label(item.frame, settings.as_dict())
    assert label["energy"] == item.labels.energy
    without = read_outcar(recorded, "energy_without_entropy")[-1].labels.energy
    assert label["energies"]["energy_without_entropy"] == without != label["energy"]
    if len(set(item.frame.symbols)) == 1:
        assert np.array_equal(label["forces"], item.labels.forces)
