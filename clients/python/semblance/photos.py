"""Photos from Python to the library, which reads encoded bytes: arrays are sent as BMP, which keeps every pixel."""

from __future__ import annotations

import os
import struct
from typing import Any, NamedTuple, Protocol, Union, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from semblance.error import SemblanceError

MOST_BYTES = 31 << 20  # of an array: the library takes photos of 32 MiB


@runtime_checkable
class HasArray(Protocol):
    """Such as a picture of Pillow."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


# A path, encoded bytes, or pixels: height x width x 3 (RGB), x 4 (RGBA, over white) or height x width (grey), uint8.
Photo = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, NDArray[np.uint8], HasArray]


class Encoded(NamedTuple):
    """`shrunk`: one pixel of `data` stands for shrunk x shrunk pixels of the photo, which has `size` (width, height);
    None: they are those of the data."""

    data: bytes
    shrunk: int = 1
    size: tuple[int, int] | None = None


def _rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8:
        raise SemblanceError(None, "invalid", f"the pixels of a photo are uint8, 0 to 255, not {pixels.dtype}")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise SemblanceError(
            None, "invalid", f"a photo has the shape (height, width, 1, 3 or 4), not {tuple(pixels.shape)}"
        )
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.uint16)
        over = (pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        return over.astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _shrink(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Averages squares of pixels until the photo is small enough; what is left over at the edges is cut off."""
    by = 1
    while (pixels.shape[0] // by) * (pixels.shape[1] // by) * 3 > MOST_BYTES:
        by += 1
    if by == 1:
        return pixels, 1
    height, width = pixels.shape[0] // by, pixels.shape[1] // by
    if not height or not width:
        raise SemblanceError(
            None, "image_too_large", "the photo is too long for its width: cut out the part with faces"
        )
    squares = pixels[: height * by, : width * by].reshape(height, by, width, by, 3)
    return squares.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8), by


def _bmp(pixels: NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape[:2]
    row = (3 * width + 3) & ~3
    rows = np.zeros((height, row), np.uint8)
    rows[:, : 3 * width] = pixels[::-1, :, ::-1].reshape(height, 3 * width)
    head = struct.pack(
        "<2sIIIIiiHHIIiiII", b"BM", 54 + rows.size, 0, 54, 40, width, height, 1, 24, 0, rows.size, *[0] * 4
    )
    return head + rows.tobytes()


def encode(photo: Photo) -> Encoded:
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return Encoded(bytes(photo))
    if isinstance(photo, (str, os.PathLike)):
        try:
            with open(photo, "rb") as file:
                return Encoded(file.read())
        except FileNotFoundError:
            raise SemblanceError(None, "not_found", f"there is no photo {os.fspath(photo)!r}") from None
        except OSError as error:
            raise SemblanceError(None, "io", f"{os.fspath(photo)!r} cannot be read: {error.strerror}") from error
    if isinstance(photo, np.ndarray) or hasattr(photo, "__array_interface__"):
        pixels = _rgb(np.asarray(photo))
        small, shrunk = _shrink(pixels)
        return Encoded(_bmp(small), shrunk, (pixels.shape[1], pixels.shape[0]))
    raise SemblanceError(
        None, "invalid", f"a photo is a path, the bytes of a file, or an array of pixels, not {type(photo).__name__}"
    )
