#!/usr/bin/env python3
"""Passive liveness on real photos and on attacks that are made from them by image processing: APCER and BPCER.

usage: bench/liveness.py --models FOLDERS [--keep FOLDER] PHOTO|FOLDER...    (needs numpy and opencv-python)

FOLDERS as for --models of the program, with MiniFASNet or without. Each photo is sent to a server as it is (bona fide),
and once as each kind of attack. The attacks are synthetic: a model may answer differently to real prints and screens.

ISO/IEC 30107-3: APCER is the share of attacks of one kind that are taken for live faces, BPCER the share of live faces
that are taken for attacks. Photos in which no face is found are counted apart (non-responses).
"""

import argparse
import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def on_background(picture, noise, share, angle, shade):
    """The picture as a flat thing before a plain wall: smaller, tilted, with the edges of the thing visible."""
    height, width = picture.shape[:2]
    wall = np.full_like(picture, shade)
    wall = np.clip(wall + noise.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    inset_x, inset_y = width * (1 - share) / 2, height * (1 - share) / 2
    from_corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    tilt = angle * width
    to_corners = np.float32(
        [
            [inset_x + tilt, inset_y],
            [width - inset_x, inset_y + tilt],
            [width - inset_x - tilt, height - inset_y],
            [inset_x, height - inset_y - tilt],
        ]
    )
    transform = cv2.getPerspectiveTransform(from_corners, to_corners)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), transform, (width, height))
    warped = cv2.warpPerspective(picture, transform, (width, height), flags=cv2.INTER_AREA)
    return np.where(mask[..., None] > 127, warped, wall)


