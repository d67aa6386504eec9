"""A cache that may be absent, unwritable or damaged, and then only costs time."""

from __future__ import annotations

from pathlib import Path

import pytest

from elyte.reference import cache


def test_a_number_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.recall("slopes", "O") is None
    cache.remember("slopes", "O", -0.25)
    cache.remember("slopes", "H", 1e-300)
    assert (cache.recall("slopes", "O"), cache.recall("slopes", "H")) == (-0.25, 1e-300)
    assert [path.name for path in (tmp_path / "elyte").iterdir()] == ["slopes.json"]


def test_a_text_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.recall_text("tables", "a.json") is None
    cache.remember_text("tables", "a.json", "σ = 1")
    cache.remember_text("tables", "b.json", "")
    assert (cache.recall_text("tables", "a.json"), cache.recall_text("tables", "b.json")) == (
        "σ = 1",
        "",
    )
    names = sorted(path.name for path in (tmp_path / "elyte" / "tables").iterdir())
    assert names == ["a.json", "b.json"]
    (tmp_path / "elyte" / "tables" / "a.json").write_bytes(b"\xff\xfe\xff")
    assert cache.recall_text("tables", "a.json") is None


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"O": "x"}', '{"O": NaN}', '{"O": null}'])
def test_damage_is_no_error(tmp_path: Path, monkeypatch, content: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "elyte").mkdir()
    (tmp_path / "elyte" / "slopes.json").write_text(content)
    assert cache.recall("slopes", "O") is None
    cache.remember("slopes", "O", 2.0)
    assert cache.recall("slopes", "O") == 2.0


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache.remember("slopes", "O", 2.0)
    assert cache.recall("slopes", "O") is None
