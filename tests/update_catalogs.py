"""Brings the Chinese catalogs up to the source: `python tests/update_catalogs.py [--check]`.

Collects every sentence (marked with N_, _ or translate, and the sentences of ops, systems and lectures), adds new ones untranslated, drops the
ones that are gone, compiles .po to .mo, and says what still needs a translation. --check changes nothing and fails on any difference.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ("zh_TW", "zh_CN")
MARKERS = {"N_", "_", "translate"}
LECTURES = ROOT / "examples" / "lectures"
FOLDERS = ("autograd", "nets", "viz", "cli")


def source_files() -> list[Path]:
    """Every Python file of the package."""
    return sorted([*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))])


def marked_sentences(path: Path) -> Iterator[str]:
    """The literals that a file marks as sentences: the first argument of N_("…"), _("…") and translate("…")."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS and node.args:
            for part in ast.walk(node.args[0]) if node.func.id == "N_" else [node.args[0]]:
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value:
                    yield part.value


def op_sentences() -> Iterator[tuple[str, str]]:
    """(where, sentence) for the words, the why and the pitfalls of every op."""
    import nngraph.autograd.ops  # noqa: F401  (fills the table)
    from nngraph.autograd.op import OPS

    for op in OPS.values():
        for sentence in (op.words, op.why, *op.pitfalls):
            if sentence:
                yield f"op {op.name}", sentence


def system_sentences() -> Iterator[tuple[str, str]]:
    """(where, sentence) for what `nngraph nets` says of each system: the first sentence of its docstring."""
    from nngraph.nets.systems import systems

    for system in systems():
        if system.what:
            yield system.path, system.what


def lecture_sentences() -> Iterator[tuple[str, str]]:
    """(where, sentence) for the title, the paragraphs and the marked sentences of each lecture."""
    from nngraph.cli.commands.lectures import has_words, paragraphs

    for path in sorted(LECTURES.glob("[0-9]*.py")):
        place = path.relative_to(ROOT).as_posix()
        for paragraph in paragraphs(path):
            if has_words(paragraph):
                yield place, paragraph
        for sentence in marked_sentences(path):
            yield place, sentence


def sentences() -> dict[str, list[str]]:
    """Every sentence of the project, with the places that say it."""
    found: dict[str, list[str]] = {}
    for path in source_files():
        for sentence in marked_sentences(path):
            places = found.setdefault(sentence, [])
            if (place := path.relative_to(ROOT).as_posix()) not in places:
                places.append(place)
    for place, sentence in (*op_sentences(), *system_sentences(), *lecture_sentences()):
        places = found.setdefault(sentence, [])
        if place not in places:
            places.append(place)
    return found


def catalog_path(locale: str, suffix: str = ".po") -> Path:
    return ROOT / "autograd" / "locale" / locale / "LC_MESSAGES" / f"nngraph{suffix}"


def read_catalog(locale: str) -> Catalog:
    path = catalog_path(locale)
    if not path.exists():
        return Catalog(locale)
    with path.open("rb") as file:
        return read_po(file, locale)


def updated(locale: str, wanted: dict[str, list[str]]) -> Catalog:
    """The catalog with exactly the wanted sentences, in order of place, keeping the translations it has."""
    old = read_catalog(locale)
    new = Catalog(locale, project="nngraph", version="0.1.0", header_comment="# The sentences of nngraph.", fuzzy=False)
    for sentence, places in sorted(wanted.items(), key=lambda item: (item[1][0], item[0])):
        message = old.get(sentence)
        new.add(sentence, message.string if message else "", auto_comments=[", ".join(places[:3])])
    return new


def text_of(catalog: Catalog) -> bytes:
    """The .po text, without the dates that would change in every run."""
    catalog.creation_date = catalog.revision_date = None
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=0, sort_output=False, omit_header=True)
    header = f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n\n'
    return header.encode() + buffer.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """The .mo bytes of the translated sentences; the dates in its header would change in every run, so they stand still."""
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=timezone.utc)
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="change nothing; fail if anything is missing or stale")
    check = arguments.parse_args().check
    wanted = sentences()
    wrong = False
    for locale in LOCALES:
        catalog = updated(locale, wanted)
        text = text_of(catalog)
        missing = [message.id for message in catalog if message.id and not message.string]
        stale = [message.id for message in read_catalog(locale) if message.id and message.id not in wanted]
        print(f"{locale}: {len(wanted)} sentences, {len(missing)} untranslated, {len(stale)} dropped")
        for sentence in missing:
            print(f"    {sentence}")
        wrong |= bool(missing or stale)
        if check:
            continue
        catalog_path(locale).parent.mkdir(parents=True, exist_ok=True)
        catalog_path(locale).write_bytes(text)
        with catalog_path(locale).open("rb") as file:
            catalog_path(locale, ".mo").write_bytes(compiled(read_po(file, locale)))
    return 1 if wrong and check else 0


if __name__ == "__main__":
    sys.exit(main())
