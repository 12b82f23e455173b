"""Makes new photos of the test photos: shrinks them, puts several on a grey one. djpeg (libjpeg-turbo) reads JPEG."""

import struct
import subprocess
import zlib


def read_jpeg(path):
    """(width, height, rows of RGB bytes) of a JPEG file."""
    ppm = subprocess.run(["djpeg", "-ppm", str(path)], capture_output=True, check=True).stdout
    magic, size, depth, pixels = ppm.split(b"\n", 3)
    if magic != b"P6" or depth != b"255":
        raise ValueError("djpeg wrote no 8-bit PPM")
    width, height = map(int, size.split())
    return width, height, [pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height)]


def shrink(picture, height):
    """The picture shrunk to `height` pixels; each new pixel is the mean of the pixels that it covers."""
    old_width, old_height, rows = picture
    width = round(old_width * height / old_height)
    new = []
    for y in range(height):
        covered = rows[y * old_height // height : max((y + 1) * old_height // height, y * old_height // height + 1)]
        row = bytearray()
        for x in range(width):
            left, right = x * old_width // width, max((x + 1) * old_width // width, x * old_width // width + 1)
            for channel in range(3):
                values = [value for line in covered for value in line[left * 3 + channel : right * 3 + channel : 3]]
                row.append(sum(values) // len(values))
        new.append(bytes(row))
    return width, height, new


def png(width, height, rows=b""):
    """PNG bytes that claim this size; `rows` as they are to be compressed, each with its filter byte."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def on_grey(width, height, placed):
    """PNG bytes of a grey photo with pictures at (picture, left, top)."""
    rows = [bytearray(b"\x80" * width * 3) for _ in range(height)]
    for (w, _, lines), left, top in placed:
        for y, line in enumerate(lines):
            rows[top + y][left * 3 : (left + w) * 3] = line
    return png(width, height, b"".join(b"\0" + bytes(row) for row in rows))


def grid(pictures, columns):
    """Pictures of one height side by side, `columns` in a row."""
    height = pictures[0][1]
    cell = max(picture[0] for picture in pictures)
    lines = (len(pictures) + columns - 1) // columns
    return on_grey(
        columns * cell, lines * height, [(p, i % columns * cell, i // columns * height) for i, p in enumerate(pictures)]
    )


def on_telephone(photo, height=220, bezel=20):
    """PNG bytes of a telephone before a grey wall that shows the photo: pale, with the stripes of a display."""
    width, height, lines = shrink(read_jpeg(photo), height)

    def shown(y, row):
        return bytes(
            min(255, int(v * (0.9 if y % 2 == 0 else 1 if i // 3 % 3 else 0.55) + 25)) for i, v in enumerate(row)
        )

    screen = (width, height, [shown(y, row) for y, row in enumerate(lines)])
    frame = (width + 2 * bezel, height + 2 * bezel, [b"\x0a" * 3 * (width + 2 * bezel)] * (height + 2 * bezel))
    left, top = (640 - width) // 2, (480 - height) // 2
    return on_grey(640, 480, [(frame, left - bezel, top - bezel), (screen, left, top)])
