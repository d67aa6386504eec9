"""`kill -9` at ten random moments of a real run: it completes, and no finished label is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from elyte.workflow import Ledger

RECIPE = """
components: {water: 1}
temperature: 350 K
box: 66 atoms
density: 0.9 g/cm³
potential: {level: 6, cutoff: 4.0 Å}
learning:
  label_box: 24 atoms
  start_frames: 8
  trajectories: 2
  trajectory_time: 0.1 ps
  labels_per_round: 4
  max_rounds: 2
  max_labels: 16
  train_time: 2 s
  force_error_target: 5 eV/Å
production:
  npt_time: 0.1 ps
  nvt_time: 0.2 ps
  segment_time: 0.1 ps
  save_every: 10 fs
  relabelled: 1
"""
COMMAND = [sys.executable, "-m", "elyte"]


def start(folder: Path) -> subprocess.Popen[str]:
    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(
            [*COMMAND, "run", str(folder / "recipe.yaml"), "--project", str(folder / "run")],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def finished(folder: Path) -> dict[str, str]:
    """Return when each label of the ledger was stored."""
    if not (folder / "run" / "ledger").exists():
        return {}
    with Ledger(folder / "run" / "ledger", writable=False) as ledger:
        return {entry.key: entry.created for entry in ledger.entries()}


@pytest.mark.slow
def test_ten_kills_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    rng = np.random.default_rng(5)
    seen: dict[str, str] = {}
    for _ in range(10):
        process = start(tmp_path)
        time.sleep(float(rng.uniform(2.0, 8.0)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = finished(tmp_path)
        assert seen.items() <= now.items(), "a finished label was lost or computed again"
        seen = now
    last = start(tmp_path)
    assert last.wait(timeout=300) == 0, (tmp_path / "output.txt").read_text()[-3000:]
    assert seen.items() <= finished(tmp_path).items()
    assert (tmp_path / "run" / "report" / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.5, 5.0])
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path, moment: float) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("0.1 ps", "4 ps"))
    process = start(tmp_path)
    while not (tmp_path / "run" / "status.json").exists():
        assert process.poll() is None, (tmp_path / "output.txt").read_text()
        time.sleep(0.1)
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    output = (tmp_path / "output.txt").read_text()
    assert "stopped; everything finished is kept" in output
    assert "go on with: elyte run" in output
    assert "Traceback" not in output
