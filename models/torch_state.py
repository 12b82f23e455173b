"""Reads the state dictionary of a PyTorch file (.pt, .pth), without PyTorch: {name: array of float32}.

Pickle runs what a file names, so only the globals listed here are allowed, and a size is checked before it is read.
"""

import collections
import math
import pickle
import struct
import zipfile

import numpy as np

TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
NUMBERS_MAX = 1 << 28


class StateUnpickler(pickle.Unpickler):
    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        if name == "OrderedDict":
            return collections.OrderedDict
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if module == "torch" and name in TYPES:
            return name
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")

    def persistent_load(self, pid):
        return self.storages(pid)


def tensor(values, offset, size, stride):
    last = offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
    if offset < 0 or min(size) < 1 or min(stride) < 0 or last >= len(values) or math.prod(size) > NUMBERS_MAX:
        raise ValueError("a tensor does not lie in its storage")
    steps = [values.itemsize * step for step in stride]
    return np.lib.stride_tricks.as_strided(values[offset:], size, steps).astype(np.float32)


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        index = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        folder = index[: -len("data.pkl")]

        def load(pid):
            return np.frombuffer(archive.read(f"{folder}data/{pid[2]}"), TYPES[pid[1]])

        state = StateUnpickler(archive.open(index), load).load()
    return {name: tensor(*parts) for name, parts in state.items() if parts[2]}


def read_legacy(path):
    """The older layout: magic, version, system, state with storage keys, the list of keys, then the storages."""
    kinds, storages = {}, {}

    def remember(pid):
        kinds[pid[2]] = TYPES[pid[1]]
        return pid[2]

    with open(path, "rb") as file:
        for _ in range(3):
            StateUnpickler(file, None).load()
        state = StateUnpickler(file, remember).load()
        for key in StateUnpickler(file, None).load():
            count = struct.unpack("<q", file.read(8))[0]
            if not 0 <= count <= NUMBERS_MAX:
                raise ValueError(f"a storage of {count} numbers")
            storages[key] = np.frombuffer(file.read(kinds[key].itemsize * count), kinds[key])
            if len(storages[key]) != count:
                raise ValueError("the file is truncated")
    return {name: tensor(storages[parts[0]], *parts[1:]) for name, parts in state.items() if parts[2]}


def read(path):
    return read_zip(path) if zipfile.is_zipfile(path) else read_legacy(path)
