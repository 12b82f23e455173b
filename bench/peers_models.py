"""Measures photo to embedding with a peer of bench/models.py, in a process and an environment of its own. Prints JSON
like bench_represent.

usage: peers_models.py deepface|deepface-cut|face_recognition PHOTO ROUNDS

deepface-cut: PHOTO is a face that is already cropped, so detection is skipped.
"""

import json
import os
import resource
import statistics
import sys
import time

START = time.monotonic()
os.environ.update(TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")


def deepface(photo, detector="opencv"):
    """VGG-Face, called as in DeepFace's readme, with its default detector."""
    from deepface import DeepFace

    options = {
        "img_path": photo,
        "model_name": "VGG-Face",
        "detector_backend": detector,
        "enforce_detection": detector != "skip",
    }
    return lambda: DeepFace.represent(**options)


def face_recognition(photo):
    """What the package face_recognition does, with its own models: HOG detector, 68 landmarks, ResNet."""
    import dlib

    models = os.environ["DLIB_MODELS"]
    detector = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(f"{models}/shape_predictor_68_face_landmarks.dat")
    network = dlib.face_recognition_model_v1(f"{models}/dlib_face_recognition_resnet_model_v1.dat")

    def run():
        image = dlib.load_rgb_image(photo)
        face = detector(image, 1)[0]
        return network.compute_face_descriptor(image, points(image, face), 1)

    return run


def main():
    peer, photo, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    makers = {
        "deepface": deepface,
        "deepface-cut": lambda path: deepface(path, "skip"),
        "face_recognition": face_recognition,
    }
    run = makers[peer](photo)
    run()
    first = time.monotonic() - START
    run()
    times = []
    for _ in range(rounds):
        begin = time.monotonic()
        run()
        times.append((time.monotonic() - begin) * 1000)
    times.sort()
    print(
        json.dumps(
            {
                "first_ms": first * 1000,
                "median_ms": statistics.median(times),
                "p10_ms": times[rounds // 10],
                "p90_ms": times[rounds * 9 // 10],
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main()
