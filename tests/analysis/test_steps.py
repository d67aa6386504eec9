"""The steps of an analysis on a small electrolyte with bonds and velocities: rows, reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from elyte.analysis import Analysis, Options, SystemDescription, analyse
from elyte.analysis.export import write_clouds, write_curves, write_maps
from elyte.analysis.steps.table import NAMES, chosen_steps
from elyte.core.errors import InputError
from elyte.core.trajectory import Trajectory
from elyte.testing.synthetic import autoregressive

IONS, MOLECULES, LENGTH, FRAMES, STEP = 12, 24, 40.0, 240, 20.0
# H3C–C≡N, built of beads on a line and three off it; Li 2 Å beyond the N of every second molecule.
NITRILE = np.array(
    [[0, 0, 0], [1.46, 0, 0], [2.62, 0, 0], [-0.4, 1, 0], [-0.4, -0.5, 0.87], [-0.4, -0.5, -0.87]]
)
NUMBERS = [6, 6, 7, 1, 1, 1]
LINKS = [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5)]


def turning(rng: np.random.Generator) -> np.ndarray:
    """Rotations of all molecules over time, (T, k, 3, 3), from a smooth series of quaternions."""
    q = gaussian_filter1d(rng.normal(size=(FRAMES, MOLECULES, 4)), 25, axis=0)
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def liquid() -> tuple[Trajectory, SystemDescription]:
    """Li+ at every second nitrile (they move as one), Cl- and the rest alone."""
    rng = np.random.default_rng(0)
    velocity = 3e-4 * autoregressive(rng, FRAMES, 0.95, (MOLECULES + IONS, 3))
    sites = np.stack(np.unravel_index(np.arange(64), (4, 4, 4)), axis=1) * LENGTH / 4
    walk = sites[: MOLECULES + IONS] + np.cumsum(velocity * STEP, axis=0)
    turn = turning(rng)
    solvent = walk[:, :MOLECULES, None] + np.einsum("tkij,mj->tkmi", turn, NITRILE)
    away = np.einsum("tkij,j->tki", turn, [4.6, 0, 0])
    lithium = (walk[:, :MOLECULES] + away)[:, ::2]
    x = np.concatenate([solvent.reshape(FRAMES, -1, 3), lithium, walk[:, MOLECULES:]], axis=1)
    owners = np.r_[np.repeat(np.arange(MOLECULES), 6), MOLECULES + np.arange(2 * IONS)]
    numbers = NUMBERS * MOLECULES + [3] * IONS + [17] * IONS
    bonds = [(6 * k + i, 6 * k + j) for k in range(MOLECULES) for i, j in LINKS]
    speeds = np.gradient(x, STEP, axis=0)
    cells = np.broadcast_to(np.eye(3) * LENGTH, (FRAMES, 3, 3))
    run = Trajectory(np.array(numbers), x, cells, STEP * np.arange(FRAMES), speeds, owners)
    return run, SystemDescription.from_molecules(numbers, owners, bonds)


@pytest.fixture(scope="module")
def whole() -> Analysis:
    run, system = liquid()
    rng = np.random.default_rng(1)
    stress = 1e-3 * autoregressive(rng, 4000, 0.8, (3, 3))
    series = {"stress": stress + stress.transpose(0, 2, 1), "timestep": 5.0,
              "energy": 0.3 * autoregressive(rng, 4000, 0.5)}  # fmt: skip
    options = Options(
        pairs=["Li–N(nitrile)", f"Cl–H({solvent(system)})", "Li–centre(Cl-)"],
        conformers=[f"{solvent(system)}: 4-1-2-3: any -180..180"],
    )
    return analyse(run, system, 300.0, series=[series], options=options)


def solvent(system: SystemDescription) -> str:
    return next(g.name for g in system.species if g.charge == 0)


def test_every_kind_of_row_is_there(whole: Analysis) -> None:
    names = {q.name for q in whole.quantities}
    assert names >= {
        "density", "isothermal compressibility", "dielectric constant", "coordination number",
        "specific heat capacity at constant volume", "ligand number", "SSIP fraction",
        "multidentate fraction", "cluster fraction", "mean network size",
        "continuous pair lifetime", "intermittent pair lifetime", "continuous lifetime of state",
        "conformer fraction", "shear viscosity", "self-diffusion coefficient",
        "log–log slope of the displacement", "self-diffusion coefficient, infinite box",
        "non-Gaussian parameter", "rotational relaxation time, order 1",
        "rotational relaxation time, order 2", "pair lifetime over rotation time",
        "ionic conductivity", "Nernst–Einstein conductivity", "ionicity", "Haven ratio",
        "transport number", "transference number", "Onsager conductivity z_i z_j e² L_ij",
    }  # fmt: skip
    for q in whole.quantities:
        assert q.withheld or np.isfinite(q.value), q.name


def test_the_ion_at_its_ligand_is_found(whole: Analysis) -> None:
    ligand = next(
        q for q in whole.quantities if q.name == "ligand number" and q.species != "Li+–Cl-"
    )
    assert 1.0 <= ligand.value < 1.4  # its own, and others that walk through it
    site = whole.find("coordination number", "Li+–N(nitrile)")
    assert 1.0 <= site.value < 1.4
    cuts = [c for c in whole.curves if c.name == "g(φ)" and "N(" in c.label]
    assert cuts[0].x[np.argmax(cuts[0].y)] > 170  # Li stands on the axis of C≡N
    drag = next(c for c in whole.curves if c.group.startswith("Velocity cross"))
    assert drag.y[0] > 0.2


def test_curves_maps_and_densities(whole: Analysis) -> None:
    groups = {c.group for c in whole.curves}
    assert groups >= {
        "rdf", "coordination", "Chosen pairs", "Static structure factors", "speciation",
        "Denticity of bound ligands", "Networks of ions", "Pair existence autocorrelations",
        "Velocity autocorrelations", "Velocity cross-correlations within the first shell",
        "Rotation, order 1", "Rotation, order 2", "non-Gaussian parameter", "msd", "viscosity",
    }  # fmt: skip
    assert {m.group for m in whole.maps} >= {
        "Combined distributions", "Correlation of distance and angle"
    }  # fmt: skip
    (cloud,) = whole.clouds
    at = np.unravel_index(np.argmax(cloud.found.g), cloud.found.g.shape)
    axis = cloud.found.axis
    # In the axes of the molecule (from C to N, at C): Li is 2 Å beyond N on the first axis.
    np.testing.assert_allclose(axis[list(at)], [1.16 + 1.98, 0, 0], atol=0.4)


def test_files_of_everything(whole: Analysis, tmp_path: object) -> None:
    folder = str(tmp_path)
    curves = write_curves(whole.curves, folder)
    assert len(set(curves)) == len(curves) == len(whole.curves)
    maps = write_maps(whole.maps, folder)
    assert maps[0].read_text().splitlines()[0].startswith('distance r (Å),angle φ (°),"g(r, φ)')
    assert len(maps[0].read_text().splitlines()) == 1 + whole.maps[0].z.size
    (cube,) = write_clouds(whole.clouds, folder)
    assert cube.suffix == ".cube"


def test_what_needs_velocities_or_times_is_a_row_that_says_so() -> None:
    run, system = liquid()
    still = replace(run, velocities=None)
    options = Options(["velocity", "mechanism"])
    found = analyse(still, system, 300.0, options=options)
    for name in ("velocity autocorrelation", "velocity cross-correlation within the first shell"):
        (row,) = (q for q in found.quantities if q.name == name)
        assert row.withheld.startswith("no velocities in the trajectory; `elyte md --velocities")
        assert "Li+" in row.species
    timeless = replace(still, times=np.zeros(FRAMES))
    found = analyse(timeless, system, 300.0, options=options)
    names = {q.name for q in found.quantities if q.withheld}
    assert names >= {"velocity autocorrelation", "pair lifetime over rotation time"}
    (row, *_) = analyse(run[::80], system, 300.0, options=Options(["velocity"])).quantities
    assert "too rarely" in row.withheld


def test_only_what_is_asked_for() -> None:
    run, system = liquid()
    found = analyse(run, system, 300.0, options=Options(properties=["conduction"]))
    names = {q.name for q in found.quantities}
    assert {"ionic conductivity", "self-diffusion coefficient"} <= names
    assert not names & {"density", "coordination number"}
    assert [
        s.name for s in chosen_steps(Options(without=[n for n in NAMES if n != "density"]))
    ] == ["density"]
    with pytest.raises(InputError, match="did you mean 'rotation'"):
        chosen_steps(Options(properties=["rotaton"]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (lambda n: Options(["pairs"], pairs=["Li–O(EC)"]), "no 'EC'"),
        (lambda n: Options(["dihedrals"], dihedrals=["EC: 1-2-3-4"]), "no species 'EC'"),
        (lambda n: Options(["conformers"], conformers=[f"{n}: 4-1-2-3"]), "names no conformers"),
        (lambda n: Options(["rotation"], vectors=[f"{n}: 1"]), "2 places"),
        (lambda n: Options(["finite-size"], viscosity=-1.0), "positive"),
    ],
)
def test_options_that_do_not_fit(options: Callable[[str], Options], words: str) -> None:
    run, system = liquid()
    with pytest.raises(InputError, match=words):
        analyse(run, system, 300.0, options=options(solvent(system)))


def test_a_given_viscosity_corrects_for_the_box() -> None:
    run, system = liquid()
    found = analyse(run, system, 300.0, options=Options(["finite-size"], viscosity=1e-3))
    for q in found.quantities:
        if q.name == "self-diffusion coefficient, infinite box" and not q.withheld:
            assert q.value > found.find("self-diffusion coefficient", q.species).value


def test_charges_of_atoms_give_the_dielectric_constant_of_a_solvent() -> None:
    run, system = liquid()
    atoms = 6 * MOLECULES
    alone = SystemDescription.from_molecules(
        run.numbers[:atoms],
        system.molecules[:atoms],
        [b for b in system.bonds if b.max() < atoms],  # type: ignore[union-attr]
    )
    part = Trajectory(run.numbers[:atoms], run.positions[:, :atoms], run.cells, run.times)
    charges = np.tile([-0.2, 0.3, -0.5, 0.4 / 3, 0.4 / 3, 0.4 / 3], MOLECULES)
    without = analyse(part, alone, 300.0, options=Options(["dielectric"]))
    assert "no charges" in without.find("dielectric constant").withheld
    with_ = analyse(part, alone, 300.0, options=Options(["dielectric"], atom_charges=charges))
    found = with_.find("dielectric constant")
    assert found.withheld.startswith(("too short", "the mean dipole")) or found.value > 1
    charged = charges + 0.1
    wrong = analyse(part, alone, 300.0, options=Options(["dielectric"], atom_charges=charged))
    assert "net charge" in wrong.find("dielectric constant").withheld
