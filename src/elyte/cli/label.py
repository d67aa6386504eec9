"""`elyte label`: label structures by a reference method, or audit labels that exist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from elyte.cli.dispersion import CutoffOption, DispersionOption, FunctionalOption, changer
from elyte.cli.display import Display
from elyte.cli.elements import elements_of
from elyte.core.errors import InputError, Outcome
from elyte.core.formats import read_dataset, read_frames, write_dataset
from elyte.core.formats.extxyz import read_momenta
from elyte.core.frame import Dataset, LabelledFrame
from elyte.reference.audit import Finding, audit
from elyte.reference.firewall import Limits
from elyte.reference.intact import check_molecules
from elyte.reference.labelling import TIME_LIMIT, isolated_atom_energies, label_frames
from elyte.reference.settings import EngineSettings
from elyte.workflow.ledger import Ledger
from elyte.workflow.reading import ISOLATED_ATOM


def label(
    source: Annotated[Path, typer.Argument(help="Structures (extxyz, or any format of ASE).")],
    out: Annotated[
        Path | None, typer.Option(help="Labelled frames: .extxyz, .cfg, or a DeePMD folder.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Reference engine (default: xtb, or the preset's).")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Method of the engine.")] = None,
    preset: Annotated[str | None, typer.Option(help="A paper's level of theory.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the engine, such as cutoff='500 eV'; repeatable."),
    ] = None,
    charge: Annotated[float, typer.Option(help="Total charge of every frame, e.")] = 0.0,
    unpaired: Annotated[
        int | None, typer.Option(help="Unpaired electrons of every frame (default: 0 or 1).")
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option(help="Numerical accuracy of xTB; smaller is tighter.")
    ] = None,
    cores: Annotated[int, typer.Option(min=1, help="Processes (MPI) of one label.")] = 1,
    time_limit: Annotated[
        float, typer.Option(min=1.0, help="Longest time of one label, s.")
    ] = TIME_LIMIT,
    workers: Annotated[int, typer.Option(min=1, help="Child processes.")] = 2,
    ledger: Annotated[
        Path | None, typer.Option(help="Folder that keeps the labels (default: OUT.ledger).")
    ] = None,
    config_type: Annotated[str, typer.Option(help="config_type of the labelled frames.")] = "",
    max_force: Annotated[float, typer.Option(min=0.0, help="Refuse larger forces, eV/Å.")] = 60.0,
    isolated_atoms: Annotated[
        bool, typer.Option("--isolated-atoms", help="Write the isolated atoms, too.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try quarantined frames again.")] = False,
    audit_only: Annotated[
        bool, typer.Option("--audit", help="Judge the labels that are in the file; make none.")
    ] = False,
    reactions: Annotated[
        bool, typer.Option("--reactions", help="Let molecules break and merge.")
    ] = False,
    dispersion: DispersionOption = None,
    functional: FunctionalOption = "PBE",
    dispersion_cutoff: CutoffOption = "12 Å",
    species: Annotated[
        str | None, typer.Option(help="Elements of a .cfg's types, in order: Li,Ti,O.")
    ] = None,
    energy_key: Annotated[str | None, typer.Option(help="Name of the energy (audit).")] = None,
    forces_key: Annotated[str | None, typer.Option(help="Name of the forces (audit).")] = None,
    stress_key: Annotated[str | None, typer.Option(help="Name of the stress (audit).")] = None,
) -> None:
    """Label structures by a reference method, or audit the labels of a file.

    Labels are kept in a ledger as they come: the same command again goes on where it stopped.
    The first label of an engine and its settings is held against finite differences of the energy.
    """
    elements = elements_of(species)
    limits = Limits(force=max_force)
    if audit_only:
        dataset = read_dataset(source, energy_key, forces_key, stress_key, elements)
        findings = audit(dataset, limits, reactions=reactions, momenta=read_momenta(source))
        _print_audit(source, dataset, findings)
        return
    if out is None:
        raise InputError("where shall the labelled frames go? Name a file by --out")
    frames = read_frames(source, elements)
    change = changer(dispersion, functional, dispersion_cutoff)
    named = {"engine": engine, "method": method, "preset": preset, "accuracy": accuracy}
    values = {name: value for name, value in named.items() if value is not None}
    settings = EngineSettings.from_mapping(
        {**_pairs(setting or []), **values, "charge": charge, "unpaired_electrons": unpaired}
    )
    folder = out.with_name(f"{out.name}.ledger") if ledger is None else ledger
    with Ledger(folder) as book, Display() as display:
        results = label_frames(
            frames,
            settings,
            book,
            workers=workers,
            progress=display.stage("label"),
            config_type=config_type,
            limits=limits,
            time_limit=time_limit,
            accept=None if reactions else check_molecules,
            retry=retry,
            cores=cores,
        )
        good = Dataset(item for item in results if isinstance(item, LabelledFrame))
        atoms = Dataset()
        if isolated_atoms:
            isolated_atom_energies(good.species, settings, book)
            atoms = book.dataset(config_type=ISOLATED_ATOM)
    write_dataset(out, atoms + (good if change is None else map(change, good)), elements)
    _print_summary(results, out, folder)


def _pairs(texts: list[str]) -> dict[str, Any]:
    """Return {name: value} of "name=value" texts; a value is read as YAML reads it."""
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InputError(f"'--set {text}': write name=value, such as cutoff='500 eV'")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"'--set {text}': '{value}' is no value of YAML") from error
    return found


def _print_summary(results: list[LabelledFrame | Outcome], out: Path, ledger: Path) -> None:
    console = Console(soft_wrap=True, highlight=False)
    refused = [(i, item) for i, item in enumerate(results) if isinstance(item, Outcome)]
    made = len(results) - len(refused)
    console.print(f"{made} labelled frames in {out} (kept in {ledger})", markup=False)
    if refused:
        console.print(f"{len(refused)} refused, in quarantine (--retry tries them again):")
        for index, outcome in refused[:20]:
            console.print(f"  frame {index}: {outcome.reason}", markup=False)
        if len(refused) > 20:
            console.print(f"  … and {len(refused) - 20} more")
    if len(refused) == len(results):
        raise typer.Exit(1)


def _print_audit(source: Path, dataset: Dataset, findings: list[Finding]) -> None:
    console = Console(highlight=False)
    bad = {index for finding in findings for index in finding.frames}
    console.print(
        f"{source}: {len(dataset)} labelled frames, {len(bad)} with a fault", markup=False
    )
    if not findings:
        return
    table = Table(
        "fault", "frames", "which", "the first one", title="what would have poisoned a training"
    )
    counts = Counter(finding.kind for finding in findings)
    for kind in counts:
        same = [finding for finding in findings if finding.kind == kind]
        frames = sorted({index for finding in same for index in finding.frames})
        which = ", ".join(map(str, frames[:8])) + (", …" if len(frames) > 8 else "")
        table.add_row(kind, str(len(frames)), which, same[0].reason)
    console.print(table)
    raise typer.Exit(1)
