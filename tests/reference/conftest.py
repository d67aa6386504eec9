"""The fake engine, registered for one test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

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
