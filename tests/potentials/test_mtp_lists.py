"""Verlet lists of the kernel: what they may not miss, and that threads do not change them."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import RunSettings, simulate
from elyte.potentials import Evaluation
from elyte.potentials.mtp.kernel import Kernel, Precision, instruction_sets

from .mtp_cases import potential, structure

ISAS = instruction_sets()
PERIODS = st.tuples(st.booleans(), st.booleans(), st.booleans())


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    """Equal to rounding: from another list neighbours come in another order."""
    np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-9, atol=1e-9)
    scale = 1 + np.abs(expected.forces).max(initial=0)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-9 * scale)
    np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-8, atol=1e-9 * scale)


def assert_same_bits(found: Evaluation, expected: Evaluation) -> None:
    assert found.energy == expected.energy
    assert found.forces.tobytes() == expected.forces.tobytes()
    assert found.stress.tobytes() == expected.stress.tobytes()
    assert found.energies.tobytes() == expected.energies.tobytes()


@pytest.mark.parametrize("n", [5, 100, 200, 700])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_threads_do_not_change_a_bit(n: int, precision: Precision) -> None:
    mtp, frame = potential(8).with_precision(precision), structure(6, n, 0.05)
    one = mtp.evaluate([frame])[0]
    for threads in (2, 3, 8):
        other = mtp.evaluate([frame], threads=threads)[0]
        assert other.energy == one.energy
        assert other.forces.tobytes() == one.forces.tobytes()
        assert other.stress.tobytes() == one.stress.tobytes()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 70),
    pbc=PERIODS,
    density=st.floats(0.005, 0.15),
    skin=st.floats(0, 2),
    threads=st.integers(2, 7),
    isa=st.sampled_from(ISAS),
)
def test_lists_made_by_threads_are_the_same_in_any_cell(
    seed: int,
    n: int,
    pbc: tuple[bool, bool, bool],
    density: float,
    skin: float,
    threads: int,
    isa: str,
) -> None:
    random = np.random.default_rng(seed)
    frame = structure(seed, n, density, pbc)
    outside = frame.moved(frame.positions + random.integers(-2, 3, (n, 3)) @ frame.cell)
    kernel = Kernel(potential(4).native_arrays(), isa)
    # sums depend on the order of the neighbours: the same bits are the same list
    assert_same_bits(
        kernel.follower(skin, threads).evaluate(outside), kernel.follower(skin).evaluate(outside)
    )


def test_many_ghosts_are_placed_by_all_threads_together() -> None:
    random = np.random.default_rng(3)
    frame = Frame(np.ones(60), random.uniform(0, 2.2, (60, 3)), 2.2 * np.eye(3), True)
    kernel = Kernel(potential(2, cutoff=5.0).native_arrays())
    one = kernel.follower(0.5).evaluate(frame)
    assert_same_bits(kernel.follower(0.5, 3).evaluate(frame), one)
    assert_same(one, kernel.evaluate(frame))


@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, False)])
@pytest.mark.parametrize("isa", ISAS)
def test_verlet_list_misses_nothing(isa: str, pbc: tuple[bool, bool, bool]) -> None:
    """A walk of atoms and cell, with jumps: as if each step were evaluated by itself."""
    mtp, frame = potential(8), structure(12, 40, pbc=pbc)
    kernel = Kernel(mtp.native_arrays(), isa)
    follower = kernel.follower(skin=0.6)
    random = np.random.default_rng(0)
    steps = 120
    for step in range(steps):
        strain = np.eye(3) + random.normal(0, 2e-3, (3, 3)) * (step % 3 == 0)
        cell, positions = frame.cell @ strain, frame.positions @ strain
        positions = positions + random.normal(0, 0.02, positions.shape)
        if step % 40 == 39 and all(pbc):
            positions[step % len(frame)] += [3, -2, 1] @ cell  # the same atom in another cell
        frame = frame.moved(positions, cell)
        found, expected = follower.evaluate(frame), kernel.evaluate(frame)
        np.testing.assert_allclose(found.energies, expected.energies, rtol=1e-9, atol=1e-9)
        scale = 1 + np.abs(expected.forces).max()
        np.testing.assert_allclose(found.forces, expected.forces, atol=1e-9 * scale)
        np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-8, atol=1e-9 * scale)
    assert follower.builds < steps / 2


def test_verlet_list_follows_other_structures() -> None:
    mtp = potential(8)
    follower = Kernel(mtp.native_arrays()).follower(skin=1.0)
    frames = [structure(1, 20), structure(2, 30), Frame([1], [[0, 0, 0]]), structure(1, 20)]
    numbers = np.roll(frames[0].numbers, 1)
    frames.append(Frame(numbers, frames[0].positions, frames[0].cell, True))
    frames.append(Frame(numbers, frames[0].positions, frames[0].cell, (True, True, False)))
    for frame in frames:
        assert follower.evaluate(frame).energy == pytest.approx(
            mtp.evaluate([frame])[0].energy, rel=1e-12
        )
    assert follower.builds == len(frames)
    again = frames[-1].moved(frames[-1].positions + 0.1)
    follower.evaluate(again)
    assert follower.builds == len(frames)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 30),
    pbc=PERIODS,
    skin=st.floats(0.05, 1.5),
    step=st.floats(0.1, 0.6),
    strain=st.floats(0, 0.02),
    few=st.booleans(),
)
def test_a_list_is_kept_only_while_no_pair_can_be_missed(
    seed: int,
    n: int,
    pbc: tuple[bool, bool, bool],
    skin: float,
    step: float,
    strain: float,
    few: bool,
) -> None:
    """Steps of a part of the skin, by all atoms or by a few only, with changes of the cell."""
    random = np.random.default_rng(seed)
    kernel = Kernel(potential(4).native_arrays())
    follower = kernel.follower(skin)
    frame = structure(seed, n, pbc=pbc)
    for _ in range(6):
        assert_same(follower.evaluate(frame), kernel.evaluate(frame))
        deformation = np.eye(3) + random.uniform(-strain, strain, (3, 3)) * skin
        move = random.normal(0, 1, (n, 3))
        move *= step * skin / np.linalg.norm(move, axis=1, keepdims=True)
        if few:
            move *= random.random((n, 1)) < 2 / n
        frame = frame.moved(frame.positions @ deformation + move, frame.cell @ deformation)


def test_a_list_holds_until_the_two_largest_moves_use_up_the_skin() -> None:
    """Two atoms that come nearer along a line, just outside the list at first."""
    mtp, skin = potential(8), 0.5
    follower = Kernel(mtp.native_arrays()).follower(skin)

    def pair(left: float, right: float) -> Frame:
        far = mtp.cutoff + skin + 1e-4
        return Frame([6, 8], [[left, 0, 0], [far - right, 0, 0]], np.diag([40.0, 20, 20]), True)

    def builds(left: float, right: float) -> int:
        found = follower.evaluate(pair(left, right))
        assert_same(found, mtp.evaluate([pair(left, right)])[0])
        return follower.builds

    assert builds(0, 0) == 1
    assert builds(0.49, 0) == 1  # alone an atom may go as far as the skin
    assert builds(0.3, 0.19) == 1
    assert builds(0.3, 0.21) == 2  # now 1e-4 - 0.01 within the cutoff
    assert builds(0.3, 0.21) == 2


def test_a_list_that_could_not_be_made_is_not_used() -> None:
    mtp, frame = potential(8), structure(5, 20, pbc=(True, False, False))
    follower = Kernel(mtp.native_arrays()).follower(0.5)
    follower.evaluate(frame)
    collapsed = Frame([1], [[0, 0, 0]], 1e-7 * np.eye(3), (True, False, False))
    with pytest.raises(InputError, match="far too small"):
        follower.evaluate(collapsed)
    assert_same(follower.evaluate(frame), mtp.evaluate([frame])[0])


def test_runs_at_once_that_share_their_threads_give_the_bits_of_one_alone() -> None:
    """Clones of one force field have one team: who finds it at work does without."""
    frame, settings = structure(6, 200, 0.05), RunSettings("NVE", 50.0, steps=60, timestep=0.2)

    def run(force_field: Any, seed: int) -> bytes:
        state = simulate(frame, force_field, settings, seed=seed, renew_every=20).state
        return state.frame.positions.tobytes() + state.forces.tobytes()

    alone = [run(potential(8).native(), seed) for seed in range(4)]
    shared = potential(8).native(threads=3)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(partial(run, shared), range(4))) == alone


def test_threads_come_and_go() -> None:
    frame, kernel = structure(6, 100, 0.05), Kernel(potential(8).native_arrays())
    expected = kernel.follower(0.0).evaluate(frame)
    for threads in range(2, 30):
        follower = kernel.follower(0.0, threads)
        assert_same_bits(follower.evaluate(frame), expected)
        time.sleep(0.002)  # they sleep by now
        assert_same_bits(follower.evaluate(frame), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_does_without_threads_and_ends() -> None:
    frame, kernel = structure(6, 100, 0.05), Kernel(potential(8).native_arrays())
    follower = kernel.follower(0.0, 3)
    expected = follower.evaluate(frame)
    time.sleep(0.05)  # the threads sleep
    child = os.fork()
    if child == 0:
        same = follower.evaluate(frame).forces.tobytes() == expected.forces.tobytes()
        del follower
        os._exit(0 if same else 1)
    for _ in range(200):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the forked process hangs")
    assert status == 0


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_batch_is_its_frames(threads: int) -> None:
    mtp = potential(8)
    frames = [structure(k, 4 * k, pbc=(True, k % 2 == 0, True)) for k in range(1, 7)]
    frames.insert(2, Frame([], np.zeros((0, 3))))
    frames.insert(4, Frame([6, 1], [[0, 0, 0], [0, 0, 1.1]]))  # without a box
    for found, frame in zip(mtp.evaluate(frames, threads), frames, strict=True):
        assert_same_bits(found, mtp.evaluate([frame])[0])
        assert found.forces.shape == (len(frame), 3)
        assert found.stress.shape == (3, 3)
