"""Versions of packages, in this environment and in one of its own."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
from functools import lru_cache

from elyte.core.errors import InputError, MissingDependency

PYTHON_VARIABLE = "ELYTE_FOUNDATION_PYTHON"
"""Names the Python of the environment in which a foundation model is installed."""


def split_path(path: str) -> tuple[str, str]:
    """Return module and name of an import path "package.module:Name" (or with a dot).

    Raises:
        InputError: not such a path.
    """
    module, separator, name = path.rpartition(":" if ":" in path else ".")
    if not (module and separator and name.isidentifier()):
        raise InputError(
            f"'{path}' is not the import path of a calculator: write 'package.module:Class', such "
            "as 'ase.calculators.emt:EMT'"
        )
    return module, name


@lru_cache(maxsize=64)
def version_of(path: str) -> str:
    """Return name and version of the package that an import path is in, as "mace-torch 0.3.16".

    A module that belongs to no installed package has no version: its name alone.
    """
    top = split_path(path)[0].partition(".")[0]
    names = importlib.metadata.packages_distributions().get(top, [])
    if not names:
        return top
    return f"{names[0]} {importlib.metadata.version(names[0])}"


def foundation_python() -> str:
    """Return the Python that has the foundation model: `ELYTE_FOUNDATION_PYTHON`, or this one."""
    return os.environ.get(PYTHON_VARIABLE) or sys.executable


def version_elsewhere(package: str) -> str:
    """Return the version of a package in the environment of the foundation models.

    Raises:
        MissingDependency: that environment is not there, or has no such package.
    """
    return _version_elsewhere(package, foundation_python())


@lru_cache(maxsize=16)
def _version_elsewhere(package: str, python: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    remedy = (
        f"make an environment for it (python3 -m venv DIR; DIR/bin/pip install {package}) and set "
        f"{PYTHON_VARIABLE}=DIR/bin/python"
    )
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingDependency(f"{python} cannot be run ({error}): {remedy}") from None
    if done.returncode:
        raise MissingDependency(f"{package} is not installed in {python}: {remedy}")
    return done.stdout.strip()
