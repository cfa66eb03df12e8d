"""Machine code on disk: whom it is taken from, and what happens in folders that are read-only, damaged, deleted, shared."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nngraph as ng  # noqa: F401 - the package must be there before its kernels
import pytest
from nngraph.autograd.kernels import code_cache, machine_code
from nngraph.autograd.kernels.machine import machine

posix = pytest.mark.skipif(os.name != "posix", reason="files have owners and modes on POSIX")


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Set the cache folder; what is in memory already is forgotten."""
    monkeypatch.setattr(machine_code, "_addresses", {})
    code_cache._warn.cache_clear()

    def use(folder: str | Path = tmp_path / "cache") -> Path:
        monkeypatch.setenv("NNGRAPH_CACHE", str(folder))
        code_cache.folders.cache_clear()
        return Path(folder)

    yield use
    code_cache.folders.cache_clear()


class Built:
    """A function that gives back a number, compiled when asked for; `times` counts how often."""

    def __init__(self, number: int) -> None:
        self.number, self.times = number, 0
        self.key = machine_code.key_of(f"gives {number}")

    def build(self) -> bytes:
        self.times += 1
        text = f"define i64 @{machine_code.symbol(self.key)}() {{ ret i64 {self.number} }}"
        return machine_code.object_code(text)

    def works(self) -> bool:
        """Whether the function, as a fresh process would get it, does what it should."""
        machine_code._addresses.clear()
        return ctypes.CFUNCTYPE(ctypes.c_int64)(machine_code.address_of(self.key, self.build))() == self.number


def test_code_is_built_once_and_kept(cached):
    folder, built = cached(), Built(1)
    assert built.works() and built.works()
    assert built.times == 1
    assert [path.name for path in folder.iterdir()] == [f"{built.key}.o"]
    assert machine_code.is_ready(built.key)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: data.replace(b"code 2", b"code 1", 1),
        lambda data: b"\0" * len(data),
    ],
    ids=["empty", "header only", "cut", "one bit", "older format", "zeros"],
)
def test_a_damaged_file_is_built_again_and_replaced(cached, damage):
    folder, built = cached(), Built(2)
    assert built.works()
    file = folder / f"{built.key}.o"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert not machine_code.is_ready("nothing") and code_cache.read(built.key) is None
    assert built.works() and built.times == 2
    assert file.read_bytes() == whole


def test_a_file_under_another_name_is_not_taken(cached):
    folder, one, two = cached(), Built(3), Built(4)
    assert one.works()
    (folder / f"{one.key}.o").rename(folder / f"{two.key}.o")
    assert two.works() and one.works()


def test_where_no_folder_can_be_made_code_stays_in_memory(cached, tmp_path):
    (tmp_path / "file").write_text("")
    long, deep = tmp_path / ("long" * 200), tmp_path / "/".join(["deep"] * 2000)
    for folder in (tmp_path / "file" / "below", Path("/proc/nngraph"), long, deep):
        cached(folder)
        built = Built(5)
        with pytest.warns(UserWarning, match="is not used: it cannot be made"):
            assert built.works() and built.works()
        assert built.times == 2, folder


def test_a_file_instead_of_a_folder_is_named_in_a_warning(cached, tmp_path):
    (tmp_path / "file").write_text("")
    cached(tmp_path / "file")
    with pytest.warns(UserWarning, match=r"NNGRAPH_CACHE=.*file is not used: it is no folder"):
        assert Built(6).works()
    assert Built(6).works()  # said once


def test_a_deleted_folder_is_made_again(cached):
    folder, built = cached(), Built(7)
    assert built.works()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert built.works() and built.times == 2
    assert (folder / f"{built.key}.o").exists()


def test_a_folder_in_the_place_of_a_file_does_no_harm(cached):
    folder, built = cached(), Built(8)
    (folder / f"{built.key}.o").mkdir(parents=True)
    assert built.works()
    assert [path.name for path in folder.iterdir()] == [f"{built.key}.o"]  # and no half-written file stays


@posix
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(cached, mode):
    folder, built = cached(), Built(9)
    assert built.works()
    folder.chmod(mode)
    with pytest.warns(UserWarning, match="other users could have written machine code there"):
        assert built.works()
    assert built.times == 2


@posix
def test_a_file_that_others_can_write_to_is_not_loaded(cached):
    folder, built = cached(), Built(10)
    assert built.works()
    file = folder / f"{built.key}.o"
    assert file.stat().st_mode & 0o777 == 0o644
    file.chmod(0o666)
    assert built.works() and built.times == 2
    assert file.stat().st_mode & 0o777 == 0o644


@posix
def test_code_of_another_user_is_not_loaded(cached, monkeypatch):
    cached()
    built = Built(11)
    assert built.works()
    us = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: us + 1)  # as if that user had written it
    if us == 0:
        assert built.works() and built.times == 1  # the administrator may warm a cache for all
    else:
        with pytest.warns(UserWarning, match="other users"):
            assert built.works()
        assert built.times == 2


@posix
def test_nothing_is_written_where_another_user_owns_the_folder(cached, monkeypatch):
    folder = cached()
    folder.mkdir()
    real = os.stat

    def stat(path, **more):
        about = real(path, **more)
        return os.stat_result((*about[:4], os.geteuid() + 7, *about[5:])) if Path(path) == folder else about

    monkeypatch.setattr(os, "stat", stat)
    with pytest.warns(UserWarning, match="other users"):
        assert Built(12).works()
    assert not list(folder.iterdir())


