"""Markdown, HTML and JSON: well formed, self-contained, complete."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import jsonschema
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError
from nngraph.autograd.language import LANGUAGES
from nngraph.autograd.symbolic.derivation import Derivation
from nngraph.autograd.symbolic.json import SCHEMA


@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_has_closed_formulas_and_whole_tables(
    real: dict[str, Derivation], made: ModuleType, language: str
) -> None:
    for derivation in (*real.values(), made.scalar(), made.matrix()):
        markdown = derivation.markdown(language=language)
        blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", markdown, re.M | re.S)
        assert blocks
        assert markdown.count("$$") == 2 * len(blocks)
        for block in blocks:
            assert block.startswith(r"\begin{aligned}")
            assert block.endswith(r"\end{aligned}")
        rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", markdown, flags=re.M | re.S)
        for line in rest.split("\n"):
            assert len(re.findall(r"(?<!\\)\$", line)) % 2 == 0, line
        for table in re.findall(r"(?:^\|.*\n)+", markdown, re.M):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().split("\n")}
            assert len(counts) == 1, table


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_well_formed_and_asks_for_nothing(real: dict[str, Derivation], made: ModuleType, language: str) -> None:
    for derivation in (*real.values(), made.scalar(), made.failing(made.matrix(), "b1")):
        page = derivation.html(language=language)
        head, _, rest = page.partition("<body>")
        ET.fromstring("<body>" + rest.partition("</html>")[0].replace("<wbr>", "<wbr/>").replace("&nbsp;", " "))
        assert f'<html lang="{language}">' in head
        assert "default-src 'none'" in head
        assert "http://" not in page
        assert "https://" not in page
        assert "<script" not in page
        assert not re.search(r"(src|href)\s*=|url\(|@import", page)


def test_a_notebook_gets_a_part_of_a_page_that_touches_nothing_else(made: ModuleType) -> None:
    part = made.scalar()._repr_html_()
    assert part.startswith('<div class="nngraph-derivation" lang="en">')
    ET.fromstring(part.replace("<wbr>", "<wbr/>").replace("&nbsp;", " "))
    assert not re.search(r"<!DOCTYPE|<html|<head>|<meta|<body|:root", part)
    rules = re.search(r"<style>(.*?)</style>", part, re.S)
    assert rules is not None
    for rule in re.sub(r"@media print \{(.*)\}", r"\1", rules[1]).strip().split("}"):
        selectors = rule.partition("{")[0].strip()
        assert not selectors or all(each.strip().startswith(".nngraph-derivation") for each in re.split(r",(?![^(]*\))", selectors)), rule
    bundle = made.scalar()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/markdown", "text/latex"}


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.txt", "E = "), ("a.tex", "% Compile"), ("a.MD", "## "), ("a.html", "<!DOCTYPE"), ("a.json", "{")],
)
def test_save_writes_the_form_of_the_ending(made: ModuleType, tmp_path: Path, name: str, begins: str) -> None:
    assert made.scalar().save(tmp_path / name) == tmp_path / name
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    made.scalar().save(str(tmp_path / name), "zh-TW")
    assert "反向" in (tmp_path / name).read_text(encoding="utf-8") or name == "a.json"


def test_save_names_the_endings_there_are(made: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"x\.pptx .*use \.txt \.tex \.md \.html \.json"):
        made.scalar().save(tmp_path / "x.pptx")
    assert list(tmp_path.iterdir()) == []


def test_html_keeps_names_from_becoming_tags() -> None:
    import nngraph as ng
    from nngraph.autograd.symbolic import explain

    w = ng.input("<b>w</b>", 2.0)
    page = explain(w * w, [w]).html()
    assert "<b>w" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_json_follows_the_shipped_schema(real: dict[str, Derivation], made: ModuleType, language: str) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for derivation in (*real.values(), made.scalar(), made.matrix(), made.failing(made.scalar(), "b2.a1")):
        jsonschema.validate(json.loads(derivation.json(language=language)), schema)


def test_json_has_what_a_program_needs(made: ModuleType) -> None:
    record = json.loads(made.scalar().json())
    assert (record["version"], record["output"], record["ok"]) == (1, "E", True)
    assert record["gradients"]["w"] == {
        "value": float(made.scalar().gradients["w"].value),
        "formula": "2(y−z)·y(1−y)·x",
        "latex": r"2 (y-z) \cdot y (1-y) \cdot x",
    }
    steps = {step["id"]: step for step in record["steps"]}
    assert steps["b4.d"]["checked"] is True
    assert (steps["b4.d"]["error"], steps["b4.d"]["points"], steps["b4.d"]["rule"]) == (3e-17, 21, "power rule")
    assert steps["b1.w"]["checked"] is None
    assert "no finite point" in steps["b1.w"]["reason"]
    assert steps["f1"]["before"] == {"text": "a1", "latex": "a_{1}"}


def test_json_tensors_are_nested_lists_in_full_precision_and_words_for_what_is_no_number(made: ModuleType) -> None:
    from dataclasses import replace

    derivation = made.matrix()
    record = json.loads(derivation.json())
    assert np.array_equal(np.array(record["gradients"]["W"]["value"]), derivation.gradients["W"].value)
    odd = replace(derivation, value=np.array([np.nan, np.inf, -np.inf]))
    assert json.loads(odd.json())["value"] == ["nan", "inf", "-inf"]


def test_json_of_a_failed_derivation_ends_at_the_failed_line_and_gives_no_result(made: ModuleType) -> None:
    record = json.loads(made.failing(made.scalar(), "b2.a1").json())
    assert record["ok"] is False
    assert record["gradients"] == {}
    assert record["steps"][-1]["id"] == "b2.a1"
    assert record["steps"][-1]["checked"] is False
