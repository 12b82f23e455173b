"""The results of DeepFace's own preprocessing, as one number for each picture and normalisation.

The number is the one that the probe of tests/onnx_graph.py computes.

usage: pixels_side.py > tests/parity/pixels.json"""

import json
import os
import pathlib
import sys
import tempfile

os.environ.update(TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import onnx_graph
import pictures
from deepface.modules import preprocessing

SIZES = ((112, 112), (90, 140), (200, 100), (60, 60))
KINDS = ("base", "raw", "Facenet", "Facenet2018", "VGGFace", "VGGFace2", "ArcFace")


def main():
    weights = np.array(onnx_graph.numbers(147)) / 147
    found = []
    for seed, (width, height) in enumerate(SIZES):
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            file.write(pictures.png(width, height, pictures.pattern(seed)))
            file.flush()
            bgr = preprocessing.resize_image(cv2.imread(file.name) / 255, (112, 112))  # as extract_faces hands it over
        for kind in KINDS:
            tensor = preprocessing.normalize_input(bgr.copy(), kind)[0].astype(np.float64)
            means = tensor.reshape(7, 16, 7, 16, 3).mean((1, 3)).transpose(2, 0, 1).ravel()
            found.append(
                {
                    "seed": seed,
                    "width": width,
                    "height": height,
                    "kind": kind,
                    "number": round(float(means @ weights), 6),
                }
            )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
