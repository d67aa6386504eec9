"""Speciation: constructed cases, coverage, and published numbers of a real electrolyte."""

from __future__ import annotations

import numpy as np
import pytest

from data import shared_data
from elyte.analysis import Options, SystemDescription, analyse, describe
from elyte.analysis.intervals import mean_of_independent
from elyte.analysis.loading import load
from elyte.analysis.speciation.shells import (
    Contacts,
    contacts,
    coordination_number,
    count_distribution,
    linked,
    mean_of_clusters,
    pair_states,
    population,
    shell_compositions,
    state_populations,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import exchange

CELL = np.eye(3)[None] * 20


def test_molecules_count_once_and_multidentate_ones_are_known() -> None:
    ions = np.array([[[0.0, 0, 0], [10.0, 0, 0]]])
    atoms = np.array([[[2.0, 0, 0], [0, 2.0, 0], [19.0, 0, 0], [10.0, 5, 0]]])  # 19 is −1
    found = contacts(ions, atoms, np.array([0, 0, 1, 2]), CELL, 2.5)
    np.testing.assert_array_equal(found.counts, [[2, 0]])
    np.testing.assert_array_equal(found.ligand, [0, 1])
    np.testing.assert_array_equal(found.atoms, [2, 1])


def test_states_and_distributions() -> None:
    anions = np.array([[0, 1, 2, 3], [0, 1, 1, 3]])
    table = count_distribution([anions])
    assert sum(m.value for m in table.values()) == pytest.approx(1)
    shells = shell_compositions({"a": anions, "b": np.zeros_like(anions)})
    assert shells[(1, 0)] == 0.375


def test_an_anion_between_two_ions_makes_an_aggregate() -> None:
    # Frame 0: ion 0 free, ion 1 with anion 0, ions 2 and 3 share anion 1.
    # Frame 1: ion 0 with anions 0 and 1, the others free.
    frame, ion = np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 0, 0])
    anion = np.array([0, 1, 1, 0, 1])
    found = Contacts(2, 4, 2, frame, ion, anion, np.ones(5, dtype=np.int64))
    np.testing.assert_array_equal(pair_states(found), [[0, 1, 2, 2], [2, 0, 0, 0]])
    states = state_populations([found])
    assert [states[k].value for k in ("SSIP", "CIP", "AGG")] == [0.5, 0.125, 0.375]


@pytest.mark.parametrize(("frames", "ions", "lifetime"), [(200, 30, 20.0), (60, 40, 100.0)])
def test_coverage_of_populations(frames: int, ions: int, lifetime: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        states = exchange(rng, frames, ions, 0.35, lifetime)
        return population([states]).quantity("p", "1", "")

    found = coverage(draw, 0.35, runs=600)
    assert 0.62 < found.inside_68 < 0.75
    assert 0.91 < found.inside_95 < 0.98


def ring(rng: np.random.Generator, frames: int, ions: int, lifetime: float) -> Contacts:
    """Ions in a ring; an anion between two neighbours binds both, 0.4 of the time."""
    frame, anion = np.nonzero(exchange(rng, frames, ions, 0.4, lifetime))
    ion = np.concatenate([anion, (anion + 1) % ions])
    both = np.concatenate([frame, frame]), ion, np.concatenate([anion, anion])
    return Contacts(frames, ions, ions, *both, np.ones(len(ion), dtype=np.int64))


@pytest.mark.parametrize(("frames", "lifetime"), [(300, 8.0), (20, 1e6)])
def test_coverage_where_ions_share_anions(frames: int, lifetime: float) -> None:
    """As independent ions they would be right in 55 of 100 runs: in time, or as clusters."""

    def draw(rng: np.random.Generator) -> Quantity:
        found = state_populations([ring(rng, frames, 30, lifetime)])
        return found["AGG"].quantity("AGG", "1", "")

    found = coverage(draw, 1 - 0.6**2, runs=200)
    assert 0.6 < found.inside_68 < 0.78
    assert 0.91 < found.inside_95 < 0.99


def test_clusters_are_ions_that_ever_share_a_ligand() -> None:
    # Ions 0 and 1 share ligand 5 in frame 0, ions 1 and 3 ligand 0 in frame 2; 2 is alone.
    frame, ion = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 2, 3, 1, 2])
    found = Contacts(3, 5, 6, frame, ion, np.array([5, 5, 5, 0, 0, 4]), np.ones(6, dtype=np.int64))
    of = linked(found)
    assert of[0] == of[1] == of[3]
    assert len({of[0], of[2], of[4]}) == 3


