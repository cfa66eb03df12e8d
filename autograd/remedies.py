"""What to type to install what is missing: for this Python, whether it has pip or not, and from where nngraph came."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from .language import N_
from .reason import Reason

NOT_INSTALLED = N_("the package numba-cuda is not installed, which writes kernels for a GPU")
NO_NUMBA = N_("numba is not installed")
INSTALL_IT = N_("{why}; install it with: {command}")
WITHOUT_A_GPU = N_(
    '`nngraph kernel` and `nngraph plan --engine cuda` show what a GPU would do, and engine "cuda-simulator" tries small graphs'
)
"""What can be done where there is no GPU."""


def installing(*packages: str) -> str:
    """The command that installs packages for the Python that is running; an extra of nngraph is "[cuda]"."""
    python = _quoted(_near(sys.executable or "python3"))
    if find_spec("pip") is not None:
        pip = f"{python} -m pip"
    else:
        # README's environment is made without pip, which another Python brings.
        pip = f"{'py' if os.name == 'nt' else 'python3'} -m pip --python {python}"
    wanted = [_quoted(f"{_source()}{each}") if each.startswith("[") else each for each in packages]
    return " ".join([pip, "install", *wanted])


def lacking(why: str, *packages: str) -> Reason:
    """Why something does not run, and the command that installs what it lacks."""
    return Reason(INSTALL_IT, why=why, command=installing(*packages))


def _source() -> str:
    """What pip calls nngraph: the folder that it was installed from, as long as there is one, else its name."""
    # Not above: it takes 20 ms, and a command starts in few hundred.
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        url = str(json.loads(distribution("nngraph").read_text("direct_url.json") or "{}").get("url", ""))
    except (PackageNotFoundError, ValueError):
        return "nngraph"
    scheme, _, path = url.partition("://")
    path = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), path.encode()).decode()
    folder = Path(path.lstrip("/") if os.name == "nt" else path)
    return _near(str(folder)) if scheme == "file" and (folder / "pyproject.toml").is_file() else "nngraph"


def _near(path: str) -> str:
    """A path from the current folder, where it lies in there."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path == here or path.startswith(here + os.sep) else path


def _quoted(text: str) -> str:
    """As a word of a shell, of any system."""
    return f'"{text}"' if any(sign in text for sign in " []") else text
