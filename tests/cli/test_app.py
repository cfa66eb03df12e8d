"""The program as a shell sees it: exit codes, streams, encodings, languages, completion."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from nngraph.autograd.language import language
from nngraph.autograd.op import OPS
from nngraph.cli.app import run
from nngraph.cli.show import printable, write_result

PROGRAM = [sys.executable, "-m", "nngraph"]


def nngraph(*arguments, stdin=None, **environment):
    """A finished process of the program."""
    return subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=120, env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    )  # fmt: skip


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("nngraph 0.")


@pytest.mark.parametrize("command", ["", "explain", "draw", "check", "ops", "lectures", "doctor", "plan", "kernel"])
def test_every_help_ends_with_examples(command, capsys):
    assert run([*([command] if command else []), "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Examples:" in help_text
    assert help_text.rpartition("Examples:")[2].strip().startswith("nngraph")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain"], "no expression"),
        (["explain", "w*sgmoid(x)"], "did you mean sigmoid?"),
        (["explain", "w*x", "--at", "w=1,v=2"], "--at v"),
        (["explain", "w*x", "--wrt", "v"], "--wrt v"),
        (["explain", "w*x", "--nonsense"], "--nonsense"),
        (["explain", "w*x", "--detail", "loud"], "loud"),
        (["explain", "w*x", "-o", "out.xyz"], "out.xyz"),
        (["explain", "--op", "sigmod"], "did you mean sigmoid?"),
        (["explain", "absent.py:loss"], "absent.py"),
        (["draw", "w*("], "never closed"),
        (["check", "w*x"], "--claim"),
        (["ops", "--kind", "nothing"], "activation"),
        (["ops", "nosuchop"], "nosuchop"),
        (["nosuchcommand"], "nosuchcommand"),
        (["explain", "w*x", "--lang", "klingon"], "klingon"),
    ],
)
def test_misuse_is_exit_code_2_on_stderr(arguments, said, capsys):
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err and printed.err.startswith("error:")


def test_the_caret_stands_under_the_word():
    finished = nngraph("explain", "權重*x + sgmoid(x)")
    assert finished.returncode == 2
    message, line, carets, hint = finished.stderr.splitlines()
    assert line == "  權重*x + sgmoid(x)" and carets == "  " + " " * 9 + "^" * 6
    assert hint == "  hint: did you mean sigmoid?"


def test_errors_as_json(capsys):
    assert run(["explain", "w*sgmoid(x)", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "error": {"message": "unknown function 'sgmoid'", "start": 2, "end": 8, "hint": "did you mean sigmoid?"}
    }
    assert run(["explain", "w*x", "--format", "json", "--wrt", "v"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["start"] is None


def test_ops_lists_the_whole_table(capsys):
    assert run(["ops"]) == 0
    table = capsys.readouterr().out
    assert not [name for name in OPS if f" {name} " not in table]
    assert run(["ops", "--json"]) == 0
    assert [record["name"] for record in json.loads(capsys.readouterr().out)] == list(OPS)
    assert run(["ops", "sig", "--kind", "activation"]) == 0
    assert "sigmoid" in capsys.readouterr().out


def test_ops_that_python_calls_otherwise_say_so(capsys):
    assert run(["ops", "dropout"]) == 0
    assert "in Python" in (table := capsys.readouterr().out) and "ng.dropout(x, rate=0.5," in " ".join(table.split())
    assert run(["ops", "uniform", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["python"].startswith("ng.uniform(shape, low=0.0, high=1.0, *, seed=0")


def test_a_language_of_the_environment_that_is_not_spoken_is_said(monkeypatch, capsys):
    monkeypatch.setenv("NNGRAPH_LANG", "fr")
    assert run(["check", "x**2", "--wrt", "x", "--claim", "2*x"]) == 0
    assert "NNGRAPH_LANG='fr' is not a language of nngraph; there are en, zh-TW, zh-CN" in capsys.readouterr().err


def test_doctor_finds_what_the_installation_brings(capsys):
    assert run(["doctor"]) == 0
    report = capsys.readouterr().out
    assert "DejaVuSans.ttf" in report and "resvg-py" in report


def test_a_terminal_that_knows_only_ascii():
    finished = nngraph("ops", "sigmoid", PYTHONIOENCODING="ascii")
    assert finished.returncode == 0 and finished.stdout.isascii() and "sigmoid" in finished.stdout
    finished = nngraph("explain", "σ(w)*", PYTHONIOENCODING="ascii")
    assert finished.returncode == 2 and finished.stderr.isascii() and "sigmoid(w)*" in finished.stderr
    finished = nngraph("ops", "--lang", "zh-TW", PYTHONIOENCODING="ascii")
    assert finished.returncode == 0 and finished.stdout.isascii() and "English" in finished.stderr


def test_a_terminal_with_a_chinese_code_page():
    arguments = ["explain", "sigmoid(w*x)", "--at", "w=1,x=2", "--wrt", "w", "--lang", "zh-CN"]
    finished = subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "gbk"}
    )
    text = finished.stdout.decode("gbk")
    assert finished.returncode == 0 and "链式法则" in text and "dy/dw" in text and "<" not in text.replace("<-", "")


def test_signs_keep_their_columns():
    # "sigmoid" is six signs longer than σ; the gap behind it gives six of its eight blanks.
    assert printable("∂E/∂w  = σ(a)        0.5", "ascii") == "dE/dw  = sigmoid(a)  0.5"
    assert printable("∂", "utf-8") == "∂"


def test_color_only_where_it_is_wanted():
    assert "\x1b[" not in nngraph("ops", "sigmoid").stdout
    assert "\x1b[" in nngraph("ops", "sigmoid", "--color", "always").stdout
    assert "\x1b[" not in nngraph("ops", "sigmoid", "--color", "never", FORCE_COLOR="1").stdout


@pytest.mark.parametrize(("choice", "word"), [("zh-TW", "選項"), ("zh-CN", "选项")])
def test_help_speaks_chinese(choice, word):
    for finished in (nngraph("explain", "--help", "--lang", choice), nngraph("explain", "--help", NNGRAPH_LANG=choice)):
        assert finished.returncode == 0
        assert word in finished.stdout and "Options:" not in finished.stdout


def test_the_locale_decides_when_nobody_else_does():
    finished = nngraph("ops", "sigmoid", NNGRAPH_LANG="", LC_ALL="zh_TW.UTF-8")
    assert finished.returncode == 0 and any("\u4e00" <= character <= "\u9fff" for character in finished.stdout)


def test_a_mistake_of_our_own_is_not_taken_for_a_wrong_claim(capsys, monkeypatch):
    def broken(*_):
        raise RuntimeError("on purpose")

    monkeypatch.setattr("nngraph.cli.show.table", broken)
    assert run(["ops"]) == 2
    shown = capsys.readouterr().err
    assert "RuntimeError: on purpose" in shown and "mistake in nngraph" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGPIPE nor these signals")
def test_a_closed_pipe_is_quiet():
    process = subprocess.Popen([*PROGRAM, "ops", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGPIPE nor these signals")
def test_ctrl_c_is_130():
    process = subprocess.Popen(
        [*PROGRAM, "explain", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(2)  # until it waits for its standard input
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert process.stderr.read() == b""
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    finished = nngraph(_NNGRAPH_COMPLETE=f"source_{shell}")
    assert finished.returncode == 0 and "nngraph" in finished.stdout


def test_completion_offers_functions_and_formats():
    def offered(line):
        return nngraph(
            _NNGRAPH_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1)
        ).stdout.split()

    assert "w*sigmoid(" in offered("nngraph explain w*sigm")
    assert offered("nngraph explain --op softmax_l") == ["softmax_loss"]
    assert "latex" in offered("nngraph explain --format l")
    assert "explain" in offered("nngraph exp")


def test_files_are_written_whole(tmp_path):
    path = tmp_path / "out.txt"
    write_result("first", str(path))
    assert path.read_text() == "first\n"
    write_result(b"bytes", str(path))
    assert path.read_bytes() == b"bytes"
    assert [each.name for each in tmp_path.iterdir()] == ["out.txt"]


def test_a_folder_that_is_not_there(capsys):
    assert run(["draw", "w*x", "--format", "svg", "-o", "no/such/folder/x.svg"]) == 2
    assert "no/such/folder" in capsys.readouterr().err


def test_lectures_are_listed_in_order(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "02_nets.py").write_text('"""Nets.\n\nMore."""\n')
    (tmp_path / "01_graphs.py").write_text('"""Graphs."""\n')
    assert run(["lectures", "--folder", "."]) == 0
    printed = capsys.readouterr().out
    assert printed.index("Graphs.") < printed.index("Nets.") and "More" not in printed
    # From a folder far away the lines stay short: the folder is named once, below.
    far = tmp_path / ("deep" * 20)
    far.mkdir()
    (far / "01_graphs.py").write_text('"""Graphs."""\n')
    assert run(["lectures", "--folder", str(far)]) == 0
    shown = capsys.readouterr().out
    assert ["01_graphs.py", "Graphs."] in [line.split() for line in shown.splitlines()]
    assert shown.endswith(f"One of them is run with python {far / 'FILE'}\n")
    assert shown.count(str(far)) == 1
    assert run(["lectures", "--folder", "absent"]) == 2


def test_the_text_of_a_lecture_is_printed(tmp_path, capsys):
    (tmp_path / "07_nets.py").write_text('"""Nets.\n\nMore\nof it.\n\n    y = w·x\n"""\n')
    assert run(["lectures", "7", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Nets.\n\nMore of it.\n\n    y = w·x\n\npython {tmp_path / '07_nets.py'}\n"
    assert run(["lectures", "8", "--folder", str(tmp_path)]) == 2
    assert "there is no lecture 8" in capsys.readouterr().err


def test_lectures_are_found_by_words(tmp_path, capsys):
    for name, title in (("01_graphs", "Graphs of anything."), ("02_nets", "Nets, drawn as graphs."), ("03_more", "More.")):
        (tmp_path / f"{name}.py").write_text(f'"""{title}"""\n')
    assert run(["lectures", "GRAPH", "--folder", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "01_graphs.py" in shown and "02_nets.py" in shown and "03_more.py" not in shown
    assert run(["lectures", "graph drawn", "--folder", str(tmp_path)]) == 0
    assert "01_graphs.py" not in capsys.readouterr().out
    assert run(["lectures", "kernel", "--folder", str(tmp_path)]) == 2
    assert "there is no lecture about kernel" in capsys.readouterr().err
    assert run(["lectures", "003", "--folder", str(tmp_path)]) == 0


@pytest.mark.parametrize("spelled", ["zh-tw", "zh_TW", "zh-Hant", "zh_TW.UTF-8"])
def test_a_language_may_be_spelled_in_any_usual_way(spelled, capsys):
    with language("en"):
        assert run(["explain", "w*x", "--at", "w=1,x=2", "--lang", spelled]) == 0
        assert "反向" in capsys.readouterr().out
        assert run(["explain", "w*x", "--nonsense", "--lang", spelled]) == 2
        assert capsys.readouterr().err.startswith("錯誤：沒有 --nonsense 這個選項\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "w*x", "-o", "x.pptx"], "x.pptx has an ending that no form has; use .txt .tex .md .html .json"),
        (["explain", "w*x", "--at"], "--at needs a value"),
        (["explain", "w*x", "--ordr", "2"], "there is no option --ordr\n  hint: did you mean --order?"),
        (["explain", "w*x", "--order", "9"], "9 is no value for --order: the smallest is 1, the largest"),
        (["explain", "w*x", "--detail", "loud"], "loud is no value for --detail; there are brief, normal, full"),
        (["check", "w*x", "--timeout", "0"], "the smallest is 0.1"),
        (["explain", "w*x", "y"], "y is one argument too many"),
    ],
)
def test_what_the_terminal_library_says_is_said_in_our_words(arguments, said, capsys):
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


def test_hidden_checks_are_still_made(capsys, monkeypatch):
    arguments = ["explain", "sigmoid(w*x)", "--at", "w=1,x=2", "--wrt", "w", "--checks", "hidden"]
    assert run(arguments) == 0
    assert "✓" not in capsys.readouterr().out
    from nngraph.autograd.symbolic import verify

    monkeypatch.setattr(verify.Checker, "difference", lambda self, name: 0.3)
    assert run(arguments) == 1
    assert "finite differences disagree by 0.3" in capsys.readouterr().out


def test_the_doctor_knows_that_pdf_needs_nothing_more(capsys):
    assert run(["doctor"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("PDF")]
    assert "missing" not in line


def test_kinds_of_ops_are_said_in_the_language_and_as_the_option_takes_them(capsys):
    assert run(["ops", "tanh", "--lang", "zh-TW"]) == 0
    assert "激活函數 activation" in " ".join(capsys.readouterr().out.split())
    assert run(["ops", "tanh"]) == 0
    assert " activation " in capsys.readouterr().out
