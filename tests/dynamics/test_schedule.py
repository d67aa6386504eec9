"""Ramps and modifiers."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core.errors import InputError
from elyte.core.units import BAR
from elyte.dynamics import Modifier, Ramp, RunSettings, VolumeOfDensity


def test_targets_of_a_run_and_of_a_part_of_it() -> None:
    settings = RunSettings("NPT", (100.0, 200.0), Ramp(0.0, 1000.0), steps=50)
    temperature, pressure, volume = settings.targets(50)
    np.testing.assert_allclose(temperature, 100 + 2 * np.arange(1, 51))
    np.testing.assert_allclose(pressure, 20 * BAR * np.arange(1, 51))
    assert volume is None
    np.testing.assert_array_equal(settings.targets(10, 30)[0], temperature[30:40])
    np.testing.assert_array_equal(settings.targets(5, 49)[0], 200.0)  # it stays at the end


def test_modifier_is_its_equation() -> None:
    modifier = Modifier(300.0, 400.0, 50.0, 200.0)
    settings = RunSettings("NVT", modifier, steps=1000, timestep=2.0)
    t = 2.0 * np.arange(1, 1001)
    expected = 300 + t / 2000 * 100 + 50 * np.sin(t / 200)
    np.testing.assert_allclose(settings.targets(1000)[0], expected)
    assert modifier.lowest == 250.0
    with pytest.raises(InputError, match="period"):
        Modifier(1, 2, 3, 0)
    with pytest.raises(InputError, match="above 0 K"):
        RunSettings("NVT", Modifier(100.0, 100.0, 150.0, 10.0))


def test_density_is_a_schedule_of_the_volume() -> None:
    volume = VolumeOfDensity(Modifier(0.8, 1.2, 0.05, 30.0), mass=602.214076)
    settings = RunSettings("NVT", 300.0, steps=100, volume=volume)
    t = np.arange(1, 101.0)
    density = 0.8 + 0.4 * t / 100 + 0.05 * np.sin(t / 30)
    found = settings.targets(100)[2]
    assert found is not None
    np.testing.assert_allclose(found, 1000 / density, rtol=1e-8)  # Å³ of 1e-21 g
    with pytest.raises(InputError, match="density"):
        VolumeOfDensity(Ramp(0.5, -0.1), 10.0)


def test_default_temperature_limit_is_above_the_hottest_target() -> None:
    assert RunSettings("NVT", (300.0, 600.0)).temperature_limit == pytest.approx(3500.0)
    assert RunSettings("NVE").temperature_limit == np.inf
    assert RunSettings(max_temperature=900).temperature_limit == 900
