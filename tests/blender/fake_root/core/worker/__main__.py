"""A worker that speaks docs/protocol.md and needs no torch: ellipsoids for any space.

It stands in for the real one where a test needs a fast, exact or misbehaving partner. The variable
FAKE_WORKER names a misbehaviour: silent, unready, old_protocol, die_at_step_N, garbage, slow,
bad_mesh, no_vertices, alien_error, dawdle, die_at_train_N, half_preview, full_disk,
far (of an encoding), no_encoder, die_at_picture_N, no_surface (of a picture), die_at_teach_N,
half_progress, one_shape (of a teaching).
"""

import json
import math
import os
import sys
import time
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np

MODE = os.environ.get("FAKE_WORKER", "")
LENGTH = 4
MEAN = np.zeros(LENGTH, dtype="<f4")
CODES = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype="<f4")


def send(channel, header, arrays=None):
    arrays = {name: np.ascontiguousarray(a) for name, a in (arrays or {}).items()}
    header["arrays"] = [
        {"name": n, "dtype": a.dtype.str, "shape": list(a.shape)} for n, a in arrays.items()
    ]
    channel.send_bytes(json.dumps(header, allow_nan=False).encode())
    for array in arrays.values():
        channel.send_bytes(array.tobytes())


def receive(channel):
    header = json.loads(channel.recv_bytes())
    arrays = {
        e["name"]: np.frombuffer(channel.recv_bytes(), e["dtype"]).reshape(e["shape"])
        for e in header["arrays"]
    }
    return header, arrays


def ellipsoid(code, resolution):
    """A closed ellipsoid of radii 0.5 + 0.2 code[:3]: vertices and faces, outward."""
    rings, around = max(3, resolution // 8), max(4, resolution // 4)
    theta = np.linspace(0, math.pi, rings + 1)[1:-1]
    phi = np.arange(around) * 2 * math.pi / around
    t, p = np.meshgrid(theta, phi, indexing="ij")
    ring = np.stack([np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)], -1).reshape(-1, 3)
    vertices = np.concatenate([ring, [[0, 0, 1], [0, 0, -1]]]) * (0.5 + 0.2 * code[:3])
    top, bottom = len(ring), len(ring) + 1
    faces = []
    for j in range(around):
        k = (j + 1) % around
        faces.append((top, j, k))
        base = (rings - 2) * around
        faces.append((bottom, base + k, base + j))
        for i in range(rings - 2):
            a, b = i * around + j, i * around + k
            c, d = a + around, b + around
            faces += [(a, c, d), (a, d, b)]
    return vertices.astype("<f4"), np.array(faces, dtype="<i4")


def report(vertices, faces):
    a, b, c = (vertices[faces[:, i]].astype(float) for i in range(3))
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
    return {
        "vertices": len(vertices),
        "faces": len(faces),
        "components": 1,
        "genus": 0,
        "watertight": True,
        "volume": volume,
        "area": 1.0,
        "open_at_wall": False,
        "message": "",
    }


class Fit:
    """Steps go a fixed share of the way to the code (1, 0, 0, 0) and move the object by x."""

    def __init__(self, header, arrays):
        self.options = header["options"]
        self.code, self.object = arrays["code"].copy(), arrays["object"].copy()
        self.step, self.stop = -1, False
        self.steps = self.options["steps"]
        self.landmarks = arrays.get("landmarks")

    def farthest(self, vertices):
        """How far the vertices are, in the world, from the landmark that they miss most."""
        world = vertices @ self.object[:3, :3].T + self.object[:3, 3]
        off = np.linalg.norm(world[:, None] - self.landmarks[None], axis=2).min(axis=0)
        return float(off.max())

    def advance(self):
        done = self.stop or self.step == self.steps
        if not done:
            self.step += 1
        if self.step > 0 and not done:
            self.code += 0.2 * (CODES[0] - self.code)
            if self.options["move"]:
                self.object[0, 3] += 0.1
        if MODE.startswith("die_at_step_") and self.step >= int(MODE.rsplit("_", 1)[1]):
            print("out of memory, so the fake worker dies", file=sys.stderr, flush=True)
            os._exit(7)
        if MODE == "slow":
            time.sleep(0.1)
        iou = 1 - float(np.abs(CODES[0] - self.code).mean())
        resolution = 16 if self.step % 2 else 24  # another topology at every step
        vertices, faces = ellipsoid(self.code, resolution)
        header = {
            "op": "step",
            "step": self.step,
            "steps": self.steps,
            "loss": 1 - iou,
            "iou": iou,
            "best_iou": iou,
            "best_step": self.step,
            "done": done,
            "reason": ("stopped" if self.stop else "steps") if done else "",
            "report": report(vertices, faces),
            "ms": {},
            "evaluations": 0,
        }
        if self.landmarks is not None:
            header["landmark_distance"] = self.farthest(vertices)
        code = self.code.copy()
        if MODE == "bad_mesh" and self.step == 2:
            code[0] = np.nan
        arrays = {"code": code, "object": self.object, "vertices": vertices, "faces": faces}
        if MODE == "no_vertices" and self.step == 2:
            del arrays["vertices"]
        return header, arrays, done


