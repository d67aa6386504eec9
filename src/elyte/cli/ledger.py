"""`elyte ledger` and `elyte quarantine`: look after the labels of a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from elyte.cli.dispersion import CutoffOption, DispersionOption, FunctionalOption, changer
from elyte.cli.display import Display
from elyte.cli.elements import elements_of
from elyte.core.errors import InputError, Outcome
from elyte.core.formats import write_extxyz
from elyte.core.frame import Dataset, LabelledFrame
from elyte.reference.labelling import label_frames
from elyte.reference.settings import EngineSettings, recorded_key
from elyte.reference.suggested import extremes
from elyte.workflow.database import Entry
from elyte.workflow.ledger import Ledger
from elyte.workflow.provenance import provenance_path


class Action(StrEnum):
    """What to do with a ledger."""

    show = "show"
    verify = "verify"
    repair = "repair"
    merge = "merge"
    export = "export"


def ledger(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    folder: Annotated[Path, typer.Argument(help="A ledger, or a project with one in it.")],
    others: Annotated[list[Path] | None, typer.Argument(help="Ledgers to merge into it.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Export to .extxyz, .cfg, or a DeePMD folder.")
    ] = None,
    level: Annotated[str | None, typer.Option(help="Level of theory to export.")] = None,
    species: Annotated[str | None, typer.Option(help="Order of types in a .cfg: H,C,O.")] = None,
    dispersion: DispersionOption = None,
    functional: FunctionalOption = "PBE",
    dispersion_cutoff: CutoffOption = "12 Å",
) -> None:
    """Show, verify, repair, merge or export the labels of a ledger.

    Verifying compares every file, structure and key with its hash. Repairing forgets the labels
    whose files are damaged, so that they are made again. Merging takes over into the first ledger
    what the others have and it has not. Beside an export lies its provenance, a JSON file.
    """
    place = find_ledger(folder)
    if action is Action.merge:
        _merge(place, others or [])
        return
    repair = action is Action.repair
    with Ledger(place, writable=repair) as book:
        if repair or action is Action.verify:
            _verify(book, repair)
        elif action is Action.export:
            change = changer(dispersion, functional, dispersion_cutoff)
            _export(book, out, level, species, change)
        else:
            _show(book)


def quarantine(
    folder: Annotated[Path, typer.Argument(help="A ledger, or a project with one in it.")],
    release: Annotated[
        list[str] | None, typer.Option(help="Accept the label of this key (its beginning).")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Label all of them again.")] = False,
    show: Annotated[
        str | None, typer.Option(help="Show all that is known of this key (its beginning).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write those with labels to .extxyz.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Child processes of a retry.")] = 2,
) -> None:
    """List the refused labels with their reasons; show one, release them, try them again."""
    place = find_ledger(folder)
    if show:
        with Ledger(place, writable=False) as book:
            _show_one(book, _find(book, show))
        return
    if release or retry:
        with Ledger(place) as book:
            for beginning in release or []:
                _release(book, beginning)
            if retry:
                _retry(book, workers)
    with Ledger(place, writable=False) as book:
        entries = book.entries(quarantined=True)
        _list(entries)
        if out is not None:
            items = [book.load(entry) for entry in entries if entry.energy is not None]
            if items:
                write_extxyz(out, Dataset(items))
            print(f"{len(items)} refused labels in {out}" if items else f"nothing for {out}")


def find_ledger(folder: Path) -> Path:
    """Return the folder of the ledger in or below a project folder.

    Raises:
        InputError: there is none.
    """
    for place in (folder, folder / "ledger"):
        if (place / "ledger.sqlite").is_file():
            return place
    raise InputError(f"there is no ledger in {folder} (no ledger.sqlite, no ledger/ledger.sqlite)")


def _show(book: Ledger) -> None:
    table = Table("level of theory", "config_type", "labels", "atoms", "quarantined")
    entries = book.entries()
    groups = sorted({(entry.level, entry.config_type) for entry in entries})
    for level, config_type in groups:
        same = [e for e in entries if (e.level, e.config_type) == (level, config_type)]
        good = [entry for entry in same if entry.outcome.done]
        sizes = sorted({entry.atoms for entry in same})
        span = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]}–{sizes[-1]}"
        bad = len(same) - len(good)
        table.add_row(level or "?", config_type, str(len(good)), span, str(bad))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{len(book)} labels, {book.count(quarantined=True)} in quarantine")


def _verify(book: Ledger, repair: bool) -> None:
    total = book.count() + book.count(quarantined=True)
    damages = book.verify(repair, lambda entry, frame: recorded_key(frame, entry.provenance))
    for damage in damages:
        print(damage)
    print(f"{total - len(damages)} of {total} entries match their hash")
    if damages and not repair:
        raise typer.Exit(1)


def _merge(place: Path, others: list[Path]) -> None:
    if not others:
        raise InputError("merge what? Name one or more other ledgers")
    with Ledger(place) as book:
        for folder in others:
            with Ledger(find_ledger(folder), writable=False) as other:
                print(f"{book.merge(other)} entries taken from {folder}")
        print(f"{len(book)} labels in {place}")


def _export(
    book: Ledger,
    out: Path | None,
    level: str | None,
    species: str | None,
    change: Callable[[LabelledFrame], LabelledFrame] | None,
) -> None:
    if out is None:
        raise InputError("export where to? Name a file by --out")
    elements = elements_of(species)
    count = book.export(out, level, elements, change)
    print(f"{count} labelled frames in {out} (their provenance in {provenance_path(out)})")


def _find(book: Ledger, beginning: str) -> Entry:
    """Return the one quarantined entry whose key begins so."""
    found = [e for e in book.entries(quarantined=True) if e.key.startswith(beginning)]
    if len(found) != 1:
        raise InputError(f"{len(found)} quarantined labels have a key that begins '{beginning}'")
    return found[0]


def _show_one(book: Ledger, entry: Entry) -> None:
    """Print why a label was refused, what it holds, and how it was made."""
    frame = book.frame(entry)
    console = Console(highlight=False, soft_wrap=True)
    lines = [
        f"key          {entry.key}",
        f"refused      {entry.outcome.kind}: {entry.outcome.reason}",
        f"structure    {frame.to_ase().get_chemical_formula()}, {len(frame)} atoms, "
        + (f"{frame.volume:.1f} Å³" if frame.pbc.any() else "no box"),
        f"level        {entry.level or '?'}",
        f"config_type  {entry.config_type or '–'}",
        f"labelled     {entry.created} UTC",
    ]
    if entry.energy is not None:
        labels = book.load(entry).labels
        largest = extremes(labels)
        lines.append(f"energy       {labels.energy:.6f} eV")
        lines += [] if largest.force is None else [f"largest |F|  {largest.force:.4g} eV/Å"]
        lines += [] if largest.stress is None else [f"largest σ    {largest.stress:.4g} eV/Å³"]
    else:
        lines.append("energy       – (there is no label)")
    given = {**entry.provenance.get("settings", {}), **entry.outcome.details}
    lines += [f"  {name} = {value}" for name, value in given.items()]
    for line in lines:
        console.print(line, markup=False)


def _release(book: Ledger, beginning: str) -> None:
    entry = _find(book, beginning)
    labelled = book.release(entry.key)
    then = "is accepted" if labelled else "had no label; it is labelled when next asked for"
    print(f"{entry.key[:12]} {then}")


def _retry(book: Ledger, workers: int) -> None:
    """Label all quarantined frames again by the settings that they were first labelled with."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in book.entries(quarantined=True):
        settings = entry.provenance.get("settings")
        if settings:
            groups.setdefault((repr(sorted(settings.items())), entry.config_type), []).append(entry)
    results: list[LabelledFrame | Outcome] = []
    with Display() as display:
        for (_, config_type), entries in groups.items():
            settings = EngineSettings.from_mapping(entries[0].provenance["settings"])
            frames = [book.frame(entry) for entry in entries]
            report = display.stage("retry")
            results += label_frames(
                frames,
                settings,
                book,
                workers=workers,
                progress=report,
                config_type=config_type,
                retry=True,
            )
    better = sum(isinstance(item, LabelledFrame) for item in results)
    print(f"{better} of {len(results)} now have a good label")


def _list(entries: list[Entry]) -> None:
    console = Console(highlight=False)
    if not entries:
        console.print("the quarantine is empty")
        return
    table = Table("key", "atoms", "config_type", "reason", "fault")
    for entry in entries:
        outcome = entry.outcome
        row = (entry.key[:12], str(entry.atoms), entry.config_type, outcome.reason, outcome.kind)
        table.add_row(*row)
    console.print(table)
    counts = Counter(entry.outcome.kind for entry in entries)
    console.print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
