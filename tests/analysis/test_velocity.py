"""Velocity correlations of Langevin particles, and of an ion that drags its ligands along."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.speciation.shells import Contacts
from elyte.analysis.transport.velocity import shell_cross_correlation, velocity_autocorrelation
from elyte.core.errors import InputError
from elyte.testing.synthetic import autoregressive

MEMORY = 0.9


def speeds(seed: int, frames: int = 2000, particles: int = 20) -> np.ndarray:
    return autoregressive(np.random.default_rng(seed), frames, MEMORY, (particles, 3))


def test_langevin_velocities_decay_exponentially() -> None:
    curve = velocity_autocorrelation([speeds(0), speeds(1)], 2.0, 30, "Li+")
    exact = MEMORY ** np.arange(30)
    assert curve.y_error is not None
    assert curve.y[0] == 1
    assert curve.x[1] == pytest.approx(0.002)
    apart = np.abs(curve.y - exact)[1:] / curve.y_error[1:]
    assert apart.max() < 5
    assert (apart < 2.5).mean() > 0.8
    mean_square = np.mean([np.sum(speeds(k) ** 2, axis=2).mean() for k in (0, 1)])
    assert curve.details["mean_square"] == pytest.approx(mean_square)


def test_the_error_is_that_of_a_ratio() -> None:
    """⟨v(0)·v(t)⟩ and ⟨v²⟩ fluctuate together: the error of C is smaller than of the first."""
    found = [velocity_autocorrelation([speeds(k, 200)], 1.0, 10) for k in range(100)]
    spread = np.std([c.y for c in found], axis=0)
    error = np.sqrt(np.mean([c.y_error**2 for c in found if c.y_error is not None], axis=0))
    assert error[0] == 0
    np.testing.assert_allclose(error[1:] / spread[1:], 1.0, atol=0.25)  # 1.6 without


def test_few_particles_have_no_error_and_zero_no_correlation() -> None:
    assert velocity_autocorrelation([speeds(0, 100, 3)], 1.0).y_error is None
    with pytest.raises(InputError, match="zero"):
        velocity_autocorrelation([np.zeros((10, 4, 3))], 1.0)


def shell(frames: int, ions: int) -> Contacts:
    """Ion k is bound to ligand k for the first half of the run."""
    frame = np.repeat(np.arange(frames // 2), ions)
    which = np.tile(np.arange(ions), frames // 2)
    return Contacts(frames, ions, ions, frame, which, which, np.ones(len(frame), dtype=np.int64))


def test_a_ligand_that_is_dragged_along() -> None:
    """v_ligand = (v_ion + noise)/√2: C_d(t) = C(t)/√2, and a naive sum says the same."""
    ions, noise = speeds(2), speeds(3)
    ligands = (ions + noise) / np.sqrt(2)
    bound = shell(len(ions), ions.shape[1])
    curve = shell_cross_correlation([ions], [ligands], [bound], 1.0, 20)
    naive = []
    stride = -(-len(ions) // 400)
    for lag in range(20):
        origins = [t for t in range(0, len(ions) - 1, stride) if t < len(ions) // 2]
        products = [np.sum(ions[t] * ligands[t + lag], axis=1) for t in origins]
        naive.append(np.mean(products))
    scale = np.sqrt(np.mean(np.sum(ions**2, 2)) * np.mean(np.sum(ligands**2, 2)))
    np.testing.assert_allclose(curve.y, np.array(naive) / scale, rtol=1e-12)
    assert curve.y_error is not None
    exact = MEMORY ** np.arange(20) / np.sqrt(2)
    assert (np.abs(curve.y - exact) < 5 * curve.y_error + 1e-12).all()


def test_contacts_that_do_not_fit() -> None:
    ions = speeds(2, 50, 4)
    with pytest.raises(InputError, match="different ions"):
        shell_cross_correlation([ions], [ions], [shell(60, 4)], 1.0)
    none = np.zeros(0, dtype=np.int64)
    empty = Contacts(50, 4, 4, none, none, none, none)
    with pytest.raises(InputError, match="ever in the first shell"):
        shell_cross_correlation([ions], [ions], [empty], 1.0)
