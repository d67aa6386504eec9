"""Values survive as bytes, exactly, and equal values have equal hashes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elyte.core import DamagedData, Frame, InputError, Outcome
from elyte.workflow.codec import content_hash, decode, encode
from elyte.workflow.task import Task

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.int64, np.bool_, np.float32, np.uint8]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
keys = st.text(max_size=5).filter(lambda text: not text.startswith("~"))
values = st.recursive(
    scalars | arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b


@given(values)
def test_round_trip_is_exact(value):
    assert same(value, decode(encode(value)))


def test_the_order_of_keys_and_the_layout_of_arrays_do_not_change_the_hash():
    matrix = np.arange(6.0).reshape(2, 3)
    fortran = np.asfortranarray(matrix)
    big_endian = matrix.astype(">f8")
    first = content_hash({"a": 1, "b": matrix})
    assert first == content_hash({"b": fortran, "a": 1})
    assert first == content_hash({"b": big_endian, "a": 1})
    assert first != content_hash({"b": matrix.T, "a": 1})
    assert first != content_hash({"b": matrix, "a": 1.0})


def test_frames_and_outcomes_travel():
    frame = Frame([8, 1], [[0, 0, 0], [0, 0, 1]], 9 * np.eye(3), True, [0, 0])
    outcome = Outcome("failed", "why", {"n": 2})
    back = decode(encode({"frame": frame, "outcome": outcome}))
    assert back["frame"].digest() == frame.digest()
    assert back["frame"].molecules.tolist() == [0, 0]
    assert back["outcome"] == outcome


@pytest.mark.parametrize("value", [{1: 2}, {"~array": 0}, object(), np.array(["a"]), {1, 2}])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(InputError):
        encode(value)


@pytest.mark.parametrize("cut", [0, 3, 10, 30, -1])
def test_damaged_bytes_are_noticed(cut):
    data = encode({"a": np.arange(10), "b": "text"})
    with pytest.raises(DamagedData):
        decode(data[:cut])


def test_too_many_bytes_are_noticed():
    with pytest.raises(DamagedData):
        decode(encode([1]) + b"x")


def test_a_task_is_named_by_function_and_inputs_alone():
    inputs = {"x": np.ones(3), "n": 2}
    key = Task("a.b:c", inputs).key
    assert key == Task("a.b:c", dict(reversed(inputs.items()))).key
    assert key != Task("a.b:d", inputs).key
    assert key != Task("a.b:c", {**inputs, "n": 3}).key
    assert len(key) == 64


def test_a_task_runs_where_it_stands():
    assert Task("math:hypot").function == "math:hypot"
    assert Task("elyte.core.errors:did_you_mean", {"word": "ax", "known": ["axe"]}).run()


@pytest.mark.parametrize("function", ["nocolon", "math:no_such", "math:pi"])
def test_a_function_that_is_not_there(function):
    with pytest.raises(InputError):
        Task(function).run()