def camera(picture, noise, blur):
    """What photographing adds: blur and sensor noise."""
    picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    return np.clip(picture + noise.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def inks(picture, noise):
    """A print: fewer tones on warm paper, and halftone dots."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    dots = 12 * (np.sin((x + y) * 1.9) * np.sin((x - y) * 1.9))[..., None]
    tones = 35 + picture.astype(np.float32) * (195 / 255) + dots
    return np.clip(tones * np.float32([0.93, 0.98, 1.0]), 0, 255).astype(np.uint8)


def print_flat(picture, noise):
    return camera(inks(picture, noise), noise, 0.8)


def print_held(picture, noise):
    return camera(on_background(inks(picture, noise), noise, 0.75, 0.02, 150), noise, 0.8)


def subpixels(picture, period):
    """A display: columns of red, green and blue stripes with dark rows between, seen at nearly their own pitch."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = x * np.cos(0.03) - y * np.sin(0.03), x * np.sin(0.03) + y * np.cos(0.03)
    stripes = [0.75 + 0.25 * np.cos(2 * np.pi * (u / period + c / 3)) for c in range(3)]
    rows = 0.85 + 0.15 * np.cos(2 * np.pi * v / period)
    return np.clip(picture * np.stack(stripes, -1) * rows[..., None] * 1.25, 0, 255).astype(np.uint8)


def bluish(picture):
    return np.clip(picture.astype(np.float32) * np.float32([1.1, 1.0, 0.92]) + 12, 0, 255).astype(np.uint8)


def screen(picture, noise):
    """Full frame: no edge of the device is seen, but its grid and the moire of grid and sensor are."""
    return camera(subpixels(bluish(picture), 2.3), noise, 0.5)


def screen_held(picture, noise):
    """A telephone held into the camera: bezel, reflection, background."""
    height, width = picture.shape[:2]
    shown = subpixels(bluish(picture), 2.3)
    edge = max(width // 40, 3)
    shown = cv2.copyMakeBorder(shown, 2 * edge, 2 * edge, edge, edge, cv2.BORDER_CONSTANT, value=(15, 15, 15))
    shown = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:height, :width]
    glare = 60 * np.exp(-(((x - 0.7 * width) / (0.2 * width)) ** 2) - ((y - 0.3 * height) / (0.15 * height)) ** 2)
    shown = np.clip(shown + glare[..., None], 0, 255).astype(np.uint8)
    return camera(on_background(shown, noise, 0.75, 0.015, 110), noise, 0.5)


def moire(picture, noise):
    """Only the coloured waves that a sensor makes of a screen."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [1 + 0.12 * np.sin(2 * np.pi * (x * 0.04 + y * 0.05) + 2 * c + 2 * np.sin(y / 30)) for c in range(3)]
    return np.clip(picture * np.stack(waves, -1), 0, 255).astype(np.uint8)


def cut_out(picture, noise):
    """The print of the head, cut out along an oval and held before a wall."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (int(width * 0.3), int(height * 0.42)), 0, 0, 360, 255, -1)
    wall = np.clip(np.full_like(picture, 165) + noise.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    shadow = cv2.GaussianBlur(np.roll(mask, (4, 4), (0, 1)), (0, 0), 5)[..., None] / 255 * 60
    wall = np.clip(wall - shadow, 0, 255).astype(np.uint8)
    return camera(np.where(mask[..., None] > 0, inks(picture, noise), wall), noise, 0.8)


ATTACKS = (print_flat, print_held, screen, screen_held, moire, cut_out)


class Server:
    def __init__(self, models):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory(prefix="semblance-")
        program = os.environ.get("SEMBLANCE", ROOT / "build/semblance")
        words = [program, "serve", "--port", self.port, "--models", models, "--data", self.folder.name]
        self.process = subprocess.Popen([*map(str, words), "--photo-limit", "0", "--rate-limit", "0"])

    def analyze(self, photo):
        body = json.dumps({"image": base64.b64encode(photo).decode()}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/analyze", body, {"Content-Type": "application/json"}
        )
        for attempt in range(100):
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)["faces"]
            except (urllib.error.URLError, ConnectionError) as error:
                loading = getattr(error, "code", 503) == 503
                if not loading or attempt == 99 or self.process.poll() is not None:
                    raise
                time.sleep(0.2)
        return []

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()


def photos_of(paths):
    for path in map(pathlib.Path, paths):
        yield from sorted(path.rglob("*.jpg")) if path.is_dir() else [path]


def percent(part, whole):
    """With its 95 % Wilson interval."""
    if not whole:
        return "-"
    p, z = part / whole, 1.96
    centre, half = p + z * z / (2 * whole), z * np.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    low, high = ((centre + sign * half) / (1 + z * z / whole) for sign in (-1, 1))
    return f"{100 * p:.1f} % ({100 * max(low, 0):.0f} to {100 * high:.0f})"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", required=True)
    options.add_argument("--keep", type=pathlib.Path)
    options.add_argument("photos", nargs="+")
    chosen = options.parse_args()
    server = Server(chosen.models)
    counts = {name: [0, 0, 0] for name in ("bona fide", *(attack.__name__ for attack in ATTACKS))}
    try:
        for number, path in enumerate(photos_of(chosen.photos)):
            photo = cv2.imread(str(path))
            noise = np.random.default_rng(number)
            pictures = [("bona fide", path.read_bytes())]
            for attack in ATTACKS:
                made = cv2.imencode(".jpg", attack(photo, noise), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
                pictures.append((attack.__name__, made))
                if chosen.keep:
                    chosen.keep.mkdir(parents=True, exist_ok=True)
                    (chosen.keep / f"{path.stem}-{attack.__name__}.jpg").write_bytes(made)
            for name, bytes_ in pictures:
                faces = server.analyze(bytes_)
                counts[name][2] += not faces
                for face in faces:
                    counts[name][1 if face["live"] else 0] += 1
    finally:
        server.stop()
    for name, (attack, live, none) in counts.items():
        wrong, word = (attack, "BPCER") if name == "bona fide" else (live, "APCER")
        print(f"{name:12} {attack + live:4} faces, {none:3} photos without  {word} {percent(wrong, attack + live)}")


if __name__ == "__main__":
    sys.exit(main())