class Train:
    """20 steps, of which the folder keeps the number; the space's file is not a real one."""

    STEPS = 20

    def __init__(self, header, arrays):
        self.folder = Path(header["folder"])
        record = self.folder / "run.json"
        if header["source"] is None:
            self.record = json.loads(record.read_text("utf-8"))
        else:
            names = sorted(p.stem for p in Path(header["source"]).glob("*.ply"))
            if len(names) < 2:
                raise ValueError(f"A space needs two shapes, and {len(names)} can be used")
            self.record = {"options": header["options"], "names": names, "step": 0}
        self.name = self.record["options"]["name"]
        self.stop, self.step = False, self.record["step"]
        self._write()
        meshes = [{"name": n, "kind": "closed", "repairs": []} for n in self.record["names"]]
        meshes[0] |= {"kind": "sealed", "repairs": ["holes closed: 3"]}
        report = {"meshes": meshes, "warnings": ["two shapes are alike"]}
        (self.folder / "report.json").write_text(json.dumps(report), "utf-8")

    def _write(self):
        record = {**self.record, "step": self.step}
        (self.folder / "run.json").write_text(json.dumps(record), "utf-8")

    def advance(self):
        done = self.stop or self.step == self.STEPS
        if not done:
            self.step += 1
        if MODE.startswith("die_at_train_") and self.step >= int(MODE.rsplit("_", 1)[1]):
            os._exit(9)
        if MODE == "full_disk" and self.step == 5:
            raise OSError("The disk is full")
        if MODE == "slow":
            time.sleep(0.1)
        self._write()
        path = self.folder / f"{self.name}.safetensors"
        if done or self.step >= 2:
            path.write_bytes(b"fake")
        vertices, faces = ellipsoid(np.array([self.step / 20, 0, 0]), 16 + 8 * (self.step % 2))
        header = {
            "op": "progress",
            "stage": "training",
            "done": self.step,
            "total": self.STEPS,
            "message": "",
            "loss": 1 / self.step if self.step else None,
            "seconds_left": 3.0 if self.step > 3 else None,
            "preview_name": self.record["names"][self.step % 2],
            "warnings": [],
            "finished": done,
            "reason": ("stopped" if self.stop else "trained") if done else "",
            "path": str(path) if path.exists() else None,
        }
        arrays = {"vertices": vertices, "faces": faces}
        if MODE == "half_preview" and self.step == 3:
            del arrays["faces"]
        return header, arrays if self.step % 3 == 0 or MODE == "half_preview" else {}, done


class Encode:
    """The code says how long the box of the vertices is; partial ones are told by the second."""

    def __init__(self, header, arrays):
        size = np.ptp(arrays["vertices"].astype(float), axis=0)
        self.code = np.zeros(LENGTH, dtype="<f4")
        self.code[:3] = (size / 2 - 0.5) / 0.2
        self.code[3] = header["options"]["partial"]
        self.centre = header["options"].get("centre")
        self.step, self.stop = 0, False

    def advance(self):
        self.step += 1
        if MODE == "slow":
            time.sleep(0.1)
        done = self.stop or self.step == 5
        header = {"op": "step", "step": self.step, "steps": 5, "done": done, "reason": "steps"}
        header["error"] = 0.007 if done else None
        header["warnings"] = ["The code lies 4.0 deviations away"] if done and MODE == "far" else []
        moved = np.eye(4)
        if self.centre is None:  # as the space was trained: it says how far it moved the mesh
            moved[0, 3] = 0.125
        return header, {"code": self.code, "object": moved}, done


