"""Results are whole or not there, and are compared with their hash."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import DamagedData, StorageError
from elyte.workflow import ResultStore, Task


def test_save_and_load(tmp_path):
    store = ResultStore(tmp_path / "results")
    key = Task("a:b", {"n": 1}).key
    assert not store.has(key)
    store.save(key, {"x": np.arange(3.0), "n": 1, "text": "ü"})
    result = store.load(key)
    assert store.has(key)
    assert result["x"].tolist() == [0.0, 1.0, 2.0]
    assert result["text"] == "ü"
    assert [p.name for p in store.path(key).parent.iterdir()] == [f"{key}.result"]


def test_an_unknown_key(tmp_path):
    with pytest.raises(KeyError):
        ResultStore(tmp_path).load("0" * 64)


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_changed_byte_is_noticed_and_the_file_named(tmp_path, position):
    store = ResultStore(tmp_path)
    store.save("ab", {"x": np.arange(3.0)})
    content = bytearray(store.path("ab").read_bytes())
    content[position] ^= 1
    store.path("ab").write_bytes(content)
    with pytest.raises(DamagedData, match=r"ab\.result"):
        store.load("ab")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        ResultStore(tmp_path / "file" / "below").save("ab", {})
