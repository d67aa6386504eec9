"""The ledger keeps what it was given, notices damage, and refuses to mix levels of theory."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from elyte.core import (
    DamagedData,
    Frame,
    InputError,
    LabelledFrame,
    Labels,
    Outcome,
    ProjectLocked,
    StorageError,
)
from elyte.core.formats import read_dataset
from elyte.workflow import Ledger
from elyte.workflow.provenance import provenance_path

REAL_GMTIME = time.gmtime


def sample(seed, n=4, level="A", stress=True):
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(5, 6, 3))
    frame = Frame(rng.integers(1, 9, n), rng.uniform(0, 5, (n, 3)), cell, True, np.arange(n) // 2)
    sigma = rng.normal(size=(3, 3))
    labels = Labels(
        rng.normal(), rng.normal(size=(n, 3)), sigma + sigma.T if stress else None, level=level
    )
    return frame, labels


@contextlib.contextmanager
def read_only(folder):
    """Take away the right to write, also from root (by becoming nobody for a while)."""
    os.chmod(folder, 0o555)
    root = os.geteuid() == 0
    try:
        if root:
            for parent in [folder, *folder.parents]:
                if not os.stat(parent).st_mode & 0o005:
                    os.chmod(parent, os.stat(parent).st_mode | 0o055)
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        os.chmod(folder, 0o755)


def test_what_is_put_comes_back_bit_by_bit(tmp_path):
    frame, labels = sample(0)
    with Ledger(tmp_path) as ledger:
        ledger.put("ab" * 32, frame, labels, "liquid", {"settings": {"x": 1}})
    with Ledger(tmp_path, writable=False) as ledger:
        item = ledger.get("ab" * 32)
        entry = ledger.entry("ab" * 32)
    assert isinstance(item, LabelledFrame)
    assert item.config_type == "liquid"
    assert item.labels.level == "A"
    assert item.labels.energy == labels.energy
    for name in ("numbers", "positions", "cell", "pbc", "molecules"):
        assert np.array_equal(getattr(item.frame, name), getattr(frame, name))
    assert np.array_equal(item.labels.forces, labels.forces)
    assert np.array_equal(item.labels.stress, labels.stress)
    assert item.labels.charges is None
    assert entry.provenance == {"settings": {"x": 1}}
    assert entry.digest == frame.digest()


def test_an_unknown_key_is_none(tmp_path):
    with Ledger(tmp_path) as ledger:
        assert ledger.get("0") is None
        assert len(ledger) == 0


def test_the_dataset_is_in_order_and_by_type(tmp_path):
    with Ledger(tmp_path) as ledger:
        for seed in range(5):
            ledger.put(f"k{seed}", *sample(seed), config_type=f"t{seed % 2}")
        ledger.put("atom", *sample(9, n=1), config_type="IsolatedAtom")
        energies = [item.labels.energy for item in ledger.dataset()]
        assert energies == [sample(seed)[1].energy for seed in range(5)]
        assert len(ledger.dataset(config_type="t1")) == 2
        assert len(ledger.dataset(isolated_atoms=True)) == 6
        assert len(ledger.dataset(config_type="IsolatedAtom")) == 1


def test_levels_of_theory_are_not_mixed(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0, level="PBE"))
        ledger.put("b", *sample(1, level="GFN1"))
        with pytest.raises(InputError, match="GFN1, PBE"):
            ledger.dataset()
        assert [item.labels.level for item in ledger.dataset(level="PBE")] == ["PBE"]


def test_quarantine_and_release(tmp_path):
    frame, labels = sample(0)
    with Ledger(tmp_path) as ledger:
        ledger.quarantine("bad", "the force is absurd", frame, labels)
        ledger.quarantine("scf", Outcome("scf_not_converged", "no", {"n": 1}), frame, level="A")
        assert ledger.get("bad") == Outcome("rejected", "the force is absurd")
        assert ledger.get("scf") == Outcome("scf_not_converged", "no", {"n": 1})
        assert len(ledger) == 0
        assert len(ledger.dataset()) == 0
        assert ledger.count(quarantined=True) == 2
        assert ledger.frame(ledger.entry("scf")).digest() == frame.digest()
        assert ledger.release("bad") is True
        assert ledger.release("scf") is False
        assert [item.labels.energy for item in ledger.dataset()] == [labels.energy]
        assert ledger.get("scf") is None
        with pytest.raises(InputError):
            ledger.release("bad")


def test_a_damaged_array_file_is_named(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0))
        ledger.put("b", *sample(1))
        path = ledger.array_path("a")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
        with pytest.raises(DamagedData, match=r"a\.npz"):
            ledger.get("a")
        assert len(ledger.verify()) == 1
        path.write_bytes(b"")
        assert "a.npz" in ledger.verify()[0]
        path.unlink()
        assert "missing" in ledger.verify()[0]
        assert ledger.get("b") is not None
        assert len(ledger.verify(repair=True)) == 1
        assert ledger.verify() == []
        assert ledger.get("a") is None
        assert len(ledger.dataset()) == 1


def test_an_exchanged_array_file_is_noticed(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0))
        ledger.put("b", *sample(1))
        ledger.array_path("a").write_bytes(ledger.array_path("b").read_bytes())
        with pytest.raises(DamagedData, match="hash"):
            ledger.get("a")


def test_a_damaged_database_is_named(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0))
    (tmp_path / "ledger.sqlite").write_bytes(b"rubbish " * 1000)
    with pytest.raises(DamagedData, match=str(tmp_path)):
        Ledger(tmp_path)
    with pytest.raises(DamagedData):
        Ledger(tmp_path)  # and the lock was given back


def test_one_writer_many_readers(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0))
        with pytest.raises(ProjectLocked):
            Ledger(tmp_path)
        with Ledger(tmp_path, writable=False) as reader:
            assert len(reader) == 1
            ledger.put("b", *sample(1))
            assert len(reader) == 2
            with pytest.raises(StorageError, match="reading"):
                reader.put("c", *sample(2))


def test_a_read_only_folder(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        ledger.put("a", *sample(0))
    with read_only(tmp_path / "l"):
        with pytest.raises(StorageError, match="cannot write"):
            Ledger(tmp_path / "l")
        with Ledger(tmp_path / "l", writable=False) as reader:
            assert len(reader.dataset()) == 1


def test_no_ledger_to_read(tmp_path):
    with pytest.raises(StorageError, match="no ledger"):
        Ledger(tmp_path, writable=False)
    (tmp_path / "ledger.sqlite").touch()
    with Ledger(tmp_path, writable=False) as empty, pytest.raises(DamagedData, match="is empty"):
        empty.entries()


FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from test_ledger import sample
from elyte.core import StorageError
from elyte.core.formats import read_dataset
from elyte.workflow import Ledger
with Ledger(sys.argv[1]) as ledger:
    ledger.put("a", *sample(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    try:
        ledger.put("b", *sample(1))
    except StorageError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(len(ledger), ledger.verify(), ledger.get("b"))
    ledger.put("b", *sample(1))
    print(len(ledger))
"""


