"""`elyte doctor`: what it finds, and what it says of what is missing."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import elyte
from elyte.cli import app
from elyte.cli.doctor import Check, checks
from elyte.reference import ENGINES

# The package binds the name of the module to its command.
module = importlib.import_module("elyte.cli.doctor")


def by_name() -> dict[str, Check]:
    return {check.name: check for check in checks()}


def test_what_is_installed_is_found_with_its_version() -> None:
    found = by_name()
    for name in ("Python", "numpy", "rdkit", "Packmol", "native dynamics"):
        assert found[name].found, name
        assert found[name].version, name
    assert found["numpy"].version[0].isdigit()
    assert {check.need for check in found.values()} == {"needed", "optional", "elsewhere"}


def test_what_is_missing_says_how_to_get_it() -> None:
    for check in checks():
        assert check.found or check.remedy, check.name


def test_antechamber_that_is_not_there_says_what_it_would_be_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AMBERHOME", raising=False)
    monkeypatch.setattr("elyte.reference.classical.antechamber.find_spec", lambda name: None)
    check = by_name()["antechamber"]
    assert (check.found, check.need) == (False, "optional")
    assert "pip install acpype" in check.remedy
    assert "GAFF2" in check.remedy


def test_a_program_is_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cp2k.psmp"
    program.write_text("#!/bin/sh\necho ' CP2K version 2099.1'\n")
    program.chmod(0o755)
    (tmp_path / "GTH_POTENTIALS").touch()
    monkeypatch.setenv("CP2K_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    found = by_name()["engine cp2k"]
    assert found.found
    assert found.version.startswith("2099.1 ")


def test_every_engine_has_a_line_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ELYTE_CP2K", "ELYTE_ESPRESSO", "ELYTE_VASP", "ELYTE_FOUNDATION_PYTHON"):
        monkeypatch.setenv(variable, "/not/there")
    found = by_name()
    for name in ENGINES:
        check = found[f"engine {name}"]
        assert check.use
        assert check.version if check.found else check.remedy
    for name in ("cp2k", "espresso", "vasp", "foundation"):
        assert not found[f"engine {name}"].found
    assert "apt install cp2k" in found["engine cp2k"].remedy
    assert "ELYTE_FOUNDATION_PYTHON" in found["engine foundation"].remedy


def test_missing_needs_end_with_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NATIVE_MODULES", ("none_such",))
    with pytest.raises(typer.Exit):
        module.doctor()
    assert "missing: native none_such" in capsys.readouterr().out


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"elyte {elyte.__version__}"
