"""Pictures made up for tests, as PNG: the same bytes everywhere, and no package needed."""

import math
import struct
import zlib


def png(width, height, pixel):
    """`pixel(x, y)` gives (red, green, blue)."""
    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in pixel(x, y)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def pattern(seed):
    """A pixel function of slopes and rings with edges, another one for each seed."""

    def pixel(x, y):
        ring = (x - 75) * (x - 60 - seed) + (y - 80) * (y - 70)
        return ((x * (seed + 1) + y) % 256, (y * 2 + ring // 40) % 256, (255 - x + (ring // 9) % 64) % 256)

    return pixel


def waves(side):
    """A pixel function of smooth waves, which drive no network into its corners as noise would."""

    def pixel(x, y):
        return tuple(round(128 + 60 * math.sin((2 + c) * x * 3.1 / side) * math.cos(y * 4.7 / side)) for c in range(3))

    return pixel
