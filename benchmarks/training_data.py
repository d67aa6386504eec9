"""Options of the benchmarks that train on labelled frames, and the frames that they name."""

from __future__ import annotations

import argparse
from pathlib import Path

from elyte.core.formats import read_dataset
from elyte.core.frame import Dataset


def add_options(parser: argparse.ArgumentParser, files: str) -> None:
    """Add the options that say which frames; `files` says how many files, as argparse's nargs."""
    parser.add_argument("data", nargs=files, type=Path)
    parser.add_argument("--species", default=None, help="elements of .cfg files: 'Li,Ti,O'")
    parser.add_argument("--energy-key", default=None)
    parser.add_argument("--forces-key", default=None)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--level", type=int, default=16)


def read(given: argparse.Namespace) -> Dataset:
    """Return the frames of more than one atom, the first `--frames` of them."""
    species = given.species.split(",") if given.species else None
    keys = (given.energy_key, given.forces_key)
    frames = [x for path in given.data for x in read_dataset(path, *keys, species=species)]
    return Dataset([x for x in frames if len(x.frame) > 1][: given.frames])
