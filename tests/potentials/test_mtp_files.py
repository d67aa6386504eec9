"""Parameter files: read, written, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elyte
from data import shared_data
from elyte.core.errors import FormatError, InputError, UnknownSpecies
from elyte.potentials.mtp import MTP
from mlip_oracles import ELEMENTS

from .mtp_cases import potential


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "potential.almtp"
    potential(8).save(path)
    return path


def assert_same(a: MTP, b: MTP) -> None:
    assert a.species == b.species
    assert a.tables == b.tables
    assert (a.min_distance, a.max_distance, a.scaling) == (
        b.min_distance,
        b.max_distance,
        b.scaling,
    )
    assert a.parameters.tobytes() == b.parameters.tobytes()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=20, max_size=20),
    scaling=st.floats(1e-9, 1e9),
)
def test_round_trip_is_bit_exact(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], scaling: float
) -> None:
    start = potential(6)
    theta = np.resize(values, start.n_parameters)
    mtp = MTP(**{**fields(start.with_parameters(theta)), "scaling": scaling})
    path = tmp_path_factory.mktemp("files") / "p.mtp"
    mtp.save(path)
    assert_same(MTP.load(path), mtp)


def fields(mtp: MTP) -> dict:
    names = (
        "species min_distance max_distance tables radial species_coefficients"
        " moment_coefficients scaling"
    )
    return {name: getattr(mtp, name) for name in names.split()}


@pytest.mark.parametrize("name", ["p8_3", "p8_6", "p12_3", "p16_6"])
def test_files_of_mlip_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    path = shared_data(f"oracles/mtp_liquid/{name}.almtp")
    mtp = MTP.load(path, ELEMENTS[: int(name[-1])])
    mtp.save(tmp_path / "again.almtp")
    assert_same(MTP.load(tmp_path / "again.almtp"), mtp)

    def numbers(file: Path) -> list[str]:
        lines = [line.strip() for line in file.read_text().splitlines()]
        return [line for line in lines if line and not line.startswith(("min_", "max_", "pot"))]

    assert numbers(tmp_path / "again.almtp") == numbers(path)


def test_elements_are_kept_in_the_tag(saved: Path) -> None:
    assert "potential_tag = elements: H C O\n" in saved.read_text()
    assert elyte.load(saved).symbols == ["H", "C", "O"]
    assert elyte.load(saved, species=["Li", "F", "P"]).symbols == ["Li", "F", "P"]


def test_a_foreign_tag_is_kept(saved: Path, tmp_path: Path) -> None:
    saved.write_text(saved.read_text().replace("elements: H C O", "my own"))
    with pytest.raises(FormatError, match="does not name its 3 elements"):
        elyte.load(saved)
    elyte.load(saved, species=["H", "C", "O"]).save(tmp_path / "b.mtp")
    assert "potential_tag = my own\n" in (tmp_path / "b.mtp").read_text()


def test_the_active_set_of_mlip_is_left_alone(saved: Path) -> None:
    before = elyte.load(saved)
    saved.write_bytes(saved.read_bytes() + b"\n#MVS_v1.1\nenergy_weight 1\n\xff\xfe\x00=")
    assert_same(elyte.load(saved), before)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.999])
def test_cut_short(saved: Path, part: float) -> None:
    text = saved.read_text()
    saved.write_text(text[: int(part * (len(text) - 3))])
    with pytest.raises(FormatError, match=r"cut short|does not begin|expected|no number"):
        elyte.load(saved)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1.1.0", "version = 2.0.0", "version 2.0.0"),
        ("RBChebyshev", "RBShapeev", "RBShapeev"),
        ("species_count = 3", "species_count = 4", "9 pairs of species, expected 16|numbers in"),
        ("species_count = 3", "species_count = three", "no number for 'species_count'"),
        ("species_coeffs = {", "species_coeffs = {nan, ", "4 numbers in 'species_coeffs'"),
        ("alpha_moment_mapping", "magnetic_moments", "'magnetic_moments'"),
        ("alpha_moments_count = 18", "alpha_moments_count = 12", "tables that do not fit"),
        ("alpha_index_times_count = 14", "alpha_index_times_count = 13", "expected 52"),
        ("\t\t1-2\n", "\t\t1-2 or so\n", "cannot be understood"),
        ("max_dist = 3.5", "max_dist = nan # ", "no number for 'max_dist'"),
    ],
)
def test_refused(saved: Path, old: str, new: str, message: str) -> None:
    text = saved.read_text()
    assert old in text
    saved.write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=message):
        elyte.load(saved)


def test_values_that_are_not_finite(saved: Path) -> None:
    lines = saved.read_text().splitlines()
    for k, line in enumerate(lines):
        if line.startswith("moment_coeffs"):
            values = line.split(", ")
            lines[k] = ", ".join([*values[:3], "nan", *values[4:]])
    saved.write_text("\n".join(lines))
    with pytest.raises(FormatError, match="not finite in its moment_coefficients"):
        elyte.load(saved)


def test_wrong_species(saved: Path) -> None:
    with pytest.raises(FormatError, match="for 3 species, 4 were named"):
        elyte.load(saved, species=["H", "C", "O", "Li"])
    with pytest.raises(UnknownSpecies, match="'Xx' is not a chemical symbol"):
        elyte.load(saved, species=["H", "C", "Xx"])
    with pytest.raises(InputError, match="named twice"):
        elyte.load(saved, species=["H", "C", "C"])


def test_no_potential(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot read the potential"):
        elyte.load(tmp_path / "missing.mtp")
    with pytest.raises(FormatError, match=r"reads \.almtp and .mtp"):
        elyte.load(tmp_path / "model.pt")
    (tmp_path / "text.mtp").write_text("hello")
    with pytest.raises(FormatError, match="does not begin with 'MTP'"):
        elyte.load(tmp_path / "text.mtp")


def test_untrained_template() -> None:
    path = shared_data("oracles/mtp/molecules/291/04/initial.mtp")
    with pytest.raises(FormatError, match="untrained"):
        elyte.load(path, species=["H", "C"])


def test_parameters_there_and_back() -> None:
    mtp = potential(8)
    theta = mtp.parameters
    assert len(theta) == mtp.n_parameters == 3 + 9 + 9 * 2 * 6
    assert_same(mtp.with_parameters(theta), mtp)
    with pytest.raises(InputError, match="expected"):
        mtp.with_parameters(theta[:-1])
    with pytest.raises(InputError, match="not all finite"):
        mtp.with_parameters(np.full_like(theta, np.nan))
