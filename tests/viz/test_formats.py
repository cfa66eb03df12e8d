"""The writers: well formed whatever the labels, the same everywhere, nothing fetched from outside."""

from __future__ import annotations

import io
import json
import re
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nngraph.viz import measure
from nngraph.viz.data import SCHEMA
from nngraph.viz.drawing import Arrow, Box, Drawing, DrawingError, Group, Step
from nngraph.viz.themes import THEMES

NASTY = [
    '"',
    "'",
    "<b>",
    "a:b",
    "a\nb",
    "&amp;",
    "</script>",
    "]]>",
    "{x}",
    "\\",
    "\\N",
    "<",
    "反向",
    "🦊",
    "\x00",
    "\ud800",
    "%s",
    "$x_1^2$",
    "-->",
    "",
]
labels = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))


def one(label: str, **more) -> Drawing:
    return Drawing(
        (
            Box(label or "a", (label,), above=label, below=label, detail=label, note=label, group="g"),
            Box("b" + label, (label,)),
        ),
        (Arrow(label or "a", "b" + label, label=label, note=label),),
        (Group("g", label),),
        (Step(label, (label or "a",)),),
        notes=(label,),
        title=label,
        **more,
    )


@settings(max_examples=60, deadline=None)
@given(labels)
def test_any_label_gives_a_whole_picture(label):
    drawing = one(label)
    root = ElementTree.fromstring(drawing.svg())
    assert root.tag.endswith("svg")
    page = drawing.html()
    assert page.count("<script") == page.count("</script>") == 2
    embedded = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    assert len(embedded["steps"]) == 1
    assert json.loads(drawing.json())["version"] == 1
    assert drawing.tikz().rstrip().endswith(r"\end{tikzpicture}")
    assert drawing.text()


@settings(max_examples=25, deadline=None)
@given(labels)
def test_dot_reads_back_with_the_same_boxes(label):
    import pygraphviz

    graph = pygraphviz.AGraph(string=one(label).dot.source)
    assert sorted(graph.nodes()) == ["n0", "n1"]
    assert len(graph.edges()) == 1


def test_svg_is_for_the_weakest_reader(samples):
    text = samples.lenet().svg()
    root = ElementTree.fromstring(text)
    assert len(root.attrib["viewBox"].split()) == 4
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds == {"svg", "title", "g", "rect", "path", "polygon", "text"}
    assert not any("class" in element.attrib or "style" in element.attrib for element in root.iter())
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "href" not in text
    assert "url(" not in text


def test_ids_of_two_pictures_do_not_meet(samples):
    def ids(drawing):
        return set(re.findall(r' id="([^"]+)"', drawing.svg()))

    first, second = ids(samples.net221()), ids(samples.lenet())
    assert first
    assert second
    assert not first & second


def test_page_forbids_the_network(samples):
    page = samples.net221().html()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    assert "script-src 'sha256-" in policy
    assert "connect-src" not in policy
    import base64
    import hashlib

    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy


def test_page_speaks_its_language(samples):
    english, chinese = samples.net221().html(), samples.net221().with_(language="zh-TW").html()
    assert '<html lang="zh-TW">' in chinese
    assert "next step" in english