def test_error_of_the_mean_over_clusters() -> None:
    x = np.random.default_rng(4).normal(size=12)
    alone, plain = mean_of_clusters([x], [np.arange(12)]), mean_of_independent(x)
    assert alone.standard_error == pytest.approx(plain.standard_error)
    twice = mean_of_clusters([np.repeat(x, 2)], [np.repeat(np.arange(12), 2)])
    assert twice.standard_error == pytest.approx(plain.standard_error)
    assert twice.degrees_of_freedom == 11
    assert mean_of_clusters([x, x], [np.arange(12) // 4] * 2).n_effective == 6  # two runs
    assert "4 clusters" in mean_of_clusters([x], [np.arange(12) // 3]).reason


def test_coordination_number_averages_ions_of_all_runs() -> None:
    counts = [np.array([[4, 5], [4, 3]]), np.array([[6, 4]])]
    found = coordination_number(counts)
    assert found.value == pytest.approx(np.mean([4, 4, 6, 4]))
    assert found.n_effective == 4


@pytest.fixture(scope="module")
def bn_fec() -> tuple[Trajectory, SystemDescription]:
    pytest.importorskip("MDAnalysis")
    folder = shared_data("trajectories/bn_fec")
    trajectory = load(folder / "bn_fec_short_wrap.dcd", folder / "bn_fec.data")
    return trajectory, describe(trajectory[0])


def published(trajectory: Trajectory, system: SystemDescription) -> dict[str, Contacts]:
    li = trajectory.positions[:, system["Li+"].atoms[:, 0]]
    found = {}
    for name, cutoff in (("BN", 2.61468), ("FEC", 2.43158), ("PF6-", 2.8)):
        atoms = system[name].atoms
        owner = np.repeat(np.arange(len(atoms)), atoms.shape[1])
        around = trajectory.positions[:, atoms.ravel()]
        found[name] = contacts(li, around, owner, trajectory.cells, cutoff)
    return found


def test_published_coordination_of_lithium(bn_fec: tuple[Trajectory, SystemDescription]) -> None:
    found = published(*bn_fec)
    counts = {name: c.counts for name, c in found.items()}
    for name, number, share in (
        ("BN", 4.3286, 1.0), ("FEC", 0.2531, 0.2102), ("PF6-", 0.1367, 0.1367)
    ):  # fmt: skip
        assert counts[name].mean() == pytest.approx(number, abs=1e-4)
        assert (counts[name] > 0).mean() == pytest.approx(share, abs=1e-4)
    states = state_populations([found["PF6-"]])
    for name, value in (("SSIP", 0.863), ("CIP", 0.112), ("AGG", 0.024)):
        assert states[name].value == pytest.approx(value, abs=1e-3)


def test_published_shells(bn_fec: tuple[Trajectory, SystemDescription]) -> None:
    shells = shell_compositions({n: c.counts for n, c in published(*bn_fec).items()})
    count = {shell: round(share * 490) for shell, share in shells.items()}
    assert count[(5, 0, 0)] == 175
    assert count[(3, 3, 0)] == 2
    assert count[(3, 0, 1)] == 13
    assert sum(n for shell, n in count.items() if shell[0] == 4) == 260


def test_the_published_numbers_are_rows(bn_fec: tuple[Trajectory, SystemDescription]) -> None:
    """Cut-offs for any atom of a molecule, as they were used there, by the names people use."""
    chosen = Options(
        properties=["structure", "pairs"],
        cutoffs={"PF6": 2.8, "BN": 2.61468, "FEC": 2.43158},
        pairs=["Li–O(FEC)", "Li–O(carbonate)", "Li–N(nitrile)"],
    )
    found = analyse(*bn_fec, 300.0, "NVT", options=chosen)
    for species, value in (("BN", 4.3286), ("FEC", 0.2531), ("PF6-", 0.1367)):
        assert found.find("ligand number", f"Li+–{species}").value == pytest.approx(value, abs=1e-4)
    for state, value in (("SSIP", 0.863), ("CIP", 0.112), ("AGG", 0.024)):
        assert found.find(f"{state} fraction", "Li+").value == pytest.approx(value, abs=1e-3)
    shells = next(c for c in found.curves if c.group == "Compositions of the first shell")
    shares = dict(zip(shells.details["categories"], shells.y, strict=True))
    assert round(shares["5 BN"] * 490) == 175
    assert round(shares["3 BN 3 FEC"] * 490) == 2
    assert round(shares["1 PF6- 3 BN"] * 490) == 13
    site, same = (found.find("coordination number", f"Li+–O({x})") for x in ("FEC", "carbonate"))
    assert site.value == same.value
    assert site.details["first_minimum_angstrom"] == pytest.approx(3.30, abs=0.15)
    # N(r) at our minimum and at the published one: the same shell.
    rdf = next(
        c for c in found.curves if c.name == "coordination number" and c.label == site.species
    )
    assert rdf.y_error is not None
    assert site.value == pytest.approx(np.interp(3.30, rdf.x, rdf.y), abs=2 * site.error)
    nitrogen = next(c for c in found.curves if c.name == "coordination number"
                    and c.label == "Li+–N(nitrile)")  # fmt: skip
    own = found.find("coordination number", "Li+–N(nitrile)")
    assert own.value == pytest.approx(np.interp(3.42, nitrogen.x, nitrogen.y), abs=own.error)


def test_cutoffs_of_what_is_not_there(bn_fec: tuple[Trajectory, SystemDescription]) -> None:
    for cutoffs, words in (({"EC": 3.0}, "no species or site"), ({"BN": -1.0}, "positive")):
        with pytest.raises(InputError, match=words):
            analyse(*bn_fec, 300.0, "NVT", options=Options(["structure"], cutoffs=cutoffs))


def test_wrapped_and_unwrapped_give_the_same(
    bn_fec: tuple[Trajectory, SystemDescription],
) -> None:
    folder = shared_data("trajectories/bn_fec")
    other = load(folder / "bn_fec_short_unwrap.dcd", folder / "bn_fec.data", timestep=1e4)
    wrapped = load(folder / "bn_fec_short_wrap.dcd", folder / "bn_fec.data", timestep=1e4)
    system = bn_fec[1]
    one, two = (analyse(t, system, 300.0, "NVT") for t in (wrapped, other))
    for a, b in zip(one.quantities, two.quantities, strict=True):
        assert (a.name, a.species, a.withheld) == (b.name, b.species, b.withheld)
        if not a.withheld:
            assert a.value == pytest.approx(b.value, rel=1e-3, abs=1e-6)
    for c, d in zip(one.curves, two.curves, strict=True):
        np.testing.assert_allclose(c.y, d.y, rtol=2e-3, atol=0.5)


def test_first_minima_near_the_published(bn_fec: tuple[Trajectory, SystemDescription]) -> None:
    trajectory, system = bn_fec
    found = analyse(trajectory, system, 300.0, "NVT")
    assert [g.name for g in system.species] == ["Li+", "PF6-", "BN", "FEC"]
    for species, minimum, tolerance in (
        ("Li+–carbonyl O(FEC)", 3.30, 0.25),
        ("Li+–N(BN)", 3.42, 0.6),  # a gap from 2.9 to 4.5 Å: all of it counts the same
        ("Li+–F(PF6-)", 3.03, 0.25),
    ):  # fmt: skip
        quantity = found.find("coordination number", species)
        assert quantity.details["first_minimum_angstrom"] == pytest.approx(minimum, abs=tolerance)
    assert all(
        q.withheld == "no time step is known; give it by --timestep"
        for q in found.quantities
        if "diffusion" in q.name or "conductivity" in q.name
    )