class Reconstruct:
    """The code's first number is the picture's mean red; the camera comes nearer step by step."""

    STAGES = ("guess", "trial", "refine", "refine", "refine", "done")

    def __init__(self, header, arrays):
        if MODE == "no_encoder":
            raise ValueError("The space 'Fake' has no encoder")
        picture = arrays["picture"]
        self.steps = header["options"]["steps"]
        alpha, clear = picture[..., 3], bool(picture[..., 3].min() < 255)
        self.mask = np.array(arrays.get("mask", alpha if clear else picture[..., 0]))
        if not (self.mask > 127).any():
            raise ValueError("No object was found in the picture")
        self.predicted = not clear and "mask" not in arrays
        red = picture[self.mask > 127, 0] if self.mask.shape == alpha.shape else picture[..., 0]
        self.red = float(red.mean()) / 255
        self.view, self.size = arrays.get("view"), alpha.shape
        # Photos that are called so note one.
        noted = 35.0 if "noted" in Path(header.get("photo", "")).name else None
        self.lens = header.get("lens", noted)
        self.step, self.stop = -1, False

    def advance(self):
        self.step += 1
        if MODE.startswith("die_at_picture_") and self.step >= int(MODE.rsplit("_", 1)[1]):
            os._exit(11)
        if MODE == "slow":
            time.sleep(0.1)
        done = self.stop or self.step == len(self.STAGES) - 1 or (self.step and not self.steps)
        stage = "done" if done else self.STAGES[self.step]
        code = np.array([self.red, 0, 0, 0.1 * min(self.step, 4)], dtype="<f4")
        vertices, faces = ellipsoid(code, 24)
        if MODE == "no_surface":
            vertices, faces = vertices[:0], faces[:0]
        moved = np.eye(4)
        arrays = {"code": code, "object": moved, "vertices": vertices, "faces": faces}
        header = {"op": "step", "stage": stage, "step": self.step, "steps": self.steps}
        header |= {"iou": 0.5 + 0.1 * min(self.step, 4), "done": bool(done), "ms": {}}
        header |= {
            "remarks": ["The object is cut off at the left: a guess there"] * (MODE == "far")
        }
        header |= {"predicted": self.predicted, "likelihood": 0.5, "focal": None}
        header["report"] = report(vertices, faces) if len(faces) else {"message": "all outside"}
        if self.view is None:  # the camera looks along +Y
            away = 6.0 - 0.5 * min(self.step, 4)
            camera = [[1, 0, 0, 0], [0, 0, -1, -away], [0, 1, 0, 0], [0, 0, 0, 1]]
            arrays["camera"] = np.array(camera, dtype="<f8")
            header["focal"] = (self.lens or 72.0) / 36 * max(self.size)
            header["lens"] = self.lens
        else:
            moved[2, 3] = 0.25
        if done:
            arrays["mask"] = self.mask
        return header, arrays, bool(done)


class Teach:
    """8 steps; the folder beside the space keeps the number, and is gone once the file is there."""

    STEPS = 8

    def __init__(self, header, arrays):
        space = Path(header["path"])
        if MODE == "one_shape":
            raise ValueError("The space 'Fake' has fewer than two known shapes")
        self.out = space.parent / "encoders" / f"{space.stem}.safetensors"
        self.folder = self.out.with_suffix(".teaching")
        self.folder.mkdir(parents=True, exist_ok=True)
        record, options = self.folder / "teaching.json", header.get("options")
        former = json.loads(record.read_text("utf-8")) if record.exists() else {}
        self.record = {**(options or former), "step": former.get("step", 0)}
        if options and {**options, "step": 0} != {**former, "step": 0}:
            self.record["step"] = 0
        self.stop, self.step = False, self.record["step"]
        self._write()

    def _write(self):
        self.record["step"] = self.step
        (self.folder / "teaching.json").write_text(json.dumps(self.record), "utf-8")

    def advance(self):
        taught = self.step == self.STEPS and not self.stop
        if not taught and not self.stop:
            self.step += 1
        if MODE.startswith("die_at_teach_") and self.step >= int(MODE.rsplit("_", 1)[1]):
            os._exit(9)
        if MODE == "full_disk" and self.step == 5:
            raise OSError("The disk is full")
        if MODE == "slow":
            time.sleep(0.1)
        self._write()
        if taught:
            self.out.write_text(json.dumps(self.record))
            (self.folder / "teaching.json").unlink()
            self.folder.rmdir()
        stage = "done" if taught else "pictures" if self.step < 3 else "encoder"
        header = {"op": "progress", "stage": stage, "share": self.step / self.STEPS}
        if MODE == "half_progress" and self.step == 3:
            del header["share"]
        header["seconds_left"] = 90.0 if 3 < self.step < self.STEPS else None
        figures = {"encoder": {"code": 0.5, "degrees": 12.0}, "done": {"mask_iou": 0.9}}
        header["figures"] = figures.get(stage, {})
        header |= {"finished": taught or self.stop, "path": str(self.out) if taught else None}
        header["reason"] = "taught" if taught else "stopped" if self.stop else ""
        return header, {}, taught or self.stop


# Their starts may refuse.
REFUSING = {
    "reconstruct": (Reconstruct, "reconstructing", "EncoderError", "Teach one"),
    "train": (Train, "training", "TrainingError", "Add shapes"),
    "teach": (Teach, "teaching", "TrainingError", "Use a space of several"),
}


