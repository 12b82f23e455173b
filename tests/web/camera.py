"""A photo as a camera's video: one frame of YUV4MPEG2, which Chromium plays as its fake camera."""

import subprocess

WIDTH, HEIGHT = 640, 480
DOWN = 100  # rows of grey above the photo, so that its face is in the middle of the picture


def read_ppm(data):
    kind, size, depth, pixels = data.split(b"\n", 3)
    assert (kind, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    return width, height, pixels


def planes(width, height, pixels, scale):
    """4:2:0 planes (BT.601, studio range) of the photo's top middle at 1/scale, grey around it."""
    left = (width // scale - WIDTH) // 2
    y_plane, u_plane, v_plane = bytearray(), bytearray(), bytearray()
    for row in range(HEIGHT):
        for column in range(WIDTH):
            x, y = (left + column) * scale, (row - DOWN) * scale
            inside = 0 <= x < width and 0 <= y < height
            at = (y * width + x) * 3
            r, g, b = pixels[at : at + 3] if inside else (127, 127, 127)
            y_plane.append((66 * r + 129 * g + 25 * b + 128 >> 8) + 16)
            if not row % 2 and not column % 2:
                u_plane.append((-38 * r - 74 * g + 112 * b + 128 >> 8) + 128)
                v_plane.append((112 * r - 94 * g - 18 * b + 128 >> 8) + 128)
    return bytes(y_plane + u_plane + v_plane)


def write_video(photo, target, scale=2):
    ppm = subprocess.run(["djpeg", "-pnm", str(photo)], capture_output=True, check=True).stdout
    frame = planes(*read_ppm(ppm), scale)
    target.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + (b"FRAME\n" + frame) * 2)
