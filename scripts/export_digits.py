#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the UCI 8x8 digits as the gzipped IDX pair that the engine embeds, and its notice.

Run once; the result is committed. The same scikit-learn data and zlib give the same bytes.

    python3 -m venv /tmp/digits
    /tmp/digits/bin/pip install -r scripts/export_digits.requirements.txt
    /tmp/digits/bin/python scripts/export_digits.py
"""

import gzip
import hashlib
import io
import struct
from pathlib import Path

import numpy
import sklearn
from sklearn.datasets import load_digits

FOLDER = Path(__file__).resolve().parent.parent / "engine" / "datasets" / "digits"
IMAGES = "images-idx3-ubyte.gz"
LABELS = "labels-idx1-ubyte.gz"

NOTICE = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
# The embedded digits

1,797 handwritten digits of 8 x 8 pixels with values 0 to 16 and labels 0 to 9, as a pair of
gzipped IDX files of unsigned bytes. They are part of the program, so that it has real data to
train on without a download.

| | |
| --- | --- |
| data set | Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998 |
| authors | Ethem Alpaydin, Cenk Kaynak |
| DOI | [10.24432/C50P49](https://doi.org/10.24432/C50P49) |
| licence of the data | [Creative Commons Attribution 4.0 International](https://creativecommons.org/licenses/by/4.0/) (CC BY 4.0) |
| part | the test part only, as scikit-learn {sklearn_version} ships it (`load_digits`); the 3,823 training images are not here |
| changes | the file format; pixel values, labels and their order are the source's |

Each pixel counts the black pixels in one 4 x 4 block of a 32 x 32 bitmap.

Made by `python scripts/export_digits.py`, in an environment with
`scripts/export_digits.requirements.txt`.

| file | SHA-256 | SHA-256 unpacked |
| --- | --- | --- |
| {images} | `{images_packed}` | `{images_plain}` |
| {labels} | `{labels_packed}` | `{labels_plain}` |
"""


def idx(array: numpy.ndarray) -> bytes:
    """The array of unsigned bytes in IDX format: 0, 0, type 8, rank; sizes; values, big-endian."""
    assert array.dtype == numpy.uint8
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes(order="C")


def gzipped(data: bytes) -> bytes:
    """Without a file name and a time, so that the bytes depend on the data alone."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    digits = load_digits()
    pixels, labels = digits.images, digits.target
    if pixels.shape != (1797, 8, 8) or labels.shape != (1797,):
        raise SystemExit(f"export_digits: unexpected shapes {pixels.shape}, {labels.shape}")
    if not numpy.isin(pixels, numpy.arange(17)).all() or not numpy.isin(labels, range(10)).all():
        raise SystemExit("export_digits: pixels must be whole numbers 0..16 and labels 0..9")

    plain = {IMAGES: idx(pixels.astype(numpy.uint8)), LABELS: idx(labels.astype(numpy.uint8))}
    packed = {name: gzipped(data) for name, data in plain.items()}

    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in packed.items():
        (FOLDER / name).write_bytes(data)
        print(f"{name}  {len(data)} bytes  sha256 {sha256(data)}")
    notice = NOTICE.format(
        sklearn_version=sklearn.__version__,
        images=IMAGES,
        images_packed=sha256(packed[IMAGES]),
        images_plain=sha256(plain[IMAGES]),
        labels=LABELS,
        labels_packed=sha256(packed[LABELS]),
        labels_plain=sha256(plain[LABELS]),
    )
    (FOLDER / "NOTICE.md").write_text(notice, encoding="utf-8")


if __name__ == "__main__":
    main()