def test_json_follows_its_schema(samples):
    jsonschema = pytest.importorskip("jsonschema", reason="the schema is checked where the test extra is installed")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for drawing in (samples.net221(), samples.lenet(), one("x"), Drawing(())):
        jsonschema.validate(json.loads(drawing.json()), schema)


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the unpacked (filtered) rows of a PNG."""
    wide, high = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return wide, high, zlib.decompress(data)


def test_png_shows_chinese_and_not_empty_boxes():
    import resvg_py

    drawing = Drawing((Box("a", ("反向傳播 链式法则",)),))
    from nngraph.viz.svg import svg

    tofu = bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg(drawing),
            skip_system_fonts=True,
            font_files=[str(measure.LATIN.path)],
            font_family="DejaVu Sans",
        )
    )
    real = drawing.png(1.0)
    assert pixels(real)[:2] == pixels(tofu)[:2]
    assert pixels(real)[2] != pixels(tofu)[2]
    words = {character: Drawing((Box("a", (character,)),)).png(1.0) for character in "反向傳播链式"}
    assert len(set(words.values())) == len(words)  # every character has a picture of its own


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_character_no_font_has_is_named(suffix):
    drawing = Drawing((Box("a", ("fox 🦊",)),))
    with pytest.raises(DrawingError, match=r"U\+1F98A fox face.*\.svg"):
        getattr(drawing, suffix)()
    assert "🦊" in drawing.svg()


def test_png_scales(samples):
    small, large = pixels(samples.net221().png(1.0)), pixels(samples.net221().png(2.0))
    assert large[0] == pytest.approx(2 * small[0], abs=2)


def test_sizes_for_slides_keep_the_proportions(samples):
    from nngraph.viz.svg import paper

    drawing = samples.net221()
    wide, high = paper(drawing.with_(size="slide"))
    assert wide <= 1280
    assert high <= 720
    assert max(wide / 1280, high / 720) == pytest.approx(1, abs=0.01)
    assert wide / high == pytest.approx(drawing.placed.width / drawing.placed.height, rel=0.01)


def pdf_streams(data: bytes) -> list[bytes]:
    return [zlib.decompress(body) for body in re.findall(rb"stream\n(.*?)\nendstream", data, re.S)]


def test_pdf_is_one_page_with_its_fonts_and_selectable_text():
    drawing = Drawing((Box("a", ("∂E/∂w₁ 反向",)),))
    data = drawing.pdf()
    assert data.startswith(b"%PDF-1.7")
    assert data.rstrip().endswith(b"%%EOF")
    start = int(re.search(rb"startxref\n(\d+)", data)[1])
    assert data[start : start + 4] == b"xref"
    for offset in re.findall(rb"(\d{10}) 00000 n", data):
        assert re.match(rb"\d+ 0 obj", data[int(offset) : int(offset) + 12])
    maps = [stream.decode() for stream in pdf_streams(data) if b"beginbfchar" in stream]
    mapped = {
        bytes.fromhex(code).decode("utf-16-be")
        for text in maps
        for code in re.findall(r"<[0-9A-F]{4}> <([0-9A-F]+)>", text)
    }
    assert mapped >= set("∂E/w₁反向")
    from fontTools.ttLib import TTFont

    fonts = [stream for stream in pdf_streams(data) if stream[:4] == b"\x00\x01\x00\x00"]
    assert len(fonts) == 2
    for font in fonts:
        assert TTFont(io.BytesIO(font))["maxp"].numGlyphs > 0
    assert len(data) < 120_000


def test_text_as_paths_needs_no_font(samples):
    text = samples.net221().svg(text_as_paths=True)
    assert "<text" not in text
    import resvg_py

    with_paths = bytes(resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True))
    assert len(set(pixels(with_paths)[2])) > 20


def test_dot_says_each_box_once(samples):
    source = samples.lenet().dot.source
    nodes = re.findall(r"^\s*(n\d+) \[", source, re.M)
    assert len(nodes) == len(set(nodes)) == len(samples.lenet().boxes)
    assert max(map(len, nodes)) <= 3


def test_tikz_escapes_what_latex_reads():
    said = Drawing((Box("a", ("50% of w_1 & {x} #2 \\ ~ ^ σ",)),)).tikz()
    assert r"50\% of w\_1 \& \{x\} \#2 \textbackslash{} \textasciitilde{} \textasciicircum{} $\sigma$" in said


def test_tikz_compiles(tmp_path, samples):
    """With LaTeX where there is one; everywhere: braces match and nothing but ASCII is left that LaTeX would not know."""
    import shutil
    import subprocess

    boxes = (Box("a", ("∂E/∂w12",), detail="50% of x_1 & {y}"), Box("b", ("σ′",), above="γ ★ ≤ Σ ∇ ∞ √ ·"))
    drawing = Drawing((*boxes, Box("c", ("( )²",))), (Arrow("a", "b"), Arrow("b", "c", "saved")))
    said = drawing.tikz()
    assert "w$_{12}$" in said
    assert all(character.isascii() for character in said)
    assert said.replace(r"\{", "").replace(r"\}", "").count("{") == said.replace(r"\{", "").replace(r"\}", "").count("}")
    if shutil.which("pdflatex") is None:
        return
    page = r"\documentclass{standalone}\usepackage{textcomp}\usepackage[T1]{fontenc}\usepackage{tikz}\begin{document}"
    (tmp_path / "page.tex").write_text(page + said + r"\end{document}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-800:]


@pytest.mark.parametrize("language", ["en", "zh-TW", "zh-CN"])
def test_a_saved_tex_file_compiles_as_it_is(language, tmp_path, samples):
    import shutil
    import subprocess

    title = "a_1 & 50%" if language == "en" else "訓練一步" if language == "zh-TW" else "训练一步"
    path = samples.net221().with_(language=language, title=title).save(tmp_path / "net.tex")
    text = path.read_text(encoding="utf-8")
    assert r"\documentclass[border=2bp]{standalone}" in text
    assert text.startswith("% Compile with pdflatex")
    assert "CJK" in text or language == "en"
    assert r"\begin{tikzpicture}" in text
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return
    needed = ["standalone.cls", "iftex.sty", "CJKutf8.sty"]
    if subprocess.run(["kpsewhich", *needed], capture_output=True, check=False).returncode:
        return
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-800:]


def test_latex_knows_every_sign_of_an_op():
    from nngraph.autograd.op import OPS
    from nngraph.viz.tikz import escaped

    signs = {sign for op in OPS.values() for sign in (op.symbol, op.notation.sign) if isinstance(sign, str)}
    assert len(signs) > 40
    assert {sign for sign in signs if not escaped(sign).isascii()} <= {"◣", "◥", "▭"}  # pictures write the op's name there


def test_labels_are_set_as_mathematics():
    drawing = Drawing((Box("a", ("w1",), detail="∂E/∂gamma"), Box("layer1", ("layer1",))))
    said = re.findall(r">([^<]+)</text>", drawing.svg())
    assert said == ["w₁", "∂E/∂γ", "layer1"]
    assert any("> <2081>" in stream.decode("latin-1") for stream in pdf_streams(drawing.pdf()))  # ₁ can be selected
    assert "w$_1$" in drawing.tikz()


def test_text_shows_shared_boxes_once():
    drawing = Drawing(
        (Box("x", ("x",)), Box("s", ("σ",)), Box("m", ("×",))),
        (Arrow("x", "s"), Arrow("s", "m", order=1), Arrow("s", "m", order=2)),
    )
    assert drawing.text() == "×\n├─ σ\n│  └─ x\n└─ σ ↑\n"


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_every_theme_knows_every_kind(theme, samples):
    assert set(THEMES[theme].styles) == set(THEMES["light"].styles)
    assert samples.net221().with_(theme=theme).png(0.5)


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_text_can_be_read_on_its_box(theme):
    """WCAG's contrast of at least 4.5 to 1 between text and fill."""

    def light(color):
        parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def contrast(a, b):
        high, low = sorted((light(a), light(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    one_theme = THEMES[theme]
    for style in one_theme.styles.values():
        assert contrast(one_theme.text, style.fill) >= 4.5
        assert contrast(one_theme.muted, style.fill) >= 4.5
    for color in (one_theme.value, one_theme.gradient, one_theme.muted):
        assert contrast(color, one_theme.background) >= 4.5


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_kinds_can_be_told_apart(theme):
    """In print by gray, border and shape alone; no two kinds of a legend look the same."""
    looks = {}
    for kind, style in THEMES[theme].styles.items():
        if not kind.startswith("neuron"):
            looks.setdefault((style.fill, style.stroke, style.shape, style.line, style.dash), []).append(kind)
    assert [kinds for kinds in looks.values() if len(kinds) > 1] == []
