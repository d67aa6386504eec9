"""Files of LAMMPS, GROMACS, OpenMM, ASE and VASP, written here and read back."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from elyte.analysis import describe
from elyte.analysis.loading import from_universe, load, record
from elyte.analysis.observation import observe, time_problem
from elyte.core.errors import FormatError, InputError

CELL = np.array([[12.0, 0, 0], [3.0, 11, 0], [-2.0, 1.0, 13]])
WATER = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
NUMBERS = np.array([3, 17] + [8, 1, 1] * 3)
BONDS = [(2 + 3 * k, 2 + 3 * k + i) for k in range(3) for i in (1, 2)]


def run(frames: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Unwrapped and wrapped positions of Li+, Cl- and three waters in a triclinic box."""
    rng = np.random.default_rng(0)
    sites = np.array([[1, 1, 1], [6, 6, 6], [4, 1, 8], [1, 7, 5], [8, 5, 11]], dtype=float)
    centres = sites + np.cumsum(rng.normal(size=(frames, 5, 3)) * 0.8, axis=0)
    water = (centres[:, 2:, None] + WATER).reshape(frames, -1, 3)
    positions = np.concatenate([centres[:, :2], water], axis=1)
    fractional = positions @ np.linalg.inv(CELL)
    return positions, (fractional - np.floor(fractional)) @ CELL


def universe(wrapped: np.ndarray, bonds: bool = True, velocities: bool = False) -> Any:
    mda = pytest.importorskip("MDAnalysis")
    from MDAnalysis.lib.mdamath import triclinic_box

    new = mda.Universe.empty(
        len(NUMBERS), n_residues=5, atom_resindex=[0, 1] + [2] * 3 + [3] * 3 + [4] * 3,
        trajectory=True, velocities=velocities,
    )  # fmt: skip
    symbols = [ase.data.chemical_symbols[z] for z in NUMBERS]
    masses = ase.data.atomic_masses[NUMBERS]
    attributes = {
        "names": symbols, "types": symbols, "elements": symbols, "masses": masses,
        "charges": np.zeros(len(NUMBERS)), "resnames": ["LI", "CL"] + ["SOL"] * 3,
        "resids": range(1, 6),
    }  # fmt: skip
    for name, values in attributes.items():
        new.add_TopologyAttr(name, list(values))
    if bonds:
        new.add_TopologyAttr("bonds", BONDS)
    box = np.broadcast_to(triclinic_box(*CELL), (len(wrapped), 6))
    new.load_new(wrapped.astype(np.float32), dimensions=box, dt=0.5)
    return new


def written(tmp_path: Path, *names: str) -> list[Path]:
    """Write the run through MDAnalysis; a file without frames in its format has the first."""
    from MDAnalysis import Writer

    source = universe(run()[1])
    paths = [tmp_path / name for name in names]
    for path in paths:
        many = path.suffix in (".xtc", ".trr", ".dcd", ".ncdf")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Writer(str(path), len(NUMBERS), multiframe=many) as writer:
                for step in source.trajectory if many else source.trajectory[:1]:
                    writer.write(source.atoms)
                    assert step is not None
    return paths


def check(path: Path, topology: Path | None, timed: bool, atol: float) -> None:
    """The walk, the molecules and the time step that the file knows."""
    expected = run()[0]
    recording = record(path, topology)
    assert len(recording) == 9
    system = describe(recording[0])
    assert {g.name: len(g) for g in system.species} == {"Li+": 1, "Cl-": 1, "water": 3}
    found = observe(record(path, topology, timestep=500.0), system)
    assert not found.problem
    walk = found.centres[:, system["Li+"].molecules]
    np.testing.assert_allclose(walk - walk[0], (expected - expected[0])[:, :1], atol=atol)
    water = system["water"].atoms
    whole = found.positions[:, water]
    sides = np.linalg.norm(whole[:, :, [0, 0, 1]] - whole[:, :, [1, 2, 2]], axis=3)
    np.testing.assert_allclose(np.sort(sides)[..., 2], 1.51819, atol=3 * atol)
    assert np.isfinite(recording.times).all() == timed
    if timed:
        np.testing.assert_allclose(np.diff(recording.times), 500.0, rtol=1e-3)
    else:
        assert "no time step is known" in time_problem(recording)


