"""Labels are made once, kept, judged, and survive whatever ends the driver."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import ase.build
import numpy as np
import pytest

from elyte.core import (
    Frame,
    InputError,
    LabelledFrame,
    Outcome,
    ProjectLocked,
    StorageError,
)
from elyte.reference import EngineSettings, isolated_atom_energies, label_frames, label_key
from elyte.reference.firewall import Limits
from elyte.workflow import Ledger

FAKE = EngineSettings(engine="fake")


def frames(count, n=3, seed=0):
    rng = np.random.default_rng(seed)
    return [Frame([8, 1, 1, 1, 1][:n], rng.uniform(0, 5, (n, 3))) for _ in range(count)]


def waters(count):
    rng = np.random.default_rng(1)
    atoms = ase.build.molecule("H2O")
    atoms.set_cell([4.5, 4.6, 4.7])
    atoms.pbc = True
    start = Frame.from_ase(atoms)
    return [start.moved(start.positions + rng.normal(0, 0.05, (3, 3))) for _ in range(count)]


def calls(log, wanted):
    """Count the calls for each frame (isolated atoms left out)."""
    digests = {frame.digest() for frame in wanted}
    return Counter(d for _, d in map(str.split, log.read_text().splitlines()) if d in digests)


def test_xtb_in_child_processes(tmp_path):
    structures = waters(6)
    seen = []
    with Ledger(tmp_path) as ledger:
        first = label_frames(
            structures,
            EngineSettings(),
            ledger,
            progress=lambda done, total, note="": seen.append((done, total)),
            config_type="liquid",
        )
        again = label_frames(structures[::-1], EngineSettings(), ledger)
        assert len(ledger.dataset()) == 6
        atoms = isolated_atom_energies([1, 8], EngineSettings(), ledger)
    assert seen == [(i, 6) for i in range(7)]
    for frame, one, two in zip(structures, first, again[::-1], strict=True):
        assert one.frame is frame
        assert one.config_type == two.config_type == "liquid"
        assert one.labels.level.startswith("GFN1-xTB/tblite-")
        assert one.labels.energy == two.labels.energy
        assert np.array_equal(one.labels.stress, two.labels.stress)
        cohesion = one.labels.energy - atoms[8] - 2 * atoms[1]
        assert -20 < cohesion < -8  # water is bound by 10 eV; xTB's atoms lie too high


def test_a_failed_scf_is_quarantined_and_the_run_goes_on(tmp_path):
    good = waters(2)
    wrong = good[0].moved(good[0].positions * [[1], [0.05], [1]])
    with Ledger(tmp_path) as ledger:
        results = label_frames([good[0], wrong, good[1]], EngineSettings(), ledger)
        assert [isinstance(item, LabelledFrame) for item in results] == [True, False, True]
        hopeless = EngineSettings(max_iterations=1)
        outcome = label_frames([good[0]], hopeless, ledger)[0]
        assert outcome.kind == "scf_not_converged"
        reasons = [e.outcome.reason for e in ledger.entries(quarantined=True) if e.atoms > 1]
        assert any("force on atom" in reason for reason in reasons)
        assert any("did not converge" in reason for reason in reasons)


def test_each_structure_is_computed_once(tmp_path, fake_log):
    structures = frames(4)
    with Ledger(tmp_path / "l") as ledger:
        results = label_frames([*structures, *structures[:2]], FAKE, ledger)
        label_frames(structures, FAKE, ledger)
    assert set(calls(fake_log, structures).values()) == {1}
    assert results[0].labels.energy == results[4].labels.energy


def test_the_key_is_the_physics_alone(tmp_path, fake_log):
    frame = frames(1)[0]
    named = Frame(frame.numbers, frame.positions, molecules=[0, 0, 1])
    assert label_key(frame, FAKE, "1") == label_key(named, FAKE, "1")
    assert label_key(frame, FAKE, "1") != label_key(frame, FAKE, "2")
    assert label_key(frame, FAKE, "1") != label_key(frame, EngineSettings(), "1")
    moved = frame.moved(frame.positions + [0, 0, 1e-6])
    assert label_key(frame, FAKE, "1") != label_key(moved, FAKE, "1")
    with Ledger(tmp_path / "l") as ledger:
        label_frames([frame], FAKE, ledger)
    (tmp_path / "l").rename(tmp_path / "moved")
    with Ledger(tmp_path / "moved") as ledger:
        item = label_frames([named], FAKE, ledger)[0]
    assert item.frame.molecules.tolist() == [0, 0, 1]
    assert calls(fake_log, [frame]) == {frame.digest(): 1}


def test_a_worker_that_dies_costs_one_frame(tmp_path, fake_log):
    deadly = frames(1, n=5)[0]
    structures = [*frames(2), deadly, *frames(2, seed=1)]
    with Ledger(tmp_path / "l") as ledger:
        results = label_frames(structures, FAKE, ledger)
        assert ledger.verify() == []
    assert [isinstance(item, Outcome) for item in results] == [False, False, True, False, False]
    assert results[2].kind == "crashed"
    assert "SIGKILL" in results[2].reason


def test_quarantined_frames_are_tried_again_on_demand(tmp_path, fake_log):
    frame = frames(1)[0]
    strict = Limits(force=1e-9)
    with Ledger(tmp_path / "l") as ledger:
        assert label_frames([frame], FAKE, ledger, limits=strict)[0].kind == "force_too_large"
        assert label_frames([frame], FAKE, ledger)[0].kind == "force_too_large"
        assert isinstance(label_frames([frame], FAKE, ledger, retry=True)[0], LabelledFrame)
        assert len(ledger.dataset()) == 1
    assert calls(fake_log, [frame])[frame.digest()] == 2


def test_a_structure_can_be_refused_by_the_caller(tmp_path, fake_log):
    verdict = Outcome("decomposed", "a molecule broke")
    with Ledger(tmp_path / "l") as ledger:
        assert label_frames(frames(1), FAKE, ledger, accept=lambda frame: verdict) == [verdict]


def test_a_damaged_label_is_made_again(tmp_path, fake_log):
    frame = frames(1)[0]
    with Ledger(tmp_path / "l") as ledger:
        label_frames([frame], FAKE, ledger)
        path = ledger.array_path(label_key(frame, FAKE, "1"))
        path.write_bytes(b"rubbish")
        assert isinstance(label_frames([frame], FAKE, ledger)[0], LabelledFrame)
        assert ledger.verify() == []


def test_nothing_to_do(tmp_path, fake_log):
    with Ledger(tmp_path / "l") as ledger:
        assert label_frames([], FAKE, ledger) == []
        with pytest.raises(InputError):
            label_frames(frames(1), EngineSettings(engine="none"), ledger)


def test_a_disk_that_fills_up_in_the_middle(tmp_path, fake_log, monkeypatch):
    """The run ends with a clear error; what was stored is whole, and the rest is made later."""
    structures = frames(8)
    written = []

    def fsync(descriptor, real=os.fsync):
        written.append(descriptor)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with Ledger(tmp_path / "l") as ledger:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match=r"No space left.*free some space"):
            label_frames(structures, FAKE, ledger)
        monkeypatch.undo()
        kept = len(ledger)
        assert kept == 5
        assert ledger.verify() == []
        assert not list((tmp_path / "l").rglob(".partial-*"))
    workers = {int(line.split()[0]) for line in fake_log.read_text().splitlines()}
    assert not any(map(alive, workers))


@pytest.mark.parametrize("kind", ["clock", "zone"])
def test_a_clock_that_jumps_while_labels_are_made(tmp_path, fake_log, monkeypatch, kind):
    """Time limits and rates go by the steady clock: nothing times out, nothing is lost."""
    jumps = iter(np.cumsum([0, 1e6, -3e6] * 1000) + 1.8e9)
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    if kind == "zone":
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    notes = []
    with Ledger(tmp_path / "l") as ledger:
        report = lambda done, total, note="": notes.append(note)  # noqa: E731
        results = label_frames(frames(6), FAKE, ledger, progress=report, time_limit=60.0)
        assert all(isinstance(item, LabelledFrame) for item in results)
        assert ledger.verify() == []
        assert len(ledger.dataset()) == 6
    assert all(0 <= float(note.split()[0]) < 60 for note in notes)


def test_a_second_driver_is_refused_with_the_first_ones_pid_and_host(tmp_path):
    folder, log = tmp_path / "l", tmp_path / "calls.log"
    log.write_text("")
    first = start_driver(folder, log)
    deadline = time.monotonic() + 60
    while not finished(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProjectLocked) as caught:
        Ledger(folder)
    first.send_signal(signal.SIGSTOP)  # so that it does not end before the second has begun
    assert f"process {first.pid} on host {socket.gethostname()}" in str(caught.value)
    second = start_driver(folder, log, stderr=subprocess.PIPE)
    message = second.communicate(timeout=300)[1]
    first.send_signal(signal.SIGCONT)
    assert second.returncode != 0
    assert f"process {first.pid} on host {socket.gethostname()}" in message
    assert first.communicate(timeout=300)[0] == "40\n"
    with Ledger(folder) as ledger:
        assert ledger.verify() == []
        assert len(ledger.dataset()) == 40


DRIVER = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
sys.path[:0] = [{here!r}]
import fake_engine
from test_labelling import FAKE, frames
from elyte.reference import label_frames
from elyte.reference.engines import ENGINES
from elyte.workflow import Ledger
ENGINES["fake"] = fake_engine.engine({{"ELYTE_FAKE_SECONDS": "0.02"}})
with Ledger(sys.argv[1]) as ledger:
    results = label_frames(frames(40), FAKE, ledger)
print(len(results))
"""


