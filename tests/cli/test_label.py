"""`elyte label`, `elyte ledger` and `elyte quarantine` on files, as a user calls them."""

from __future__ import annotations

import ase.build
import ase.io
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from elyte.cli.label import label
from elyte.cli.ledger import ledger, quarantine
from elyte.core import FormatError, InputError
from elyte.core.formats import read_dataset
from elyte.reference.engines import ENGINES
from elyte.testing.fake_engine import fake_engine

app = typer.Typer()
for command in (label, ledger, quarantine):
    app.command()(command)


def elyte(*words):
    """Run a command; errors come through, the output is returned with the exit code."""
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output, result.exit_code


@pytest.fixture
def structures(tmp_path, monkeypatch):
    """Four boxes of ethanol, the last of which has two atoms nearly in one place."""
    monkeypatch.setitem(ENGINES, "fake", fake_engine(name="fake"))
    rng = np.random.default_rng(0)
    images = []
    for _ in range(4):
        atoms = ase.build.molecule("CH3CH2OH")
        atoms.set_cell([9.0, 9.5, 10.0])
        atoms.pbc = True
        atoms.positions += rng.normal(0, 0.02, atoms.positions.shape)
        images.append(atoms)
    images[3].positions[1] = images[3].positions[0] + [0.0, 0.0, 0.05]
    path = tmp_path / "in.extxyz"
    ase.io.write(path, images)
    return path


def test_label_resumes_reports_and_writes(tmp_path, structures):
    out = tmp_path / "labelled.extxyz"
    first, code = elyte("label", structures, "--out", out, "--engine", "fake", "--config-type", "t")
    assert code == 0
    assert "3 labelled frames" in first
    assert "frame 3: the force on atom" in first
    dataset = read_dataset(out)
    assert [item.config_type for item in dataset] == ["t"] * 3
    assert all(item.labels.stress is not None for item in dataset)
    before = out.read_bytes()
    again, _ = elyte("label", structures, "--out", out, "--engine", "fake")
    assert again == first
    assert out.read_bytes() == before


def test_label_by_xtb_with_isolated_atoms(tmp_path, structures):
    pytest.importorskip("tblite")
    out = tmp_path / "labelled.extxyz"
    elyte("label", structures, "--out", out, "--isolated-atoms", "--ledger", tmp_path / "book")
    dataset = read_dataset(out)
    assert sorted(len(item.frame) for item in dataset) == [1, 1, 1, 9, 9, 9]
    assert {item.labels.level.split("/")[0] for item in dataset} == {"GFN1-xTB"}
    table, code = elyte("label", out, "--audit")
    assert code == 0
    assert "6 labelled frames, 0 with a fault" in table


def test_audit_prints_the_faults(tmp_path, structures):
    out = tmp_path / "labelled.extxyz"
    elyte("label", structures, "--out", out, "--engine", "fake")
    images = ase.io.read(out, ":")
    images[1].arrays["REF_forces"] += 0.5
    ase.io.write(tmp_path / "bad.extxyz", [*images, images[0]])
    table, code = elyte("label", tmp_path / "bad.extxyz", "--audit")
    assert code == 1
    assert "net_force" in table
    assert "duplicate" in table


def test_label_asks_for_what_it_needs(tmp_path, structures):
    with pytest.raises(InputError, match="--out"):
        elyte("label", structures)
    with pytest.raises(InputError, match="did you mean 'xtb'"):
        elyte("label", structures, "--engine", "xtp", "--out", tmp_path / "a.xyz")
    with pytest.raises(FormatError, match="no file"):
        elyte("label", tmp_path / "absent.xyz", "--out", tmp_path / "a.xyz")
    with pytest.raises(FormatError, match="energy"):
        elyte("label", structures, "--audit")


def test_ledger_and_quarantine(tmp_path, structures):
    project = tmp_path / "project"
    elyte(
        *("label", structures, "--out", tmp_path / "a.extxyz", "--engine", "fake"),
        *("--ledger", project / "ledger"),
    )
    shown, _ = elyte("ledger", "show", project)
    assert "8 labels, 1 in quarantine" in shown  # with three isolated atoms, two strained boxes
    assert elyte("ledger", "verify", project)[1] == 0
    exported, _ = elyte("ledger", "export", project, "--out", tmp_path / "e.cfg")
    assert "3 labelled frames" in exported
    assert len(read_dataset(tmp_path / "e.cfg", species=["H", "C", "O"])) == 3
    listed, _ = elyte("quarantine", project, "--out", tmp_path / "bad.extxyz")
    assert "force_too_large" in listed
    assert len(read_dataset(tmp_path / "bad.extxyz")) == 1
    assert "0 of 1 now have a good label" in elyte("quarantine", project, "--retry")[0]
    with pytest.raises(InputError, match="begins 'xyz'"):
        elyte("quarantine", project, "--release", "xyz")
    with pytest.raises(InputError, match="no ledger"):
        elyte("ledger", "show", tmp_path)


def test_a_damaged_ledger_is_repaired(tmp_path, structures):
    book = tmp_path / "book"
    words = ("label", structures, "--out", tmp_path / "a.extxyz", "--engine", "fake")
    elyte(*words, "--ledger", book)
    next(book.rglob("*.npz")).write_bytes(b"rubbish")
    report, code = elyte("ledger", "verify", book)
    assert code == 1
    assert "does not match its hash" in report
    assert elyte("ledger", "repair", book)[1] == 0
    assert elyte("ledger", "verify", book)[1] == 0
    assert "3 labelled frames" in elyte(*words, "--ledger", book)[0]


def test_ledgers_merge(tmp_path, structures):
    images = ase.io.read(structures, ":")
    for name, part in (("one", images[:2]), ("two", images[1:3])):
        ase.io.write(tmp_path / f"{name}.extxyz", part)
        elyte(
            *("label", tmp_path / f"{name}.extxyz", "--out", tmp_path / "x.extxyz"),
            *("--engine", "fake", "--ledger", tmp_path / name),
        )
    merged, _ = elyte("ledger", "merge", tmp_path / "one", tmp_path / "two")
    assert "3 entries taken" in merged  # one box, and the two strained ones of the other test
    with pytest.raises(InputError, match="merge what"):
        elyte("ledger", "merge", tmp_path / "one")
