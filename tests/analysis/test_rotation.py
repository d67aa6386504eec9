"""Rotational relaxation: isotropic rotational diffusion, fixed axes, coverage, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.intervals import interval
from elyte.analysis.transport.rotation import (
    legendre_form,
    relaxation_integral,
    rotational_relaxation,
    unit_vectors,
)
from elyte.core.errors import InputError
from elyte.testing.coverage import coverage

STEP = 50.0


def rotor(rng: np.random.Generator, frames: int, molecules: int, diffusion: float) -> np.ndarray:
    """Directions that diffuse on the sphere in small steps: C_l = exp(−l (l + 1) D t)."""
    u = unit_vectors(rng.normal(size=(molecules, 3)))
    kicks = rng.normal(size=(frames, molecules, 3)) * np.sqrt(2 * diffusion)
    result = np.empty((frames, molecules, 3))
    for t in range(frames):
        result[t] = u
        turn = kicks[t] - np.sum(kicks[t] * u, axis=1, keepdims=True) * u
        angle = np.linalg.norm(turn, axis=1, keepdims=True)
        u = u * np.cos(angle) + turn * np.sinc(angle / np.pi)
        u /= np.linalg.norm(u, axis=1, keepdims=True)
    return result


def exact_decay(order: int, diffusion: float) -> float:
    """⟨P_l(cos θ)⟩ of one step, whose angle θ has a Rayleigh distribution of variance 2D."""
    angle = np.linspace(0, 12 * np.sqrt(2 * diffusion), 20_001)
    density = angle / (2 * diffusion) * np.exp(-(angle**2) / (4 * diffusion))
    cosine = np.cos(angle)
    legendre = cosine if order == 1 else 1.5 * cosine**2 - 0.5
    return float(np.sum(density * legendre) * (angle[1] - angle[0]))


def test_legendre_forms() -> None:
    u = unit_vectors(np.random.default_rng(0).normal(size=(2, 30, 3)))
    cosine = np.sum(u[0] * u[1], axis=1)
    for order, exact in ((1, cosine), (2, 1.5 * cosine**2 - 0.5)):
        form = legendre_form(u, order)
        np.testing.assert_allclose(np.sum(form[0] * form[1], axis=1), exact, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_correlation_of_a_diffusing_rotor(order: int) -> None:
    vectors = 3.1 * rotor(np.random.default_rng(1), 3000, 60, 0.01)
    quantity, curve = rotational_relaxation([vectors], STEP, order, "N–S")
    decay = exact_decay(order, 0.01)
    assert curve.y[0] == pytest.approx(1.0)
    np.testing.assert_allclose(curve.y[:40], decay ** np.arange(40), atol=0.03)
    low, high = interval(quantity, 0.95)
    assert low < -STEP / 1000 / np.log(decay) < high
    assert quantity.error < 0.1 * quantity.value
    assert quantity.species == "N–S"


@pytest.mark.parametrize(("frames", "molecules"), [(800, 24), (1200, 8)])
def test_coverage(frames: int, molecules: int) -> None:
    truth = -STEP / 1000 / np.log(exact_decay(2, 0.01))
    found = coverage(
        lambda rng: rotational_relaxation([rotor(rng, frames, molecules, 0.01)], STEP)[0],
        truth,
        runs=70,
    )
    assert 0.54 < found.inside_68 < 0.82
    assert 0.88 < found.inside_95 <= 1.0
    assert found.withheld < 0.1


def test_integral_of_exact_exponentials() -> None:
    t = np.arange(200)
    single = np.exp(-t / 17.0)
    double = 0.3 * np.exp(-t / 3.0) + 0.7 * np.exp(-t / 40.0)
    assert relaxation_integral(t, single) == pytest.approx(17.0, rel=0.01)
    assert relaxation_integral(t, double) == pytest.approx(0.9 + 28.0, rel=0.02)


def test_free_rotation_about_a_fixed_axis_has_its_cosine() -> None:
    angle = 0.1 * np.arange(400)
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)[:, None, :]
    _, curve = rotational_relaxation([np.repeat(circle, 6, axis=1)], STEP, 1)
    np.testing.assert_allclose(curve.y, np.cos(0.1 * np.arange(100)), atol=1e-9)


def test_several_runs_are_pooled() -> None:
    rng = np.random.default_rng(3)
    runs = [rotor(rng, t, 6, 0.02) for t in (500, 700, 600)]
    quantity, curve = rotational_relaxation(runs, STEP, 1)
    assert quantity.n_effective == 18
    assert quantity.value == pytest.approx(-STEP / 1000 / np.log(exact_decay(1, 0.02)), rel=0.3)
    assert curve.y_error is not None


def test_too_short_is_withheld() -> None:
    rng = np.random.default_rng(4)
    frozen = np.repeat(rng.normal(size=(1, 20, 3)), 100, axis=0)
    assert "decayed to 1.00" in rotational_relaxation([frozen], STEP)[0].withheld
    brief = rotational_relaxation([rotor(rng, 240, 40, 0.02)], STEP, 1)[0]
    assert "relaxation times" in brief.withheld
    alone = rotational_relaxation([rotor(rng, 2000, 2, 0.05)], STEP)[0]
    assert "2 independent samples" in alone.withheld


def test_bad_input() -> None:
    good = rotor(np.random.default_rng(5), 50, 6, 0.05)
    for runs, step, order in (
        ([good[..., :2]], STEP, 2),
        ([good], 0.0, 2),
        ([good], STEP, 3),
        ([good * 0], STEP, 1),
        ([good[:1]], STEP, 1),
        ([], STEP, 1),
    ):
        with pytest.raises(InputError):
            rotational_relaxation(runs, step, order)