def start_driver(folder, log, stderr=None):
    code = DRIVER.format(here=str(Path(__file__).parent))
    environment = {**os.environ, "ELYTE_FAKE_LOG": str(log)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def finished(folder):
    try:
        with Ledger(folder, writable=False) as reader:
            return {entry.key: entry.digest for entry in reader.entries()}
    except Exception:  # not there yet, or being made
        return {}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_kill_minus_nine_loses_only_what_was_running(tmp_path):
    """Killed again and again: what was finished is kept and is not computed a second time."""
    folder, log = tmp_path / "l", tmp_path / "calls.log"
    log.write_text("")
    rng = np.random.default_rng(0)
    kept: dict[str, int] = {}
    for _ in range(4):
        driver = start_driver(folder, log)
        before = len(finished(folder))
        deadline = time.monotonic() + 60
        while len(finished(folder)) < min(before + 3, 40) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.05))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        driver.stdout.close()
        done = finished(folder)
        counts = Counter(line.split()[1] for line in log.read_text().splitlines())
        assert all(done.get(key) is not None for key in kept)
        kept = {key: counts[digest] for key, digest in done.items()}
    workers = {int(line.split()[0]) for line in log.read_text().splitlines()}
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert 10 <= len(kept) < 42
    driver = start_driver(folder, log)
    assert driver.communicate(timeout=60)[0] == "40\n"
    counts = Counter(line.split()[1] for line in log.read_text().splitlines())
    done = finished(folder)
    assert all(counts[done[key]] == count for key, count in kept.items())
    with Ledger(folder) as ledger:
        assert ledger.verify() == []
        assert len(ledger.dataset()) == 40


def test_interrupting_ends_the_workers_and_gives_the_ledger_back(tmp_path):
    folder, log = tmp_path / "l", tmp_path / "calls.log"
    log.write_text("")
    driver = start_driver(folder, log)
    deadline = time.monotonic() + 60
    while len(finished(folder)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=20) != 0
    driver.stdout.close()
    workers = {int(line.split()[0]) for line in log.read_text().splitlines()}
    assert not any(map(alive, workers))
    with Ledger(folder) as ledger:
        assert len(ledger) >= 3
