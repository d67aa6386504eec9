"""The fake engine, registered for one test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_antechamber
import fake_engine

from elyte.reference.engines import ENGINES


@pytest.fixture
def fake_log(tmp_path, monkeypatch):
    """Register the engine "fake" and return the path of its log."""
    log = tmp_path / "calls.log"
    log.write_text("")
    engine = fake_engine.engine({fake_engine.LOG: str(log)})
    monkeypatch.setitem(ENGINES, "fake", engine)
    return log


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put programs in place that know methyl acetate, or others by arguments; caches are empty."""

    def put(**changed):
        folder = tmp_path / f"amber{len(list(tmp_path.iterdir()))}"
        fake_antechamber.make(folder, **changed)
        monkeypatch.setenv("AMBERHOME", str(folder))
        return folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake_antechamber.forget()
    yield put
    fake_antechamber.forget()
