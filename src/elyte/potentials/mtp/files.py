"""Parameter files of MLIP (`.mtp` of MLIP-2, `.almtp` of MLIP-3), version 1.1.0.

A file carries its own tables, which are used as they stand. Files know types 0, 1, … and no
elements; elyte writes these, and a repulsive core, into `potential_tag` ("elements: H C O").
What follows the text in an `.almtp` file (the binary state of MLIP's own active set) is not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError, InputError
from elyte.potentials.mtp.repulsion import RepulsiveCore
from elyte.potentials.mtp.tables import Tables

VERSION = "1.1.0"
RADIAL_BASIS = "RBChebyshev"
_ACTIVE_SET = b"#MVS_v1.1"
_ELEMENTS = "elements:"
_CORE = "core:"
_PAIR = re.compile(r"(\d+)\s*-\s*(\d+)")
_KNOWN = frozenset(
    {
        *("version", "potential_name", "potential_tag", "scaling", "species_count"),
        *("radial_basis_type", "min_dist", "max_dist", "radial_basis_size", "radial_funcs_count"),
        *("alpha_moments_count", "alpha_index_basic_count", "alpha_index_basic"),
        *("alpha_index_times_count", "alpha_index_times"),
        *("alpha_scalar_moments", "alpha_moment_mapping", "species_coeffs", "moment_coeffs"),
    }
)


@dataclass(frozen=True, eq=False)
class Content:
    """What a file holds; see `MTP` for the meaning."""

    species_count: int
    min_distance: float
    max_distance: float
    tables: Tables
    radial: NDArray[np.float64]
    species_coefficients: NDArray[np.float64]
    moment_coefficients: NDArray[np.float64]
    scaling: float
    tag: str


def species_of_tag(tag: str) -> list[str] | None:
    """Return the elements that a tag written by elyte names, or None."""
    if not tag.startswith(_ELEMENTS):
        return None
    return tag[len(_ELEMENTS) :].split(_CORE)[0].split()


def core_of_tag(tag: str, species_count: int) -> RepulsiveCore | None:
    """Return the repulsive core that a tag written by elyte keeps, or None.

    Raises:
        FormatError: another number of values than species ask for.
    """
    if not tag.startswith(_ELEMENTS) or _CORE not in tag:
        return None
    try:
        strength, *distances = map(float, tag.split(_CORE)[1].split())
        table = np.array(distances).reshape(species_count, species_count)
    except ValueError as error:
        raise FormatError(f"the repulsive core in '{tag}' cannot be read: {error}") from error
    return RepulsiveCore(table, strength)


def tag_of(symbols: list[str], core: RepulsiveCore | None) -> str:
    """Return the tag that names these elements, and holds the repulsive core."""
    words = [_ELEMENTS, *symbols]
    if core is not None:
        words += [_CORE, *(repr(float(x)) for x in (core.strength, *core.distances.ravel()))]
    return " ".join(words)


def read(path: str | Path) -> Content:
    """Read a parameter file.

    Raises:
        FormatError: cut short, of another version or kind, values that are not finite, tables
            that do not fit.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FormatError(f"cannot read the potential {path}: {error.strerror}") from error
    text = data.split(_ACTIVE_SET)[0].decode("utf-8", errors="replace")
    return _Parser(str(path), text).content()


