"""The three languages: catalogs complete and compiled, terms as reviewed, each script and region pure."""

import importlib.util
import json
import re
import unicodedata
from pathlib import Path

import pytest
from nngraph.autograd.language import (
    FIELD,
    LANGUAGES,
    LOCALE_FOLDER,
    cell_width,
    current,
    current_language,
    known_language,
    language,
    language_from_environment,
    set_language,
    translate,
)

ROOT = Path(__file__).resolve().parents[2]
CHINESE = {"zh-TW": "zh_TW", "zh-CN": "zh_CN"}
# The encodings of each region's own standard: what they cannot write is a character of the other script.
SCRIPT = {"zh-TW": "cp950", "zh-CN": "gb2312"}
SHAPE = re.compile(r"\([^()]*,[^()]*\)")
"""A shape such as (rows, features): its names are those of the program in every language."""
TERMS = json.loads((ROOT / "autograd" / "locale" / "terms.json").read_text(encoding="utf-8"))


def load_catalogs():
    spec = importlib.util.spec_from_file_location("update_catalogs", ROOT / "tests" / "update_catalogs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


catalogs = load_catalogs()


def translations(name):
    """What is translated; that nothing is untranslated is a test of its own."""
    return {
        message.id: message.string for message in catalogs.read_catalog(CHINESE[name]) if message.id and message.string
    }


@pytest.mark.parametrize("name", CHINESE)
def test_no_sentence_is_missing_or_stale(name):
    wanted, have = set(catalogs.sentences()), translations(name)
    missing = sorted(sentence for sentence in wanted if not have.get(sentence))
    stale = sorted(set(have) - wanted)
    assert not missing, f"{len(missing)} sentences without a translation; run tests/update_catalogs.py: {missing[:5]}"
    assert not stale, f"{len(stale)} translations of sentences that are gone; run tests/update_catalogs.py: {stale[:5]}"


@pytest.mark.parametrize("name", CHINESE)
def test_the_compiled_catalog_is_the_written_one(name):
    locale = CHINESE[name]
    assert catalogs.catalog_path(locale, ".mo").read_bytes() == catalogs.compiled(catalogs.read_catalog(locale))
    # The shipped files are found where the program looks for them.
    assert (LOCALE_FOLDER / locale / "LC_MESSAGES" / "nngraph.mo").is_file()
    for sentence, text in translations(name).items():
        assert translate(sentence, name) == text


@pytest.mark.parametrize("name", CHINESE)
def test_fields_are_the_same_in_every_language(name):
    different = {
        sentence: text
        for sentence, text in translations(name).items()
        if sorted(set(FIELD.findall(sentence))) != sorted(set(FIELD.findall(text)))
    }
    assert not different


@pytest.mark.parametrize("name", CHINESE)
def test_each_script_is_pure(name):
    foreign = {}
    for text in translations(name).values():
        for character in text:
            if unicodedata.name(character, "").startswith("CJK UNIFIED"):
                try:
                    character.encode(SCRIPT[name])
                except UnicodeEncodeError:
                    foreign.setdefault(character, text)
    assert not foreign


@pytest.mark.parametrize("name", CHINESE)
def test_no_words_of_the_other_region(name):
    found = {(word, text) for text in translations(name).values() for word in TERMS["avoid"][name] if word in text}
    assert not found


@pytest.mark.parametrize("name", CHINESE)
def test_terms_are_the_reviewed_ones(name):
    wrong = []
    for term in TERMS["terms"]:
        pattern = re.compile(rf"(?<![\w.-]){re.escape(term['en'])}(s|es)?(?![\w-])", re.IGNORECASE)
        for sentence, text in translations(name).items():
            if pattern.search(SHAPE.sub("", FIELD.sub("", sentence))) and not any(form in text for form in term[name]):
                wrong.append((term["en"], term[name], sentence, text))
    assert not wrong


def test_the_term_table_gives_every_term_in_every_language():
    names = [term["en"] for term in TERMS["terms"]]
    assert len(names) == len(set(names))
    for term in TERMS["terms"]:
        assert set(term) == {"en", "zh-TW", "zh-CN"}
        for name, encoding in SCRIPT.items():
            for form in term[name]:
                form.encode(encoding)
                assert not [word for word in TERMS["avoid"][name] if word in form]


def test_fields_are_filled_and_other_braces_stay():
    assert (
        translate("shape {shape} is not in {0, 1} nor {}", "en", shape="(3,)") == "shape (3,) is not in {0, 1} nor {}"
    )


def test_translate_without_fields_gives_the_template():
    assert translate("multiply {a} by {b}") == "multiply {a} by {b}"


def test_translate_names_the_missing_field():
    with pytest.raises(KeyError, match="b"):
        translate("multiply {a} by {b}", a=1)


def test_the_language_is_local_to_its_block():
    with language("zh-TW"):
        assert current_language() == "zh-TW"
        with language("zh-CN"):
            assert current_language() == "zh-CN"
        assert current_language() == "zh-TW"
    assert current_language() == "en"


def test_set_language_is_checked():
    with pytest.raises(ValueError, match="en, zh-TW, zh-CN"):
        set_language("klingon")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh-TW"),
        ({"LANG": "zh_HK.UTF-8"}, "zh-TW"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_SG"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "zh-TW"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "NNGRAPH_LANG": "zh-TW"}, "zh-TW"),
        ({"LANG": "zh_CN.UTF-8", "NNGRAPH_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_TW:en"}, "zh-TW"),
        ({"LANG": "C", "LANGUAGE": "zh_TW:en"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_language_from_environment(environment, expected):
    assert language_from_environment(environment) == expected


def test_known_language():
    assert [known_language(name) for name in LANGUAGES] == list(LANGUAGES)
    assert known_language("zh-Hant-TW") == "zh-TW"
    assert known_language("zh_Hans") == "zh-CN"


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("權重", 4), ("（）", 4), ("y\u0302", 1), ("∂σ·", 3), ("", 0)])
def test_cell_width(text, cells):
    assert cell_width(text) == cells


def test_a_language_of_the_environment_that_is_not_spoken_is_said_once(monkeypatch):
    monkeypatch.setenv("NNGRAPH_LANG", "fr-test")
    token = current.set(None)
    try:
        with pytest.warns(UserWarning, match="'fr-test' is not a language of nngraph; there are en, zh-TW, zh-CN"):
            assert current_language() == "en"
        assert current_language() == "en"
    finally:
        current.reset(token)
