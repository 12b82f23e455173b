"""Films for the tests, made by FFmpeg's program from photos that move over a grey background."""

import dataclasses
import pathlib
import shutil
import subprocess
import unittest


def needs_ffmpeg(test):
    """Skips a test, or a class of tests, where FFmpeg's program is not installed (script/setup --tests does it)."""
    return unittest.skipUnless(shutil.which("ffmpeg"), "FFmpeg's program is not installed")(test)


@dataclasses.dataclass(frozen=True)
class Walk:
    """A photo that moves in a straight line while it is in sight. Places are of the photo's top left corner, as shares
    of the film's width and height."""

    photo: pathlib.Path
    since: float  # seconds
    until: float
    start: tuple = (0.1, 0.2)
    end: tuple = (0.6, 0.2)
    height: float = 0.5  # of the photo, as a share of the film's


def ffmpeg(*arguments):
    """Runs FFmpeg's program."""
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], capture_output=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"ffmpeg failed: {done.stderr.decode(errors='replace')[-2000:]}")


def _moved(axis, walk):
    start, end = walk.start[axis], walk.end[axis]
    side = "WH"[axis]
    return f"{side}*({start}+{end - start}*(t-{walk.since})/{max(walk.until - walk.since, 0.04)})"


def write_film(target, walks, seconds, size=(1280, 720), rate=25, options=("-c:v", "libx264", "-preset", "ultrafast")):
    """Writes a film of `walks`; later ones are in front. The format follows from the name of `target`."""
    width, height = size
    inputs = ["-f", "lavfi", "-i", f"color=c=0x808080:s={width}x{height}:r={rate}:d={seconds}"]
    steps, last = [], "0:v"
    for number, walk in enumerate(walks, 1):
        inputs += ["-loop", "1", "-framerate", rate, "-t", seconds, "-i", walk.photo]
        steps.append(f"[{number}:v]scale=-2:{int(height * walk.height)}[p{number}]")
        steps.append(
            f"[{last}][p{number}]overlay=x='{_moved(0, walk)}':y='{_moved(1, walk)}'"
            f":enable='gte(t,{walk.since})*lt(t,{walk.until})'[v{number}]"
        )
        last = f"v{number}"
    drawing = ["-filter_complex", ";".join(steps), "-map", f"[{last}]"] if steps else ["-map", "0:v"]
    ffmpeg(*inputs, *drawing, "-t", seconds, "-pix_fmt", "yuv420p", *options, target)
    return target


def crop(photo, box, target, margin=0.6):
    """Cuts a face (x, y, width, height) with its surroundings out of a photo."""
    x, y, w, h = box
    left, top = max(0, x - w * margin), max(0, y - h * margin)
    size = f"{int(w * (1 + 2 * margin))}:{int(h * (1 + 2 * margin))}"
    ffmpeg("-i", photo, "-vf", f"crop={size}:{int(left)}:{int(top)}", target)
    return target
