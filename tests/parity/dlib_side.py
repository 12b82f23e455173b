"""dlib's own descriptors of 150x150 pictures.

usage: dlib_side.py NETWORK.dat PICTURE.png...    prints a list of 128 numbers for each picture"""

import json
import sys

import dlib

network = dlib.face_recognition_model_v1(sys.argv[1])
print(json.dumps([list(network.compute_face_descriptor(dlib.load_rgb_image(path))) for path in sys.argv[2:]]))