class _Parser:
    """Fields and radial coefficients of one file, checked on the way."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.fields: dict[str, str] = {}
        self.rows: dict[tuple[int, int], list[list[float]]] = {}
        lines = text.splitlines()
        if not lines or lines[0].strip() != "MTP":
            raise self.error("does not begin with 'MTP': it is not a moment tensor potential")
        pair: tuple[int, int] | None = None
        for number, raw in enumerate(lines[1:], start=2):
            line = raw.strip()
            if "=" in line:
                key, value = (part.strip() for part in line.split("=", 1))
                if key not in _KNOWN:
                    raise self.error(f"line {number} has '{key}', which version {VERSION} has not")
                self.fields[key] = value
            elif match := _PAIR.fullmatch(line):
                pair = int(match[1]), int(match[2])
                self.rows[pair] = []
            elif line.startswith("{") and pair is not None:
                self.rows[pair].append(self.parse(line, float, f"line {number}"))
            elif line and line != "radial_coeffs":
                if number == len(lines):
                    raise self.error(f"is cut short in line {number}: '{line[:40]}'")
                raise self.error(f"line {number} cannot be understood: '{line[:40]}'")

    def error(self, what: str) -> FormatError:
        return FormatError(f"the potential {self.path} {what}")

    def parse(self, text: str, kind: Callable[[str], Any], what: str) -> list[Any]:
        """Return the numbers of "{1, 2, 3}", nested braces flattened."""
        if text.count("{") != text.count("}") or not text.endswith("}"):
            raise self.error(f"is cut short at {what}")
        try:
            return [kind(word) for word in re.split(r"[{},\s]+", text) if word]
        except ValueError as error:
            raise self.error(f"has something else than numbers at {what}: {error}") from error

    def text(self, key: str) -> str:
        if key not in self.fields:
            raise self.error(f"is cut short or untrained: it has no '{key}'")
        return self.fields[key]

    def number(self, key: str, kind: Callable[[str], Any]) -> Any:
        try:
            return kind(self.text(key))
        except ValueError as error:
            raise self.error(f"has no number for '{key}': '{self.fields[key]}'") from error

    def numbers(self, key: str, kind: Callable[[str], Any], count: int) -> list[Any]:
        values = self.parse(self.text(key), kind, f"'{key}'")
        if len(values) != count:
            raise self.error(f"has {len(values)} numbers in '{key}', expected {count}")
        return values

    def content(self) -> Content:
        if self.text("version") != VERSION:
            raise self.error(f"is of version {self.text('version')}; {VERSION} can be read")
        if self.text("radial_basis_type") != RADIAL_BASIS:
            raise self.error(
                f"has radial functions of type '{self.fields['radial_basis_type']}'; "
                f"{RADIAL_BASIS} can be read"
            )
        species_count = self.number("species_count", int)
        tables = self.tables()
        coefficients = {
            "species": self.numbers("species_coeffs", float, species_count),
            "moment": self.numbers("moment_coeffs", float, len(tables.mapping)),
        }
        content = Content(
            species_count=species_count,
            min_distance=self.number("min_dist", float),
            max_distance=self.number("max_dist", float),
            tables=tables,
            radial=self.radial(species_count),
            species_coefficients=np.array(coefficients["species"]),
            moment_coefficients=np.array(coefficients["moment"]),
            scaling=self.number("scaling", float) if "scaling" in self.fields else 1.0,
            tag=self.fields.get("potential_tag", ""),
        )
        self.check_finite(content)
        return content

    def tables(self) -> Tables:
        basic = self.numbers(
            "alpha_index_basic", int, 4 * self.number("alpha_index_basic_count", int)
        )
        products = self.numbers(
            "alpha_index_times", int, 4 * self.number("alpha_index_times_count", int)
        )
        mapping = self.numbers(
            "alpha_moment_mapping", int, self.number("alpha_scalar_moments", int)
        )
        try:
            return Tables(
                np.array(basic, dtype=np.int64).reshape(-1, 4),
                np.array(products, dtype=np.int64).reshape(-1, 4),
                np.array(mapping, dtype=np.int64),
                self.number("alpha_moments_count", int),
            )
        except InputError as error:
            raise self.error(f"has tables that do not fit: {error}") from error

    def radial(self, species_count: int) -> NDArray[np.float64]:
        size = self.number("radial_basis_size", int)
        functions = self.number("radial_funcs_count", int)
        pairs = [(i, j) for i in range(species_count) for j in range(species_count)]
        if sorted(self.rows) != pairs:
            raise self.error(
                f"has radial coefficients for {len(self.rows)} pairs of species, "
                f"expected {len(pairs)}"
            )
        for (i, j), rows in self.rows.items():
            if [len(row) for row in rows] != [size] * functions:
                raise self.error(f"is cut short in the radial coefficients of pair {i}-{j}")
        rows_in_order = [self.rows[pair] for pair in pairs]
        return np.array(rows_in_order).reshape(species_count, species_count, functions, size)

    def check_finite(self, content: Content) -> None:
        for name in (
            "radial",
            "species_coefficients",
            "moment_coefficients",
            "scaling",
            "min_distance",
            "max_distance",
        ):
            if not np.isfinite(getattr(content, name)).all():
                raise self.error(f"has values that are not finite in its {name}")


def _exact(value: float) -> str:
    """Return the digits that give the same double back (MLIP's own 16 where they do)."""
    short = f"{value:.15e}"
    return short if float(short) == value else f"{value:.16e}"


def _braces(values: NDArray[Any]) -> str:
    if values.ndim > 1:
        return "{" + ", ".join(map(_braces, values)) + "}"
    words = map(str, values) if values.dtype.kind == "i" else map(_exact, values.tolist())
    return "{" + ", ".join(words) + "}"


def write(path: str | Path, content: Content) -> None:
    """Write a parameter file; it appears whole or not at all."""
    tables, s = content.tables, content.species_count
    lines = ["MTP", f"version = {VERSION}", "potential_name = MTP1m"]
    if content.scaling != 1.0:
        lines.append(f"scaling = {_exact(content.scaling)}")
    lines += [
        f"species_count = {s}",
        f"potential_tag = {content.tag}",
        f"radial_basis_type = {RADIAL_BASIS}",
        f"\tmin_dist = {_exact(content.min_distance)}",
        f"\tmax_dist = {_exact(content.max_distance)}",
        f"\tradial_basis_size = {content.radial.shape[3]}",
        f"\tradial_funcs_count = {content.radial.shape[2]}",
        "\tradial_coeffs",
    ]
    for i in range(s):
        for j in range(s):
            lines.append(f"\t\t{i}-{j}")
            lines += [f"\t\t\t{_braces(row)}" for row in content.radial[i, j]]
    lines += [
        f"alpha_moments_count = {tables.moments_count}",
        f"alpha_index_basic_count = {len(tables.basic)}",
        f"alpha_index_basic = {_braces(tables.basic)}",
        f"alpha_index_times_count = {len(tables.products)}",
        f"alpha_index_times = {_braces(tables.products) if len(tables.products) else '{}'}",
        f"alpha_scalar_moments = {len(tables.mapping)}",
        f"alpha_moment_mapping = {_braces(tables.mapping)}",
        f"species_coeffs = {_braces(content.species_coefficients)}",
        f"moment_coeffs = {_braces(content.moment_coefficients)}",
    ]
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(temporary, target)
