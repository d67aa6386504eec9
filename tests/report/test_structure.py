"""The box of the 3-D view: molecules in one piece, ions known, nothing lost."""

from __future__ import annotations

import numpy as np

from elyte.core import Frame
from elyte.report import ReportData
from elyte.report.structure import MAX_ATOMS, box_spec


def test_molecules_are_whole_and_inside(data: ReportData) -> None:
    box = box_spec(data)
    assert box is not None
    positions = np.array(box["xyz"]).reshape(-1, 3)
    bonds = np.array(box["bonds"]).reshape(-1, 2)
    lengths = np.linalg.norm(positions[bonds[:, 0]] - positions[bonds[:, 1]], axis=1)
    assert lengths.max() < 2.0
    assert len(bonds) == 59 * 10 + 5 * 6  # a ring of five, C=O and four C–H; six P–F
    moved = (positions - data.frame.positions) / 19.6
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-3)
    molecules = np.array(box["molecule"])
    for molecule in range(molecules.max() + 1):
        centre = positions[molecules == molecule].mean(axis=0)
        assert (centre > -0.01).all()
        assert (centre < 19.61).all()


def test_a_triclinic_box_is_unwrapped_along_its_vectors() -> None:
    cell = np.array([[10.0, 0, 0], [4.0, 9.0, 0], [1.0, 2.0, 8.0]])
    whole = np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 1.2]])
    wrapped = whole.copy()
    wrapped[1] += cell[2] - cell[0]
    box = box_spec(ReportData("t", frame=Frame([8, 1], wrapped, cell, True)))
    assert box is not None
    xyz = np.array(box["xyz"]).reshape(-1, 3)
    np.testing.assert_allclose(np.diff(xyz, axis=0), np.diff(whole, axis=0), atol=0.02)


def test_charged_molecules_are_the_ions(data: ReportData) -> None:
    box = box_spec(data)
    assert box is not None
    symbols = [box["elements"][k]["symbol"] for k in box["kind"]]
    ions = {s for s, ion in zip(symbols, box["ion"], strict=True) if ion}
    assert ions == {"Li", "P", "F"}


def test_without_charges_single_atoms_stand_out() -> None:
    water = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0], [5.0, 5.0, 5.0]])
    box = box_spec(ReportData("t", frame=Frame([8, 1, 1, 3], water)))
    assert box is not None
    assert box["ion"] == [0, 0, 0, 1]
    assert box["cell"] is None


def test_a_crystal_draws_no_bond_across_the_box() -> None:
    diamond = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]]) * 0.89
    places = np.vstack([diamond, diamond + 0.89])
    box = box_spec(ReportData("t", frame=Frame([6] * 8, places, 3.567 * np.eye(3), True)))
    assert box is not None
    xyz = np.array(box["xyz"]).reshape(-1, 3)
    bonds = np.array(box["bonds"]).reshape(-1, 2)
    assert np.linalg.norm(xyz[bonds[:, 0]] - xyz[bonds[:, 1]], axis=1).max() < 3.0


def test_no_frame_and_huge_frames_have_no_view() -> None:
    assert box_spec(ReportData("t")) is None
    many = Frame([18] * (MAX_ATOMS + 1), np.random.default_rng(0).random((MAX_ATOMS + 1, 3)))
    assert box_spec(ReportData("t", frame=many)) is None
