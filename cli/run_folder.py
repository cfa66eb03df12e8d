"""The folder of a training: settings, weights of the best epoch, where it stands, records, pictures, a report; each written whole.

What a network makes after each epoch is kept as numbers and as a picture; in the end the pictures are a film."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.files import write_whole
from ..autograd.language import current_language
from ..autograd.language import translate as _
from .errors import CommandError
from .trainable_systems import checked

if TYPE_CHECKING:
    from ..nets.adversarial.trainer import AdversarialTrainer
    from ..nets.progress import AnyRecord
    from ..nets.trainer import Trainer
    from ..viz.plots import Animation, Plot

SETTINGS, WEIGHTS, CHECKPOINT, RECORDS, REPORT = "settings.json", "weights.safetensors", "checkpoint.safetensors", "records.jsonl", "report.html"
SAMPLES, EPOCH, FILM = "samples.safetensors", "samples/epoch-{epoch:04}.png", "samples.gif"
SECONDS = 1.0
"""So often at most a running training is written: what a crash can cost."""
FAMILIES = {
    "en": '"DejaVu Sans","Noto Sans"',
    "zh-TW": '"DejaVu Sans","Noto Sans CJK TC","PingFang TC","Microsoft JhengHei"',
    "zh-CN": '"DejaVu Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei"',
}
"""The fonts of a report: each language with the forms of its own letters."""
FRAMES = 60
"""At most so many epochs are in the film, and one."""


class RunFolder:
    """A folder that a training is written to while it runs, or nothing with path=None."""

    def __init__(self, path: str | None) -> None:
        self.path = None if path is None else Path(path)
        self.records: list[dict[str, Any]] = []
        self.best: dict[str, Any] | None = None
        self.best_loss = float("inf")
        self.state: dict[str, Any] = {}
        self.samples: dict[int, np.ndarray] = {}
        self._made: list[Path] = []
        self._before: dict[str, Any] | None = None
        self._written = 0.0
        self._is_new_best = False

    def start(self, settings: Mapping[str, Any]) -> None:
        """Make a new folder; CommandError where there is something already."""
        if self.path is None:
            return
        # Settings alone are what is left of a training that was killed in its first epoch.
        if self.path.exists() and (not self.path.is_dir() or {each.name for each in self.path.iterdir()} - {SETTINGS}):
            holds_run = (self.path / RECORDS).exists()
            raise CommandError(
                _("{path} is not empty", path=self.path),
                _("--resume {path} goes on with the training there", path=self.path) if holds_run else _("choose a folder that is new"),
            )
        self._made = [each for each in (self.path, *self.path.parents) if not each.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(_("cannot write {path}: {reason}", path=self.path, reason=error.strerror or error)) from None
        self._write(SETTINGS, json.dumps(dict(settings), indent=2, ensure_ascii=False) + "\n")

    def give_up(self) -> bool:
        """After a failure: write the epochs there are, or leave nothing where there are none. Whether there are some."""
        if self.path is None or self.records:
            self.write()
            return bool(self.path is not None and self.records)
        (self.path / SETTINGS).unlink(missing_ok=True)
        for each in sorted(self.path.glob("samples/epoch-*.png")):
            each.unlink()
        for each in [self.path / "samples", *self._made]:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()
        return False

    def resume(self) -> dict[str, Any]:
        """The settings and records of a training that was begun here."""
        assert self.path is not None
        if not self.path.is_dir():
            said = _("{path} is no folder", path=self.path) if self.path.exists() else _("there is no folder {path}", path=self.path)
            raise CommandError(said, _("--resume takes the folder that -o wrote"))
        file = SETTINGS
        try:
            settings = checked(json.loads((self.path / file).read_text(encoding="utf-8")))
            file = RECORDS
            self.records = [_record(json.loads(line)) for line in (self.path / file).read_text(encoding="utf-8").splitlines()]
            if [each["epoch"] for each in self.records] != list(range(1, len(self.records) + 1)):
                raise ValueError
            (self.path / CHECKPOINT).stat()
        except FileNotFoundError:
            raise CommandError(_("{path} holds no training that could go on: {file} is not there", path=self.path, file=file)) from None
        except (ValueError, AttributeError, OSError, RecursionError):
            raise CommandError(_("{path} holds no training that could go on: {file} is damaged", path=self.path, file=file)) from None
        self.best_loss = min((each["validation"] for each in self.records if each.get("validation") is not None), default=float("inf"))
        from ..nets.saving import load_values

        self._before = load_values(self.path / WEIGHTS)
        if (self.path / SAMPLES).exists():
            self.samples = {int(epoch): made for epoch, made in load_values(self.path / SAMPLES).items()}
        return settings

    def is_unfinished(self) -> bool:
        """Whether all that is missing is the report."""
        return self.path is not None and not (self.path / REPORT).exists()

    def back_to(self, epoch: int) -> None:
        """Forget the epochs after this one: the training goes on from here."""
        if len(self.records) < epoch:
            raise CommandError(_("{path} holds no training that could go on: {file} is damaged", path=self.path, file=RECORDS))
        del self.records[epoch:]
        self.samples = {each: made for each, made in self.samples.items() if each <= epoch}

    def take(self, trainer: Trainer | AdversarialTrainer, record: AnyRecord) -> None:
        """Keep an epoch that is done; it is written now and then, and by `finish`."""
        from ..nets.checkpoint import EPOCHS

        values = {name: np.array(value) for name, value in trainer.net.values().items()}
        kept = {name: value for name, value in asdict(record).items() if name != "samples"}
        self.records.append({**kept, "stopped": None})
        self.state = {f"net/{name}": value for name, value in values.items()}
        self.state |= {name: np.array(leaf.value) for name, leaf in trainer.states.items()}
        self.state[EPOCHS] = np.int64(trainer.done)
        validation = kept.get("validation")
        if validation is None or validation < self.best_loss:
            self.best_loss = self.best_loss if validation is None else validation
            self.best, self._is_new_best = values, True
        if perf_counter() - self._written > SECONDS:
            self.write()

    def show(self, epoch: int, made: np.ndarray, shown: Callable[[np.ndarray], Plot] | None) -> None:
        """Keep what was made after an epoch, and write its picture where one can be painted."""
        # Epochs 1, 3, 5 …, then 1, 5, 9 …: those that a longer training keeps were all kept by a shorter one.
        self.samples[epoch] = made
        step = 1
        while (epoch - 1) // step >= FRAMES:
            step *= 2
        self.samples = {each: some for each, some in self.samples.items() if (each - 1) % step == 0 or each == epoch}
        if self.path is not None and shown is not None:
            (self.path / EPOCH).parent.mkdir(exist_ok=True)
            write_whole(self.path / EPOCH.format(epoch=epoch), shown(made).png(1))

    def film(self, shown: Callable[[np.ndarray], Plot]) -> Animation:
        """What was made after the epochs, one after another."""
        from ..viz.plots import film

        frames = [shown(made).with_(title=_("epoch {epoch}", epoch=epoch)) for epoch, made in sorted(self.samples.items())]
        return film(frames, seconds=min(8.0, 0.25 * len(frames)))

    def write(self) -> None:
        """Everything so far: the best weights first, the checkpoint last."""
        if self.path is None or not self.state:
            return
        from ..nets.saving import save_values

        if self._is_new_best:
            assert self.best is not None
            save_values(self.path / WEIGHTS, self.best)
            self._is_new_best = False
        if self.samples:
            save_values(self.path / SAMPLES, {str(epoch): made for epoch, made in self.samples.items()})
        self._write(RECORDS, "".join(json.dumps(each) + "\n" for each in self.records))
        save_values(self.path / CHECKPOINT, self.state)
        self._written = perf_counter()

    def best_values(self) -> dict[str, Any]:
        """The values of the best epoch, of this run or of the one it goes on with."""
        found = self.best or self._before
        assert found is not None
        return found

    def finish(self, told: Mapping[str, str], plots: Mapping[str, Any], words: str, film: Animation | None = None) -> None:
        """Pictures and report of the whole training."""
        if self.path is None:
            return
        for name, plot in plots.items():
            plot.save(self.path / f"{name}.svg")
            plot.save(self.path / f"{name}.png")
        pictures = {name: f"{name}.svg" for name in plots}
        if film is not None:
            film.save(self.path / FILM)
            pictures["epoch by epoch"] = FILM
        self._write(REPORT, report(told, pictures, words))

    def _write(self, name: str, text: str) -> None:
        assert self.path is not None
        write_whole(self.path / name, text.encode())


def report(told: Mapping[str, str], pictures: Mapping[str, str], words: str) -> str:
    """A page with what was trained, what came out and the pictures beside it, files by name."""
    rows = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in told.items())
    images = "\n".join(f'<figure><img src="{file}" alt="{escape(_(name))}"><figcaption>{escape(_(name))}</figcaption></figure>' for name, file in pictures.items())
    return f"""<!doctype html>
<html lang="{current_language()}"><head><meta charset="utf-8"><title>{escape(words)}</title>
<style>body{{font-family:{FAMILIES[current_language()]},sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1d2129}}
th{{text-align:left;font-weight:normal;color:#5f6875;padding-right:2em;vertical-align:top}}figure{{margin:2em 0}}img{{max-width:100%}}figcaption{{color:#5f6875}}</style>
</head><body>
<h1>{escape(words)}</h1>
<table>
{rows}
</table>
{images}
</body></html>
"""


def _record(found: Any) -> dict[str, Any]:
    """A line of the records; ValueError for what is none."""
    numbers = [*found["losses"].values()] if found.get("losses") else [found.get("loss"), *found.get("metrics", {}).values()]
    numbers += [] if found.get("validation") is None else [found["validation"]]
    if not isinstance(found.get("epoch"), int) or not all(isinstance(each, (int, float)) for each in [*numbers, found.get("seconds")]):
        raise ValueError
    return dict(found)
