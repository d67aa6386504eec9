"""`elyte label`, `elyte ledger` and `elyte quarantine` on files, as a user calls them."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace

import ase.build
import ase.io
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from data import shared_data
from elyte.cli.label import label
from elyte.cli.ledger import ledger, quarantine
from elyte.core import Dataset, FormatError, InputError
from elyte.core.formats import read_dataset, write_dataset
from elyte.reference.dispersion import DispersionSettings, with_dispersion
from elyte.reference.engines import ENGINES
from elyte.testing.fake_engine import fake_engine

app = typer.Typer()
for command in (label, ledger, quarantine):
    app.command()(command)


def elyte(*words):
    """Run a command; errors come through, the output is returned with the exit code.

    Lines of progress, which a slow machine prints, are left out.
    """
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    lines = result.output.splitlines(keepends=True)
    return "".join(x for x in lines if not re.match(r" +\d+:\d\d  ", x)), result.exit_code


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
    with pytest.raises(FormatError, match="is a folder"):
        elyte("label", tmp_path, "--out", tmp_path / "a.xyz")
    with pytest.raises(InputError, match="no value of YAML"):
        elyte("label", structures, "--set", "accuracy=[", "--out", tmp_path / "a.xyz")


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


def test_one_refused_label_is_shown_and_released(tmp_path, structures):
    elyte("label", structures, "--out", tmp_path / "a.extxyz", "--engine", "fake")
    book = tmp_path / "a.extxyz.ledger"
    listed, _ = elyte("quarantine", book)
    key = next(line for line in listed.splitlines() if "force_too_large" in line).split()[1]
    shown, _ = elyte("quarantine", book, "--show", key)
    for words in (
        "refused      force_too_large",
        "C2H6O, 9 atoms",
        "largest |F|",
        "accuracy = 1.0",
    ):
        assert words in shown
    assert f"{key} is accepted" in elyte("quarantine", book, "--release", key)[0]
    assert "the quarantine is empty" in elyte("quarantine", book)[0]


def test_provenance_and_hashes_of_an_export(tmp_path, structures):
    elyte("label", structures, "--out", tmp_path / "a.extxyz", "--engine", "fake")
    book = tmp_path / "a.extxyz.ledger"
    told, _ = elyte("ledger", "export", book, "--out", tmp_path / "e.extxyz")
    assert "their provenance in" in told
    records = json.loads((tmp_path / "e.extxyz.provenance.json").read_text())["frames"]
    assert len(records) == 6
    assert {record["engine"] for record in records} == {"fake"}
    with sqlite3.connect(book / "ledger.sqlite") as database:
        changed = "UPDATE labels SET provenance = replace(provenance, '250', '251')"
        database.execute(f"{changed} WHERE number = 4")
    database.close()
    report, code = elyte("ledger", "verify", book)
    assert code == 1
    assert "the key is not the hash of its structure, engine and settings" in report


def test_dispersion_is_added_and_taken_out(tmp_path, structures):
    pytest.importorskip("dftd3", reason="dftd3 is not installed")
    book = tmp_path / "book"
    words = ("label", structures, "--engine", "fake", "--ledger", book)
    elyte(*words, "--out", tmp_path / "plain.extxyz")
    elyte(*words, "--out", tmp_path / "with.extxyz", "--dispersion", "add")
    exported = ("ledger", "export", book, "--dispersion", "strip", "--dispersion-cutoff", "8 Å")
    elyte(*exported, "--out", tmp_path / "less.extxyz")
    plain, added, less = (
        [x for x in read_dataset(tmp_path / f"{name}.extxyz") if len(x.frame) > 1]
        for name in ("plain", "with", "less")
    )
    assert {x.labels.level for x in added} == {"GFN1-xTB/fake-1 + D3(BJ)-PBE/12Å"}
    assert {x.labels.level for x in less} == {"GFN1-xTB/fake-1 - D3(BJ)-PBE/8Å"}
    for one, two, three in zip(plain, added, less, strict=True):
        assert two.labels.energy < one.labels.energy < three.labels.energy
        back = with_dispersion(two, DispersionSettings("PBE"), -1)
        assert back.labels.energy == pytest.approx(one.labels.energy, abs=1e-8)
        assert np.allclose(back.labels.stress, one.labels.stress, atol=1e-8)


@pytest.mark.parametrize("name", ["bad.cfg", "deepmd"])
def test_audit_reads_other_formats(tmp_path, structures, name):
    out = tmp_path / "labelled.extxyz"
    elyte("label", structures, "--out", out, "--engine", "fake")
    items = list(read_dataset(out))
    forces = np.array(items[1].labels.forces) + [0.3, 0.0, 0.0]
    items[1] = replace(items[1], labels=replace(items[1].labels, forces=forces))
    write_dataset(tmp_path / name, Dataset(items), ["H", "C", "O"])
    table, code = elyte("label", tmp_path / name, "--audit", "--species", "H,C,O")
    assert code == 1
    assert "what would have poisoned a training" in table
    assert "net_force" in table
    assert "3 labelled frames, 1 with a fault" in table


def test_audit_of_an_outcar():
    table, code = elyte("label", shared_data("labelled/vasp_outcar/OUTCAR_usual"), "--audit")
    assert code == 0
    assert "1 labelled frames, 0 with a fault" in table


def test_a_molecule_that_broke_is_refused_unless_reactions_are_wanted(tmp_path, structures):
    images = ase.io.read(structures, ":")[:2]
    for image in images:
        image.set_array("molecules", np.zeros(9, dtype=int))
    images[1].positions[8] += [0.0, 0.0, 3.0]
    ase.io.write(tmp_path / "in2.extxyz", images)
    words = ("label", tmp_path / "in2.extxyz", "--engine", "fake", "--out")
    told, _ = elyte(*words, tmp_path / "a.extxyz")
    assert "frame 1: a molecule fell apart" in told
    told, _ = elyte(*words, tmp_path / "b.extxyz", "--reactions")
    assert "2 labelled frames" in told