@pytest.mark.parametrize(
    ("trajectory", "topology", "timed", "atol"),
    [
        ("run.xtc", "top.gro", True, 0.03),
        ("run.trr", "top.gro", True, 2e-3),
        ("run.dcd", "top.pdb", False, 2e-3),
    ],
)
def test_gromacs_and_openmm(
    trajectory: str, topology: str, timed: bool, atol: float, tmp_path: Path
) -> None:
    pytest.importorskip("MDAnalysis")
    path, top = written(tmp_path, trajectory, topology)
    check(path, top, timed, atol)


def lammps(tmp_path: Path, steps: list[int]) -> tuple[Path, Path]:
    """Write a dump as LAMMPS does (restricted triclinic, wrapped) and its data file."""
    kinds = {3: 1, 17: 2, 8: 3, 1: 4}
    xy, xz, yz = CELL[1, 0], CELL[2, 0], CELL[2, 1]
    low = np.array([min(0, xy, xz, xy + xz), min(0, yz), 0.0])
    high = np.diag(CELL) + [max(0, xy, xz, xy + xz), max(0, yz), 0.0]
    lines = []
    for step, frame in zip(steps, run()[1], strict=False):
        lines += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(NUMBERS)),
                  "ITEM: BOX BOUNDS xy xz yz pp pp pp"]  # fmt: skip
        tilts = (xy, xz, yz)
        lines += [f"{low[k]:.6f} {high[k]:.6f} {tilts[k]:.6f}" for k in range(3)]
        lines.append("ITEM: ATOMS id type x y z")
        order = np.random.default_rng(step).permutation(len(NUMBERS))  # LAMMPS does not sort
        lines += [f"{i + 1} {kinds[int(NUMBERS[i])]} {frame[i, 0]:.6f} {frame[i, 1]:.6f} "
                  f"{frame[i, 2]:.6f}" for i in order]  # fmt: skip
    path = tmp_path / "dump.lammpstrj"
    path.write_text("\n".join(lines) + "\n")
    return path, data_file(tmp_path / "system.lmp")


def data_file(path: Path) -> Path:
    kinds = {3: 1, 17: 2, 8: 3, 1: 4}
    molecule = [1, 2] + [3] * 3 + [4] * 3 + [5] * 3
    rows = ["LAMMPS data", "", f"{len(NUMBERS)} atoms", f"{len(BONDS)} bonds", "4 atom types",
            "1 bond types", "", "0 12 xlo xhi", "0 11 ylo yhi", "0 13 zlo zhi", "3 -2 1 xy xz yz",
            "", "Masses", "", "1 6.94", "2 35.45", "3 15.999", "4 1.008",
            "", "Atoms # full", ""]  # fmt: skip
    for k, (z, x) in enumerate(zip(NUMBERS, run()[1][0], strict=True)):
        rows.append(f"{k + 1} {molecule[k]} {kinds[int(z)]} 0.0 {x[0]:.6f} {x[1]:.6f} {x[2]:.6f}")
    rows += ["", "Bonds", ""]
    rows += [f"{k + 1} 1 {i + 1} {j + 1}" for k, (i, j) in enumerate(BONDS)]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_lammps(tmp_path: Path) -> None:
    pytest.importorskip("MDAnalysis")
    path, data = lammps(tmp_path, list(range(0, 900, 100)))
    check(path, data, False, 2e-3)


def test_a_dump_with_repeated_frames_is_refused_for_dynamics(tmp_path: Path) -> None:
    pytest.importorskip("MDAnalysis")
    path, data = lammps(tmp_path, [0, 100, 200, 200, 300, 400, 500, 600, 700])
    problem = time_problem(record(path, data, timestep=500.0))
    assert problem == "frames out of order or repeated: frame 3"


