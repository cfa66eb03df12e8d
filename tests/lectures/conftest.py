"""A lecture is run once for each language; what it printed, drew and built is kept for all tests."""

import contextlib
import inspect
import io
import os
import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nngraph.autograd.language import language as spoken

LECTURES = Path(__file__).resolve().parents[2] / "examples" / "lectures"


def pytest_collection_modifyitems(items):
    """All tests of a lecture in the same worker, so that it is run once for each language."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            asked = item.callspec.params if hasattr(item, "callspec") else {}
            first = re.search(r'page\("(\d\d)"', inspect.getsource(item.function))
            number = asked.get("number") or (first and first[1])
            if number:
                item.add_marker(pytest.mark.xdist_group(f"lecture {number}"))


@dataclass(frozen=True)
class Page:
    """One run of a lecture."""

    names: dict[str, Any]
    text: str
    pictures: dict[str, str | bytes]

    def __getitem__(self, name):
        return self.names[name]


def content(path):
    """The text of a file, or its bytes where it holds none."""
    return path.read_text(encoding="utf-8") if path.suffix in (".svg", ".html") else path.read_bytes()


@contextlib.contextmanager
def inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """`page("06")` or `page("06", "zh-TW")`: the lecture with that number, run in an empty folder."""
    known = {}

    def run(number, language="en"):
        if (number, language) not in known:
            (path,) = LECTURES.glob(f"{number}_*.py")
            folder, printed = tmp_path_factory.mktemp(f"lecture{number}"), io.StringIO()
            with inside(folder), contextlib.redirect_stdout(printed), spoken(language):
                names = runpy.run_path(str(path), run_name="__main__")
            assert {each.name for each in folder.iterdir()} == {"out"}
            pictures = {each.name: content(each) for each in (folder / "out").iterdir()}
            known[number, language] = Page(names, printed.getvalue(), pictures)
        return known[number, language]

    return run