@posix
def test_links_are_not_followed(cached, tmp_path):
    folder, built = cached(), Built(13)
    assert built.works()
    file = folder / f"{built.key}.o"
    file.rename(tmp_path / "elsewhere.o")
    file.symlink_to(tmp_path / "elsewhere.o")
    assert built.works() and built.times == 2
    assert not file.is_symlink()


@pytest.fixture
def without_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No home folder that can be written to; the temporary folder, which is what is left."""
    (tmp_path / "home").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv("NNGRAPH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(code_cache.sys, "platform", "linux")
    monkeypatch.setattr(code_cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setattr(machine_code, "_addresses", {})
    code_cache.folders.cache_clear()
    yield tmp_path / "temporary"
    code_cache.folders.cache_clear()


@posix
def test_the_temporary_folder_serves_those_without_a_home(without_home):
    built = Built(14)
    assert built.works() and built.works() and built.times == 1
    (folder,) = without_home.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert str(os.geteuid()) in folder.name


@posix
def test_a_link_in_the_temporary_folder_is_not_followed(without_home, tmp_path):
    (_, temporary) = code_cache.folders()
    assert temporary.anywhere
    (tmp_path / "trap").mkdir()
    temporary.path.symlink_to(tmp_path / "trap")
    built = Built(15)
    assert built.works() and built.works() and built.times == 2
    assert not list((tmp_path / "trap").iterdir())


def test_a_relative_folder_means_where_the_process_started(cached, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cached("here")
    built = Built(16)
    assert built.works()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert built.works() and built.times == 1
    assert (tmp_path / "here" / f"{built.key}.o").exists()


@posix
def test_a_user_without_a_home_gets_no_folder_called_tilde(monkeypatch, tmp_path):
    for name in ("NNGRAPH_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what a user without an entry gets
    monkeypatch.setattr(code_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    code_cache.folders.cache_clear()
    try:
        assert [folder.path.parent for folder in code_cache.folders()] == [tmp_path]
    finally:
        code_cache.folders.cache_clear()


def test_a_folder_full_of_code_loses_what_was_used_least_recently(cached, monkeypatch):
    folder = cached()
    monkeypatch.setattr(code_cache, "MOST_FILES", 8)
    folder.mkdir(mode=0o700)
    (folder / "notes.txt").write_text("mine")
    long_ago = time.time() - 100 * code_cache.DAY
    keys = [f"f{number:031x}" for number in range(10)]
    for at, key in enumerate(keys):
        code_cache.write(key, b"code")
        os.utime(folder / f"{key}.o", (long_ago + at, long_ago + at))
    assert code_cache.read(keys[0]) == b"code"  # used now
    code_cache.write(f"{0:032x}", b"new")
    left = {path.stem for path in folder.glob("*.o")}
    assert len(left) == 6
    assert {keys[0], f"{0:032x}", *keys[-4:]} == left
    assert (folder / "notes.txt").exists()


def test_the_key_tells_processors_apart(monkeypatch):
    here = machine()
    keys = {machine_code.key_of("loop")}
    for change in ({"name": "another"}, {"features": "-all"}, {"vector_bytes": 8}, {"triple": "aarch64-linux"}):
        other = type(here)(**{**{name: getattr(here, name) for name in here.__slots__}, **change})
        monkeypatch.setattr(machine_code, "machine", lambda other=other: other)
        keys.add(machine_code.key_of("loop"))
    assert len(keys) == 5


def test_the_key_covers_what_a_page_takes_from_elsewhere(root):
    text = machine_code.text_of("random")
    assert (root / "autograd" / "philox.py").read_bytes() in text
    assert (root / "autograd" / "kernels" / "vector.py").read_bytes() in text


# Whole processes ------------------------------------------------------------------------------------------------------
STEP = """
import sys
import nngraph as ng
before = sorted({"numba", "llvmlite"} & set(sys.modules))
w = ng.parameter("w", [[1.0, 2.0], [3.0, 4.0]])
loss = ng.sum(ng.tanh(w) * w)
run = ng.compile(loss, updates={w: w - 0.1 * ng.gradient(loss, [w])[0]})
print(before, [float(run()) for _ in range(2)], "numba" in sys.modules)
"""


def _process(cache: Path, code: str = STEP) -> subprocess.Popen:
    environment = os.environ | {"NNGRAPH_CACHE": str(cache)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=pipe, stderr=pipe, text=True)


def _said(process: subprocess.Popen) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def test_processes_that_compile_the_same_at_once_and_a_warm_start_without_numba(tmp_path):
    cache = tmp_path / "cache"
    texts = {_said(each) for each in [_process(cache) for _ in range(2)]}
    assert len(texts) == 1
    (cold,) = texts
    assert cold.startswith("[] ") and cold.endswith("True\n")
    files = sorted(path.name for path in cache.iterdir())
    assert files and all(name.endswith(".o") and not name.startswith(".") for name in files)
    warm = _said(_process(cache))
    assert warm == cold.replace("True", "False")
    assert sorted(path.name for path in cache.iterdir()) == files


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no folder that lists files and takes none")
def test_a_folder_that_cannot_be_made_is_told(monkeypatch):
    from nngraph.autograd.kernels import cache_folders, code_cache

    monkeypatch.setenv("NNGRAPH_CACHE", "/proc/nngraph")
    code_cache._warn.cache_clear()  # a folder is told once in a process, and another test may have asked for this one
    with pytest.warns(UserWarning, match=r"NNGRAPH_CACHE=/proc/nngraph is not used: it cannot be made"):
        code_cache.write("ab" * 16, b"code")
    (folder,) = cache_folders.code_folders()
    assert not folder.writable
