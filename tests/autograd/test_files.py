"""Files written whole: through links, into devices, with the rights a file usually has."""

import os
import stat
import sys

import nngraph as ng
import pytest
from nngraph.autograd.files import is_device, write_whole

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links, rights and devices")


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "out.txt"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second" and [each.name for each in tmp_path.iterdir()] == ["out.txt"]


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", b"text")
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "absent" / "out.txt", b"text")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


@posix
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link, dangling = tmp_path / "elsewhere" / "real.md", tmp_path / "link.md", tmp_path / "new.md"
    target.write_text("old")
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "elsewhere" / "later.md")
    write_whole(link, b"new")
    write_whole(dangling, b"later")
    assert link.is_symlink() and target.read_text() == "new" and dangling.is_symlink()
    assert sorted(each.name for each in target.parent.iterdir()) == ["later.md", "real.md"]


@posix
def test_rights_are_those_of_any_file_and_stay(tmp_path):
    path = tmp_path / "out.txt"
    before = os.umask(0o027)
    try:
        write_whole(path, b"first")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    write_whole(path, b"second")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
def test_devices_are_written_into():
    assert is_device("/dev/null") and not is_device(".") and not is_device(__file__) and not is_device("/dev/absent")
    write_whole("/dev/null", b"text")
    assert is_device("/dev/null")


@posix
def test_derivations_and_pictures_are_written_through_links(tmp_path):
    y = ng.sigmoid(ng.parameter("w", 2.0) * ng.input("x", 3.0))
    for name, save in (("y.md", ng.explain(y, wrt=[y.inputs[0].inputs[0]]).save), ("y.svg", ng.draw(y).save)):
        target, link = tmp_path / f"real-{name}", tmp_path / name
        target.write_text("old")
        link.symlink_to(target)
        save(link)
        assert link.is_symlink() and len(target.read_text(encoding="utf-8")) > 100


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    for path, kind in ((tmp_path / "nowhere" / "a.txt", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(kind) as said:
            write_whole(path, b"new")
        assert said.value.filename == str(path)
    assert not list(tmp_path.iterdir())
