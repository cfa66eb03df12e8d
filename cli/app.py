"""The program `nngraph`: speaks the user's language, runs a command, and turns whatever happens into an exit code.

0: all is well. 1: a line, a claim or a gradient is wrong, or a training came to nothing. 2: the input cannot be understood. 130: Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..autograd.language import LANGUAGES, N_, known_language, language_from_environment, set_language, translate
from . import show, streams

FINE, WRONG, MISUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        streams.flush()
    except BrokenPipeError:
        streams.drop(sys.stdout)  # whoever read our output has seen enough
    except streams.StreamError as error:
        show.show_error(error, False, False)
        code = MISUSED
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """The exit code of one run; everything is printed."""
    show.prepare_streams()
    as_json = "--json" in arguments or _option(arguments, "--format") == "json"
    color = show.wants_color(_option(arguments, "--color") or "auto", sys.stderr)
    try:
        choose_language(arguments)
        from .commands import program

        result = program()(args=list(arguments), prog_name="nngraph", standalone_mode=False)
        return result if isinstance(result, int) else FINE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The terminal library leaves with SystemExit when the reader of a pipe has gone.
        return FINE
    except BaseException as raised:
        error = streams.lost(raised)
        code = exit_code(error)
        if code is None:
            # Not 1, which would tell a script that the claim or the derivation is wrong.
            import traceback

            traceback.print_exc()
            show.note(
                translate(N_("This is a mistake in nngraph, not in your input; please report it with the lines above."))
            )
            return MISUSED
        try:
            show.show_error(error, as_json, color)
        except streams.StreamError as second:
            show.show_error(second, False, color)
            return MISUSED
        return code


def exit_code(error: BaseException) -> int | None:
    """What an error means for the caller of the program; None for a mistake of our own."""
    from typer import Abort, TyperException

    from ..autograd.errors import CheckFailed, NngraphError, NoDevice
    from .errors import TrainingFailed

    if isinstance(error, (CheckFailed, NoDevice, TrainingFailed)):
        return WRONG
    if isinstance(error, Abort):
        return INTERRUPTED
    if isinstance(
        error, (NngraphError, TyperException, MemoryError, FileNotFoundError, PermissionError, IsADirectoryError)
    ):
        return MISUSED
    return None


def choose_language(arguments: Sequence[str]) -> None:
    """Set the language from --lang, else from the environment, before any help text is made."""
    asked = _option(arguments, "--lang")
    try:
        name = known_language(asked) if asked else language_from_environment()
    except ValueError:
        name = language_from_environment()  # the option's own check will say so
    wanted = os.environ.get("NNGRAPH_LANG", "")
    if wanted and not asked:
        try:
            known_language(wanted)
        except ValueError:
            show.note(f"NNGRAPH_LANG={wanted!r} is not a language of nngraph; there are {', '.join(LANGUAGES)}.")
    if name != "en" and not show.can_print("中文"):
        show.note(f"This terminal cannot print {name}; the output is in English.")
        name = "en"
    set_language(name)
    if name != "en":
        # The terminal library asks gettext for its own headings; let it find ours.
        import gettext

        from ..autograd.language import LOCALE_FOLDER

        os.environ["LANGUAGE"] = name.replace("-", "_")
        gettext.bindtextdomain("nngraph", str(LOCALE_FOLDER))
        gettext.textdomain("nngraph")


def _option(arguments: Sequence[str], name: str) -> str | None:
    """The last value of an option, read before the real parser runs."""
    value = None
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == name and at + 1 < len(arguments):
            value = arguments[at + 1]
        elif argument.startswith(name + "="):
            value = argument[len(name) + 1 :]
    return value


# Headings of the terminal library, so that the catalogs have them.
HEADINGS = (
    N_("Usage: "),
    N_("Options"),
    N_("Arguments"),
    N_("Commands"),
    N_("required"),
    N_("default: {default}"),
    N_("Show this message and exit."),
)
HEADINGS += (N_("Install completion for the current shell."),)
HEADINGS += (N_("Show completion for the current shell, to copy it or customize the installation."),)
