"""`nngraph train`: a network trained on data, with its curves, its mistakes, its weights and a report in a folder."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from ...autograd.executable import OFFERED
from ...autograd.language import N_
from ...autograd.language import translate as _
from ...nets.data.gaps import FOR_GAPS
from ..options import Color, ColorOption, LanguageOption
from ..trainable_systems import SYSTEMS

NAME = "train"
EXAMPLES = (
    "nngraph train mlp --data digits --hidden 30,30,30 --epochs 30 -o run/",
    "nngraph train mlp --data customers.csv --target churn --missing fill -o churn/",
    "nngraph train autoencoder --data digits --hidden 32,8 -o code/",
    "nngraph train gan --data digits -o run/",
    "nngraph train dcgan --data digits --loss least-squares -o run/",
    "nngraph train --resume run/ --epochs 60",
)


def HELP() -> str:
    return "\n\n".join(
        (
            _("Train a network on data, and write what it learned, how it went and what it gets wrong into a folder."),
            _("Ctrl-C ends a training early: the best epoch so far is kept, and --resume goes on from where it was."),
        )
    )


System = StrEnum("System", {name: name for name in SYSTEMS})  # type: ignore[misc]
Missing = StrEnum("Missing", {name: name for name in FOR_GAPS})  # type: ignore[misc]
Engine = StrEnum("Engine", {name: name for name in OFFERED})  # type: ignore[misc]
SETTINGS = {
    "loss": N_("loss"), "steps": N_("steps of the discriminator"), "latent": N_("size of the code"), "optimizer": N_("optimizer"),
    "rate": N_("rate"), "batch": N_("rows to a step"), "seed": N_("seed"),
}  # fmt: skip
"""What is said of the settings in a report."""
CAN_CHANGE = ("epochs", "patience", "engine")
"""What another part of the same training may be told anew."""


def run(
    system: Annotated[System | None, typer.Argument(help=_("What is trained."), show_default=False)] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="NAME|FILE.csv|FOLDER", help=_("What it learns from: a data set by name, a CSV file, or a folder of images (one folder for each class, or the files of MNIST)."), show_default=False),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMN", help=_("The column of a table that is to be learned."), show_default=False)
    ] = None,
    hidden: Annotated[
        str | None, typer.Option("--hidden", metavar="SIZES", help=_("The units of each hidden layer: 30,30."), show_default=False)
    ] = None,
    latent: Annotated[int | None, typer.Option("--latent", min=1, metavar="COUNT", help=_("How many numbers a code, or the noise that a generator is given, has."), show_default=False)] = None,
    loss: Annotated[str | None, typer.Option("--loss", metavar="NAME", help=_("What the sides of a game want: minimax, non-saturating, least-squares, wasserstein, wasserstein-gp, hinge, or f-gan and a divergence."), show_default=False)] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, metavar="COUNT", help=_("How often a discriminator learns before the generator learns once."), show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help=_("How often all rows are seen; 30 unless given."), show_default=False)] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", metavar="NAME", help=_("sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, adamw or lbfgs; adam unless given."), show_default=False)] = None,
    rate: Annotated[float | None, typer.Option("--rate", help=_("The learning rate; the usual one of the optimizer unless given."), show_default=False)] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help=_("Rows to a step; 32 unless given."), show_default=False)] = None,
    validation: Annotated[float | None, typer.Option("--validation", help=_("The share of the rows that is kept aside to find the best epoch; 0.2 unless given."), show_default=False)] = None,
    patience: Annotated[int | None, typer.Option("--patience", min=1, help=_("End when the validation loss has not sunk for so many epochs."), show_default=False)] = None,
    missing: Annotated[Missing | None, typer.Option("--missing", help=_("What happens to gaps in a table; error unless given."), show_default=False)] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="COLUMN,…", help=_("Columns of a table to leave out. Repeatable."))] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", metavar="NAME", help=_("How the letters of a CSV file are written: utf-8, big5, gb18030 …; utf-8 unless given."), show_default=False)] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help=_("The seed of everything that is drawn; 0 unless given."), show_default=False)] = None,
    engine: Annotated[Engine | None, typer.Option("--engine", help=_("What computes; that of NNGRAPH_ENGINE, or numba, unless given."), show_default=False)] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="FOLDER", help=_("The folder to write; a new one, or an empty one."), show_default=False)] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="FOLDER", help=_("Go on with the training in this folder, to --epochs in all."), show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:  # fmt: skip
    """0 when it was trained, 1 when it came to nothing, 130 when it was stopped by Ctrl-C; the best so far is written then, too."""
    given = {
        "system": system and system.value, "data": data, "target": target, "hidden": hidden, "latent": latent, "loss": loss,
        "steps": steps, "epochs": epochs,
        "optimizer": optimizer, "rate": rate, "batch": batch, "validation": validation, "patience": patience, "seed": seed,
        "engine": engine and engine.value, "encoding": encoding, "missing": missing and missing.value,
        "drop": [name for names in drop for name in names.split(",")] if drop else None,
    }  # fmt: skip
    said = {name: value for name, value in given.items() if value is not None}
    from ..errors import CommandError
    from ..run_folder import CHECKPOINT, RunFolder
    from ..trainable import placed
    from ..trainable_systems import settled

    if resume is None:
        for name, example in (("system", "mlp"), ("data", f"{said.get('system')} --data digits")):
            if name not in said:
                raise CommandError(_("{name} is missing", name=_(name)), _("for example {example}", example=f"nngraph train {example}"))
        folder, settings = RunFolder(output), settled({**said, "data": placed(said["data"])})
    else:
        other = [name for name in said if name not in CAN_CHANGE]
        if other or output is not None:
            raise CommandError(_("--resume goes on with the settings of the folder; {name} cannot be changed", name=", ".join(other) or "-o"), _("only {names} can", names=", ".join(f"--{name}" for name in CAN_CHANGE)))  # fmt: skip
        folder = RunFolder(resume)
        settings = {**folder.resume(), **said}
    return _trained(folder, settings, CHECKPOINT if resume is not None else None, as_json, color)


def _trained(folder: Any, settings: dict[str, Any], checkpoint: str | None, as_json: bool, color: Color) -> int:
    from math import isfinite
    from types import SimpleNamespace

    from ...nets.checkpoint import load_checkpoint
    from ...nets.progress import progress
    from .. import show
    from ..errors import CommandError, TrainingFailed
    from ..trainable import load
    from ..trainable_systems import model, trainer_of

    sizes = None if settings["hidden"] is None else _sizes(settings["hidden"])
    task = load(settings["data"], settings["target"], settings["validation"], settings["seed"], settings["missing"], settings["drop"], settings["encoding"])
    made = model(task, sizes, settings)
    if settings["patience"] is not None and made.validation is None:
        raise CommandError(_("--patience needs rows kept aside, and {system} has none here", system=settings["system"]), "--validation 0.2")
    trainer = trainer_of(made, settings)
    if checkpoint is None:
        folder.start({**settings, "rows": task.mark})
    else:
        if settings["rows"] not in (None, task.mark):
            raise CommandError(_("the rows of {data} are others than when this training began", data=settings["data"]), _("begin a new one: -o FOLDER"))
        load_checkpoint(folder.path / checkpoint, trainer)
        folder.back_to(trainer.done)
    left = settings["epochs"] - trainer.done
    if left < 1 and folder.is_unfinished():
        # It ended after its last epoch and before its report.
        made.net.set_values(folder.best_values())
        return _told(folder, settings, task, made, SimpleNamespace(stopped=None, epoch=trainer.done, epochs=trainer.done), as_json)
    if left < 1:
        raise CommandError(_("{path} has {epochs} epochs already", path=folder.path, epochs=trainer.done), _("--epochs says how many in all"))
    shown = None if _why_no_plots() else made.shown

    def take(record: Any) -> None:
        losses = record.losses.values() if hasattr(record, "losses") else [record.loss, *([] if record.validation is None else [record.validation])]
        wrong = [loss for loss in losses if not isfinite(loss)]
        if wrong:
            said = _("the loss is {loss} in epoch {epoch}: the learning rate is too high", loss=wrong[0], epoch=record.epoch)
            some = folder.give_up()
            raise TrainingFailed(said, _("a smaller --rate, and a new folder: {path} keeps the epochs before", path=folder.path) if some else _("a smaller --rate"))
        if made.samples is not None:
            folder.show(record.epoch, made.samples(), shown)
        folder.take(trainer, record)

    last = None
    how = {} if settings["patience"] is None else {"patience": settings["patience"]}
    try:
        for last in progress(trainer.run(left, **how), left, callbacks=[take], color=show.wants_color(color.value)):
            pass
    except BaseException as error:
        some = folder.give_up()
        if isinstance(error, KeyboardInterrupt) and not some:
            show.note(_("Interrupted before an epoch was done; nothing is written."))
        raise
    assert last is not None
    folder.write()
    made.net.set_values(folder.best_values())
    return _told(folder, settings, task, made, last, as_json)


def _told(folder: Any, settings: dict[str, Any], task: Any, made: Any, last: Any, as_json: bool) -> int:
    """Say and write what came out."""
    from ...nets.progress import stopped
    from .. import show

    best = _best(folder.records)
    results = best.get("losses") or {"loss": best["loss"], **({} if best["validation"] is None else {"validation": best["validation"]}), **best["metrics"]}
    seconds = sum(record["seconds"] for record in folder.records)
    of_rows = _("{count} validation rows", count=len(task.judged)) if task.validation is not None else _("the training rows")
    words = _("{system} on {data}", system=settings["system"], data=task.name)
    kept = 0 if task.validation is None else len(task.validation)
    words_of = {"loss": made.objective}
    told = {
        _("system"): _("{name}, {count} parameters", name=settings["system"], count=f"{made.net.count:,}"),
        _("data"): _("{name}, {count} rows, of them {kept} kept aside", name=task.name, count=len(task.train) + kept, kept=kept),
        **{_(words_of.get(name, name)): f"{value:.4g}" for name, value in results.items()},
        _("measured on"): of_rows, _("epoch"): f"{best['epoch']} / {len(folder.records)}", _("seconds for the epochs"): f"{seconds:.2g}",
        _("settings"): _(", ").join(f"{_(word)} {settings[name]}" for name, word in SETTINGS.items() if settings[name] is not None),
    }  # fmt: skip
    if stop := stopped(last):
        told[_("end")] = stop
    _pictures(folder, made, told, words)
    if as_json:
        import json

        record = {"version": 1, "system": settings["system"], "data": settings["data"], "best_epoch": best["epoch"], "epochs": len(folder.records), **results, "parameters": made.net.count, "stopped": last.stopped, "folder": folder.path and str(folder.path)}  # fmt: skip
        show.out(json.dumps(record, ensure_ascii=not show.can_print("中文∂"), indent=2))
    else:
        figures = _(", ").join(f"{_(words_of.get(name, name))} {value:.4g}" for name, value in results.items())
        said = N_("{words}: epoch {epoch} of {epochs}, {figures} ({rows})") if best is folder.records[-1] else N_("{words}: the best of {epochs} epochs is {epoch}, {figures} ({rows})")
        show.out(_(said, words=words, epoch=best["epoch"], epochs=len(folder.records), figures=figures, rows=of_rows))
        if folder.path is not None:
            show.out(_("written: {path}", path=folder.path))
    return 130 if last.stopped == "interrupt" else 0


def _why_no_plots() -> str:
    """Why pictures cannot be painted, with the line that helps; empty where they can."""
    from ...viz.plots import PlotError
    from ...viz.plots.plot import library

    try:
        library()
    except PlotError as error:
        return str(error)
    return ""


def _pictures(folder: Any, made: Any, told: dict[str, str], words: str) -> None:
    """The pictures and the report; where matplotlib is not there, a line says so and the rest is written."""
    if folder.path is None:
        return
    from .. import show

    if why := _why_no_plots():
        show.note(why)
        folder.finish(told, {}, words)
        return
    from ...viz.plots import learning_curves

    plots, film = {"curves": learning_curves(folder.records, loss=made.objective), **made.pictures()}, None
    if made.shown is not None:
        plots["samples"], film = made.shown(made.samples()), folder.film(made.shown)
    folder.finish(told, plots, words, film)


def _best(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The epoch whose values are kept: that of the least validation loss; without validation the last."""
    judged = [record for record in records if record.get("validation") is not None]
    return min(judged, key=lambda record: record["validation"]) if judged else records[-1]


def _sizes(text: str) -> tuple[int, ...]:
    from ..errors import CommandError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= 100_000 for part in parts):
        raise CommandError(_("--hidden {text}: sizes are whole numbers from 1 up, divided by commas", text=text), _("for example {example}", example="--hidden 30,30"))
    return tuple(map(int, parts))
