"""PyPI DeepFace's side of the parity test. Runs in the environment that tests/parity/setup makes.

It writes weight files of the published layout with random numbers, and the results of DeepFace for photos with them.

usage: deepface_side.py FOLDER                      writes weights (FOLDER/home), crops (FOLDER/*.png), deepface.json
       deepface_side.py FOLDER --weights MODEL...   writes only the weights of these models
"""

import importlib
import json
import os
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
os.environ.update(
    DEEPFACE_HOME=str(FOLDER / "home"), TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3"
)

import cv2
import numpy as np
from deepface import DeepFace
from deepface.commons import weight_utils
from deepface.modules import modeling, preprocessing

WEIGHTS = FOLDER / "home/.deepface/weights"
EMBEDDERS = {
    "VGG-Face": ("facial_recognition.tf.VGGFace", "load_model", "vgg_face_weights.h5"),
    "ArcFace": ("facial_recognition.tf.ArcFace", "load_model", "arcface_weights.h5"),
    "Facenet512": ("facial_recognition.tf.Facenet", "load_facenet512d_model", "facenet512_weights.h5"),
}
ATTRIBUTES = {
    "age": ("demography.tf.Age", "load_model", "age_model_weights.h5"),
    "gender": ("demography.tf.Gender", "load_model", "gender_model_weights.h5"),
    "race": ("demography.tf.Race", "load_model", "race_model_single_batch.h5"),
}
random = np.random.default_rng(7)


def random_values(name, shape):
    """Random numbers that keep the activations of every layer in a normal range, as trained weights do."""
    part = name.split("/")[-1].split(":")[0]
    if part == "kernel":
        return random.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    if part in ("gamma", "moving_variance"):
        return random.uniform(0.7, 1.3, shape).astype(np.float32)
    return random.uniform(-0.2, 0.2, shape).astype(np.float32)


def write_weights(module, function, file):
    """Builds the model as DeepFace does, without loading, and saves random weights under the published name."""
    module = importlib.import_module(f"deepface.models.{module}")
    load, weight_utils.load_model_weights = weight_utils.load_model_weights, lambda model, weight_file: model
    download, weight_utils.download_weights_if_necessary = weight_utils.download_weights_if_necessary, lambda **_: ""
    model = whole = getattr(module, function)()
    if file == "vgg_face_weights.h5":  # the file has the classifier, too, which the descriptor leaves out
        whole = module.base_model()
    for layer in whole.layers:
        if layer.weights:
            layer.set_weights([random_values(weight.name, weight.shape) for weight in layer.weights])
    whole.save_weights(str(WEIGHTS / file))
    weight_utils.load_model_weights, weight_utils.download_weights_if_necessary = load, download
    del model, whole


def crops():
    """Faces cut out in several shapes; saved without loss, so that both sides see the same pixels."""
    photo = cv2.imread(str(pathlib.Path(os.environ["SB_TEST_PHOTOS"]) / "face_recognition/obama.jpg"))
    parts = {
        "square": photo[120:344, 320:544],
        "tall": photo[100:400, 340:560],
        "wide": photo[150:330, 300:600],
        "small": photo[120:220, 360:440],
    }
    for name, part in parts.items():
        cv2.imwrite(str(FOLDER / f"{name}.png"), part)
    return list(parts)


def main():
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    only = sys.argv[3:] if sys.argv[2:3] == ["--weights"] else None
    for model, recipe in {**EMBEDDERS, **ATTRIBUTES}.items():
        if only is None or model in only:
            write_weights(*recipe)
    if only is not None:
        return
    answers = {}
    for name in crops():
        path = str(FOLDER / f"{name}.png")
        options = {"img_path": path, "detector_backend": "skip", "enforce_detection": False}
        answers[name] = {model: DeepFace.represent(model_name=model, **options)[0]["embedding"] for model in EMBEDDERS}
        found = DeepFace.analyze(actions=list(ATTRIBUTES), silent=True, **options)[0]
        # analyze cuts the age to whole years: the exact age comes from its model, on the picture that analyze makes.
        picture = preprocessing.resize_image(cv2.imread(path) / 255, (224, 224))
        age = float(modeling.build_model(task="facial_attribute", model_name="Age").predict(picture))
        assert int(age) == int(found["age"])
        answers[name].update(
            {
                "age": age,
                "gender": {k: float(v) for k, v in found["gender"].items()},
                "race": {k: float(v) for k, v in found["race"].items()},
            }
        )
    (FOLDER / "deepface.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