def test_a_disk_without_space(tmp_path):
    """A limit on the size of files fails a write in the middle, as a full disk does."""
    code = FULL.format(tests=os.path.dirname(__file__))
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    first, second, third = run.stdout.splitlines()
    assert "cannot write" in first
    assert "free some space" in first
    assert second == "1 [] None"
    assert third == "2"
    assert not list(tmp_path.rglob(".partial-*"))
    assert resource.RLIMIT_FSIZE is not None


def test_merge_takes_what_is_missing(tmp_path):
    with Ledger(tmp_path / "one") as one, Ledger(tmp_path / "two") as two:
        one.put("a", *sample(0))
        one.quarantine("b", "bad", *sample(1))
        one.quarantine("c", "bad", *sample(2))
        two.put("b", *sample(1))
        two.put("d", *sample(3), config_type="t")
        two.quarantine("a", "worse", *sample(0))
        assert one.merge(two) == 2
        assert one.merge(two) == 0
        assert {entry.key: entry.outcome.done for entry in one.entries()} == {
            "a": True,
            "b": True,
            "c": False,
            "d": True,
        }
        assert one.verify() == []
        item = one.get("d")
    assert isinstance(item, LabelledFrame)
    assert item.config_type == "t"
    assert np.array_equal(item.labels.forces, sample(3)[1].forces)


def test_export_to_every_format(tmp_path):
    with Ledger(tmp_path / "l") as ledger:
        frame = sample(0)[0]
        for seed in range(3):
            moved = frame.moved(frame.positions + 0.01 * seed)
            ledger.put(f"k{seed}", moved, sample(seed)[1], "liquid")
        ledger.put("atom", *sample(9, n=1, stress=False), config_type="IsolatedAtom")
        species = sorted(set(frame.numbers.tolist()))
        assert ledger.export(tmp_path / "a.extxyz") == 4
        assert ledger.export(tmp_path / "a.cfg") == 3
        assert ledger.export(tmp_path / "deepmd") == 3
        with pytest.raises(InputError, match="no labels of 'B'; there are: A"):
            ledger.export(tmp_path / "b.extxyz", level="B")
    assert not (tmp_path / "b.extxyz").exists()
    for name in ("a.extxyz", "a.cfg", "deepmd"):
        back = read_dataset(tmp_path / name, species=species)
        assert np.allclose(back[2].labels.stress, sample(2)[1].stress)
        assert np.allclose(back[2].labels.forces, sample(2)[1].forces)
    back = read_dataset(tmp_path / "a.extxyz")
    assert [item.config_type for item in back] == ["liquid"] * 3 + ["IsolatedAtom"]
    assert back[0].labels.level == "A"