def test_ase_and_vasp(tmp_path: Path) -> None:
    _, wrapped = run()
    images = [ase.Atoms(NUMBERS, x, cell=CELL, pbc=True) for x in wrapped]
    for atoms in images:
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=0 * atoms.positions)
    ase.io.write(tmp_path / "run.traj", images)
    ase.io.write(tmp_path / "run.extxyz", images)
    order = np.argsort(NUMBERS, kind="stable")
    ase.io.write(tmp_path / "XDATCAR", [a[order] for a in images], format="vasp-xdatcar")
    for name in ("run.traj", "run.extxyz", "XDATCAR"):
        check(tmp_path / name, None, False, 1e-5)


def structure(frame: np.ndarray) -> str:
    scaled = frame @ np.linalg.inv(CELL)
    basis = "".join(f"<v>{a} {b} {c}</v>" for a, b, c in CELL)
    places = "".join(f"<v>{a:.10f} {b:.10f} {c:.10f}</v>" for a, b, c in scaled)
    return (
        f"<crystal><varray name='basis'>{basis}</varray></crystal>"
        f"<varray name='positions'>{places}</varray>"
    )


def test_vasprun(tmp_path: Path) -> None:
    _, wrapped = run(3)
    rows = []
    for frame in wrapped:
        forces = "<v>0 0 0</v>" * len(NUMBERS)
        rows.append(
            f"<calculation><scstep><energy><i name='e_fr_energy'>-1</i>"
            f"<i name='e_wo_entrp'>-1</i><i name='e_0_energy'>-1</i></energy></scstep>"
            f"<structure>{structure(frame)}</structure>"
            f"<varray name='forces'>{forces}</varray>"
            f"<energy><i name='e_fr_energy'>-1</i><i name='e_wo_entrp'>-1</i>"
            f"<i name='e_0_energy'>-1</i></energy></calculation>"
        )
    kinds = "".join(f"<rc><c>{ase.data.chemical_symbols[z]}</c><c>1</c></rc>" for z in NUMBERS)
    (tmp_path / "vasprun.xml").write_text(
        "<modeling><kpoints><generation param='Gamma'/><varray name='kpointlist'><v>0 0 0</v>"
        "</varray><varray name='weights'><v>1</v></varray></kpoints>"
        f"<atominfo><array name='atoms'><set>{kinds}</set></array></atominfo>"
        f"<structure name='initialpos'>{structure(wrapped[0])}</structure>"
        f"{''.join(rows)}</modeling>"
    )
    read = load(tmp_path / "vasprun.xml", timestep=2.0)
    expected = run(3)[0]
    np.testing.assert_allclose(
        np.diff(read.positions, axis=0), np.diff(expected, axis=0), atol=1e-6
    )


def test_a_universe_becomes_a_trajectory_with_whole_molecules() -> None:
    expected, wrapped = run()
    trajectory = from_universe(universe(wrapped))
    assert trajectory.molecules is not None
    np.testing.assert_allclose(
        np.diff(trajectory.positions, axis=0), np.diff(expected, axis=0), atol=1e-4
    )


def test_what_cannot_be_read(tmp_path: Path) -> None:
    pytest.importorskip("MDAnalysis")
    (tmp_path / "no.xtc").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="--topology"):
        record(tmp_path / "no.xtc")
    (tmp_path / "no.extxyz").write_text("3\n\nH 0 0\n")
    with pytest.raises(FormatError, match="cannot be read"):
        record(tmp_path / "no.extxyz")
    two = [ase.Atoms("H", cell=CELL, pbc=True), ase.Atoms("He", cell=CELL, pbc=True)]
    ase.io.write(tmp_path / "two.extxyz", two)
    with pytest.raises(InputError, match="same atoms"):
        record(tmp_path / "two.extxyz")
