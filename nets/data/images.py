"""Images from files: folders of pictures, one folder for each class, and the files of MNIST."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.errors import ParameterError
from ..rows import DataError, content, needed, whole
from .dataset import Dataset

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MNIST_SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist"
PARTS = {"train": "train", "test": "t10k"}


def image_folder(folder: str | Path, size: tuple[int, int] = (28, 28), gray: bool = True) -> Dataset:
    """Pictures from folders, one for each class. X (rows, channels, height, width) is float32 from 0 (black) to 1
    (white), with 1 channel or 3; all are brought to the size (height, width). Reading them needs Pillow.

    Pictures are turned upright as their camera noted it (EXIF), and what is transparent shows white paper. Gray of 16
    bits keeps its depth; gray of floats has to lie between 0 and 1. DataError naming the folder or file that is no good.
    """
    needed("PIL", "pictures are read with Pillow")
    folder = Path(folder)
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ParameterError(
            f"size={size!r}: the height and the width that all pictures are brought to, such as (28, 28)"
        )
    for each in size:
        whole(each, "size")
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; it holds one folder of pictures for each class")
    classes = sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    if len(classes) < 2:
        found = f"only the folder {classes[0]!r}" if classes else "no folders"
        raise DataError(f"{folder} holds {found}; it takes one folder of pictures for each of at least two classes")
    X, t = [], []
    for number, name in enumerate(classes):
        files = sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in SUFFIXES)
        if not files:
            raise DataError(f"{folder / name} holds no pictures ({', '.join(SUFFIXES[:4])}, …)")
        X += [_picture(path, size, gray) for path in files]
        t += [number] * len(files)
    return Dataset(folder.name, np.stack(X), np.array(t, np.int64), (), tuple(classes), str(folder))


def _picture(path: Path, size: tuple[int, int], gray: bool) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture, white = _plain(ImageOps.exif_transpose(file), path, gray)
            pixels = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR), np.float32) / np.float32(white)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}") from None
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 1 if gray else 3, 0)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _plain(picture: Any, path: Path, gray: bool) -> tuple[Any, float]:
    """A picture without transparency, gray or in red, green and blue, and the value that is white in it."""
    from PIL import Image

    if picture.mode == "F" or picture.mode.startswith("I"):
        # Pillow would cut these to 0 … 255 instead of scaling them.
        values, white = np.asarray(picture, np.float32), 1.0 if picture.mode == "F" else 65535.0
        if not ((values >= 0) & (values <= white)).all():
            raise DataError(
                f"{path} holds values from {values.min():g} to {values.max():g}; gray in {picture.mode} goes from 0 to {white:g}"
            )
        return Image.fromarray(values), white
    if "transparency" in picture.info or picture.getbands()[-1] in "Aa":
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture.convert("RGBA"))
    return picture.convert("L" if gray else "RGB"), 255.0


def mnist(folder: str | Path, part: str = "train", flat: bool = False) -> Dataset:
    """60000 written digits of 28×28 pixels, and 10000 for the test. X (60000, 1, 28, 28) is float32 from 0 (paper) to 1
    (ink), or 10000 with part="test"; (…, 784) with flat=True. LeCun, Bottou, Bengio and Haffner 1998.

    The folder holds the four files of MNIST, or of a set in the same form such as Fashion-MNIST, packed by gzip or not.
    A file that is not there is named, and where to get it.
    """
    if part not in PARTS:
        raise ParameterError(f"part={part!r}; MNIST has the parts 'train' and 'test'")
    images, labels = (
        read_idx(_mnist_file(Path(folder), PARTS[part], *what)) for what in (("images", 3), ("labels", 1))
    )
    if not len(images):
        raise DataError(f"{folder} holds no images for {part!r}")
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise DataError(f"{folder}: images {images.shape} and labels {labels.shape} are not of one set")
    if int(labels.max(initial=0)) > 9:
        row = int((labels > 9).argmax())
        raise DataError(f"{folder}: label {labels[row]} at row {row}; labels are 0 to 9")
    X = images.astype(np.float32) / 255
    X = X.reshape(len(X), -1) if flat else X[:, None]
    return Dataset("mnist", X, labels.astype(np.int64), (), tuple("0123456789"), "LeCun et al. 1998")


def _mnist_file(folder: Path, part: str, what: str, axes: int) -> Path:
    names = [f"{part}-{what}{mark}idx{axes}-ubyte{packed}" for mark in "-." for packed in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder / names[0]} is missing, also with .gz; get {MNIST_SOURCE}/{names[1]} and put it there")


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, MNIST's form, packed by gzip or not; DataError for a file that is none or not whole."""
    path = Path(path)
    data = content(path)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be unpacked: {error}") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_TYPES:
        raise DataError(f"{path} is no IDX file: it begins with {data[:4]!r}")
    if len(data) < 4 + 4 * data[3]:
        raise DataError(
            f"{path} is not whole: the sizes of its {data[3]} axes take {4 * data[3]} bytes, there are {len(data) - 4}"
        )
    dtype: Any = np.dtype(IDX_TYPES[data[2]])
    shape = tuple(int.from_bytes(data[4 + 4 * at : 8 + 4 * at], "big") for at in range(data[3]))
    start, wanted = 4 + 4 * len(shape), prod(shape) * dtype.itemsize
    if len(data) - start != wanted:
        raise DataError(
            f"{path} is not whole: {shape} takes {wanted} bytes after the header, there are {len(data) - start}"
        )
    if len(shape) > 64:
        raise DataError(f"{path} has {len(shape)} axes; numpy has at most 64")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def nudged(images: Dataset) -> Dataset:
    """Each image and the same moved by a pixel up, down, left and right. X has five times as many rows, in that order; it
    is (rows, …, height, width), or (rows, pixels) of square images."""
    X = images.X
    side = round(X.shape[1] ** 0.5) if X.ndim == 2 else 0
    if X.ndim < 2 or (X.ndim == 2 and side * side != X.shape[1]):
        raise DataError(f"{images.name}: rows of shape {X.shape[1:]} are no square images")
    square = X.reshape(len(X), side, side) if side else X
    border = np.pad(square, [(0, 0)] * (square.ndim - 2) + [(1, 1), (1, 1)])
    height, width = square.shape[-2:]
    moves = [(1, 1), (2, 1), (0, 1), (1, 2), (1, 0)]
    moved = [border[..., row : row + height, column : column + width] for row, column in moves]
    return replace(
        images,
        X=np.concatenate(moved).reshape(-1, *X.shape[1:]),
        t=np.tile(images.t, (5,) + (1,) * (images.t.ndim - 1)),
    )