def test_a_ledger_of_a_later_version_is_refused(tmp_path):
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StorageError, match="later version"):
        Ledger(tmp_path)


def test_the_provenance_of_an_export_lies_beside_it(tmp_path):
    frame = sample(0)[0]
    other = sample(7, n=6)[0]
    with Ledger(tmp_path / "l") as ledger:
        for key, structure in (("a", frame), ("b", other), ("c", frame)):
            rng = np.random.default_rng(len(key))
            labels = Labels(-1.0, rng.normal(size=(len(structure), 3)), level="A")
            moved = structure.moved(structure.positions + 0.01 * ord(key))
            ledger.put(key, moved, labels, "liquid", {"engine": "x", "version": "3"})
        for name, order in (("e.extxyz", "abc"), ("e.cfg", "abc"), ("deepmd", "acb")):
            ledger.export(tmp_path / name)
            records = json.loads(provenance_path(tmp_path / name).read_text())["frames"]
            assert [record["key"] for record in records] == list(order)
            assert {record["version"] for record in records} == {"3"}
            digests = [ledger.entry(key).digest for key in order]
            assert [record["structure_sha256"] for record in records] == digests
            species = sorted({*frame.numbers.tolist(), *other.numbers.tolist()})
            assert len(read_dataset(tmp_path / name, species=species)) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("energy = energy + 1", "energy"),
        ("digest = 'x'", "structure"),
        ("content = 'x'", "does not match its hash"),
        ("provenance = '{\"n\": 5}'", "the key is not"),
    ],
)
def test_verify_compares_everything_with_its_hash(tmp_path, change, words):
    def key_of(entry, frame):
        return f"k{entry.provenance['n']}"

    with Ledger(tmp_path) as ledger:
        for number in range(3):
            ledger.put(f"k{number}", *sample(number), provenance={"n": number})
        assert ledger.verify(key_of=key_of) == []
        ledger._execute(f"UPDATE labels SET {change} WHERE key = 'k1'", [])
        (damage,) = ledger.verify(key_of=key_of)
        assert words in damage
        assert "k1" in damage
        ledger.verify(repair=True, key_of=key_of)
        assert [entry.key for entry in ledger.entries()] == ["k0", "k2"]


def test_a_clock_that_jumps_changes_no_order(tmp_path, monkeypatch):
    """A day back, a year on, to the epoch: rows keep the order in which they came."""
    now = 1.8e9
    with Ledger(tmp_path) as ledger:
        for number, jump in enumerate((0.0, -86400.0, 3.15e7, -now, 5.0)):
            monkeypatch.setattr(time, "gmtime", lambda jump=jump: REAL_GMTIME(now + jump))
            ledger.put(f"k{number}", *sample(number))
            ledger.note_test("A", f"t{number}", Outcome())
    monkeypatch.undo()
    with Ledger(tmp_path) as ledger:
        entries = ledger.entries()
        assert [entry.key for entry in entries] == [f"k{n}" for n in range(5)]
        assert entries[3].created.startswith("1970")
        assert entries[2].created > entries[4].created
        expected = [sample(n)[1].energy for n in range(5)]
        assert [item.labels.energy for item in ledger.dataset()] == expected
        assert ledger.verify() == []


def test_tests_of_a_level_are_kept_and_merged(tmp_path):
    with Ledger(tmp_path / "one") as one, Ledger(tmp_path / "two") as two:
        assert one.test("A", "strain") is None
        wrong = Outcome("stress_wrong", "why", {"given": 1.0})
        one.note_test("A", "strain", wrong)
        two.note_test("A", "strain", Outcome())
        two.note_test("B", "strain", Outcome())
        one.merge(two)
        assert one.test("A", "strain") == wrong
        assert one.test("B", "strain").done
        one.note_test("A", "strain", Outcome())
        assert one.test("A", "strain").done


def test_a_ledger_from_before_there_were_tests_can_be_read(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.put("a", *sample(0))
        ledger._execute("DROP TABLE tests", [])
    with Ledger(tmp_path, writable=False) as reader:
        assert reader.test("A", "strain") is None
        assert reader.tests() == []
    with Ledger(tmp_path) as ledger:
        ledger.note_test("A", "strain", Outcome())