def answer(header, arrays):
    op = header["op"]
    if op == "drop":
        return {"op": "dropped"}, None
    if op == "export":
        folder = Path(header["folder"])
        folder.mkdir(exist_ok=True)
        (folder / "specs.json").write_text("{}")
        notes = ["DeepSDF cannot load this", "Its output has no tanh"]
        return {"op": "exported", "files": [str(folder / "specs.json")], "notes": notes}, None
    if MODE == "alien_error" and op == "mesh":
        return {"op": "error", "kind": "Internal", "problem": "It broke", "remedy": "Tell us"}, None
    if op == "space":
        if not Path(header["path"]).exists():
            return {"op": "error", "kind": "SpaceError", "problem": "not there", "remedy": ""}, None
        info = {"op": "space", "name": "Fake", "code_length": LENGTH, "codes_count": 2}
        info |= {"shape_names": ["long", "wide"], "card": {}, "warnings": []}
        info["sliders"] = [{"name": "Length", "low": -2, "high": 2}]
        info["sliders"] += [{"name": "Width", "low": -1, "high": 3}]
        eye, ones = np.eye(LENGTH, dtype="<f4"), np.ones(LENGTH, dtype="<f4")
        known = {"codes": CODES, "mean": MEAN, "axes": eye, "deviations": ones}
        return info, {**known, "sliders": 0.5 * eye[:2]}
    if op == "mesh":
        if arrays["code"][0] < -2:
            empty = {"vertices": np.zeros((0, 3), "<f4"), "faces": np.zeros((0, 3), "<i4")}
            return {"op": "mesh", "report": {"message": "all outside"}, "ms": {}}, empty
        vertices, faces = ellipsoid(arrays["code"], header["resolution"])
        whole = {"vertices": vertices, "faces": faces}
        return {"op": "mesh", "report": report(vertices, faces), "ms": {}}, whole
    if op == "interpolate":
        a, b = arrays["codes"]
        return {"op": "code"}, {"code": (a + header["factor"] * (b - a)).astype("<f4")}
    return {"op": "error", "kind": "Request", "problem": f"what is '{op}'?", "remedy": ""}, None


def serve(channel):
    fit = None
    while True:
        header, arrays = receive(channel)
        op, identity = header["op"], header["id"]
        if op == "bye":
            return
        if op == "fit":
            fit = Fit(header, arrays)
            send(channel, {"op": "fitting", "id": identity})
        elif op == "encode":
            fit = Encode(header, arrays)
            send(channel, {"op": "encoding", "id": identity})
        elif op in REFUSING:
            begin, begun, kind, remedy = REFUSING[op]
            try:
                fit = begin(header, arrays)
                send(channel, {"op": begun, "id": identity})
            except ValueError as error:
                problem = {"op": "error", "kind": kind, "problem": str(error)}
                send(channel, {**problem, "id": identity, "remedy": remedy})
        elif op == "stop" and fit:
            fit.stop = True
            send(channel, {"op": "stopping", "id": identity})
        elif op == "next" and fit:
            if MODE == "garbage":
                channel.send_bytes(b"\x00\xff nothing of ours")
                continue
            try:
                step, values, done = fit.advance()
            except OSError as error:
                problem = {"op": "error", "kind": "TrainingError", "problem": str(error)}
                send(channel, {**problem, "id": identity, "remedy": "Free some space"})
                fit = None
                continue
            send(channel, {**step, "id": identity}, values)
            fit = None if done else fit
        elif fit and not fit.stop:
            busy = {"op": "error", "kind": "Busy", "problem": "a fit is running", "remedy": ""}
            send(channel, {**busy, "id": identity})
        else:
            reply, values = answer(header, arrays)
            send(channel, {**reply, "id": identity}, values)


def main():
    greeting = json.loads(sys.stdin.readline())
    if MODE == "silent":
        sys.exit("the fake worker does not feel like it")
    if MODE == "dawdle":
        time.sleep(60)
    address = greeting["address"]
    address = tuple(address) if isinstance(address, list) else address
    channel = Client(address, greeting["family"], authkey=bytes.fromhex(greeting["key"]))
    protocol = 999 if MODE == "old_protocol" else 1
    hello = {"op": "hello", "id": 0, "protocol": protocol, "python": "3", "pid": os.getpid()}
    send(channel, hello)
    if MODE == "unready":
        problem = {"op": "unready", "id": 0, "problem": "torch does not load", "missing": ["torch"]}
        send(channel, {**problem, "remedy": "Install torch"})
        sys.exit(3)
    ready = {"op": "ready", "id": 0, "torch": "0.0", "device": greeting["device"], "threads": 1}
    send(channel, {**ready, "devices": ["cpu"]})
    try:
        serve(channel)
    except EOFError:
        os._exit(0)


main()
