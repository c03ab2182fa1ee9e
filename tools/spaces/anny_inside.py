"""Make heads with anny: runs with its packages on the path (see anny.py).

Reads lines ``SEED PATH``, writes ``PATH`` (.npz, see Faces.shape) and answers each with one line
of JSON, ``{"attributes": {...}}``, on what was its standard output at the start.

A body of MakeHuman's (CC0-1.0) comes out whole: skin with the mouth closed behind the lips, two
eyeballs, and the plane that cuts the neck.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from typing import Any

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import anny  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from anny.models import full_model  # noqa: E402
from anny.models.model_data import TopologyConfig  # noqa: E402

FACE = ("cheek", "chin", "ear", "eye", "eyebrows", "forehead", "head", "mouth", "neck", "nose")
SLIDERS = 137
# Sliders of one side follow their pair, but for this share; those to one side keep this share.
ASYMMETRY = 0.15
DEVIATION = 0.18
# 0 is a baby of one year, 1/3 a child, 2/3 young, 1 old. Sliders make monsters of babies.
YOUNGEST = 0.12
# The neck is cut through its second joint, a little lower at the throat than at the nape.
NECK_BONE = "neck02"
NECK_UP = np.array([0.0, -0.2, 0.98])
EYE_GROWTH = 1.04
# A slider that moves a feature alone, and the share of its most by which it must move a vertex.
FEATURES = {
    "nostrils": ("nose-flaring-incr", 0.1),
    "nose": ("nose-scale-depth-incr", 0.3),
    "ear": ("l-ear-wing-incr", 0.1),
    "chin": ("chin-width-incr", 0.3),
}


def read_target(filename: str, vertices_count: int, world_transformation: Any, dtype: Any) -> Any:
    """anny's ``load_blend_shape``, which takes minutes for its thousand files, read at once."""
    with gzip.open(filename, "rt") as archive:
        rows = np.array(archive.read().split(), np.float64).reshape(-1, 4)
    offsets = torch.zeros((vertices_count, 3), dtype=dtype)
    offsets[torch.from_numpy(rows[:, 0].astype(np.int64))] = torch.from_numpy(rows[:, 1:]).to(dtype)
    return world_transformation.apply(offsets)


def feature(label: str) -> str:
    """The part of the face that a slider belongs to: ``l-ear-lobe-incr`` is of the ear."""
    parts = label.split("-")
    return parts[1] if parts[0] in ("l", "r") else parts[0]


class Faces:
    """The model and what stays the same from head to head."""

    def __init__(self) -> None:
        full_model.load_blend_shape = read_target
        # MakeHuman's own mesh: anny's other topologies carry other licences.
        topology = TopologyConfig(base_mesh="makehuman", nudity_edits=False)
        self.model = anny.Anny(
            rig="makehuman",
            topology=topology,
            local_changes="all",
            phenotypes="all",
            phenotype_blendshapes="original",
        )
        self.sliders = [s for s in self.model.local_change_labels if feature(s) in FACE]
        assert len(self.sliders) == SLIDERS, len(self.sliders)
        faces = self.model.get_triangular_faces().numpy().astype(np.int64)
        part = components(faces, len(self.model.template_vertices))
        names, sizes = np.unique(part, return_counts=True)
        order = names[np.argsort(-sizes)]
        mouth = self._inside_mouth() & (part == order[0])
        lips = boundary(faces[mouth])
        corner = int(np.argmax(self.model.template_vertices.numpy()[lips, 0]))
        self.lips = np.roll(lips, -corner)
        self.skin = np.concatenate([faces[(part == order[0]) & ~mouth], lid(self.lips)])
        # Skin, tongue, then the two eyes.
        self.eyes = [faces[part == number] for number in order[2:4]]
        self.neck = self.model.bone_labels.index(NECK_BONE)

    def _inside_mouth(self) -> Any:
        from anny.face_segmentation import get_face_segmentation_mask

        return get_face_segmentation_mask(self.model, ["mouth_cavity"]).numpy()

    def vertices_of(self, name: str) -> Any:
        """The vertices of the feature ``name``: those that its slider moves."""
        label, share = FEATURES[name]
        row = self.model.blendshape_labels.index(f"local_change:{label}")
        length = self.model.blendshapes[row].norm(dim=1).numpy()
        return np.flatnonzero(length > share * length.max())

    def shape(self, seed: int) -> tuple[dict[str, Any], dict[str, float]]:
        """The arrays of one head, and its attributes.

        ``vertices`` (V, 3) in metres, Z up, front -Y; ``skin``, ``eye_0``, ``eye_1``: closed
        triangles; ``cut``: a point and the upward normal of the neck's plane (2, 3).
        """
        rng = np.random.default_rng(seed)
        person = {name: float(rng.uniform(0, 1)) for name in self.model.phenotype_labels}
        person["age"] = YOUNGEST + (1 - YOUNGEST) * person["age"]
        face = {label: float(value) for label, value in self.draw(rng).items()}
        with torch.no_grad():
            out = self.model(phenotype_kwargs=person, local_changes_kwargs=face)
        vertices = out["vertices"][0].numpy().astype(np.float64)
        for eye in self.eyes:
            own = np.unique(eye)
            centre = vertices[own].mean(axis=0)
            vertices[own] = centre + EYE_GROWTH * (vertices[own] - centre)
        joint = out["bone_poses"][0, self.neck, :3, 3].numpy()
        arrays = {"vertices": vertices, "skin": self.skin, "cut": np.stack([joint, NECK_UP])}
        arrays |= {f"eye_{number}": eye for number, eye in enumerate(self.eyes)}
        shown = ("age", "gender", "weight", "muscle", "proportions")
        return arrays, {**{name: person[name] for name in shown}, **self.measures(vertices, joint)}

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """A value in -1..1 for each face slider; the two sides of a face are nearly alike."""
        shared: dict[str, float] = {}
        values = {}
        for label in self.sliders:
            own = rng.normal(0, DEVIATION)
            if label[:2] in ("l-", "r-"):
                pair = shared.setdefault(label[2:], own)
                value = (1 - ASYMMETRY) * pair + ASYMMETRY * own
            else:
                # A face's middle shifted to one side.
                value = ASYMMETRY * own if label.endswith("-trans-out") else own
            values[label] = float(np.clip(value, -1, 1))
        return values

    def measures(self, vertices: Any, joint: Any) -> dict[str, float]:
        """Lengths of the head and its features in metres (the caller scales them)."""

        def span(places: Any, axis: int) -> float:
            return float(np.ptp(vertices[places, axis]))

        above = np.flatnonzero((vertices - joint) @ NECK_UP > 0)
        above = np.intersect1d(above, self.skin)
        eyes = [vertices[np.unique(eye)].mean(axis=0) for eye in self.eyes]
        nose = self.vertices_of("nose")
        heights = vertices[above, 2]
        skull = above[heights > eyes[0][2] + (heights.max() - eyes[0][2]) / 3]
        return {
            "head width": span(skull, 0),
            "head depth": span(skull, 1),
            "head height": span(above, 2),
            "eye distance": float(np.linalg.norm(eyes[0] - eyes[1])),
            "nose width": span(self.vertices_of("nostrils"), 0),
            "nose length": span(nose, 2),
            "nose depth": span(nose, 1),
            "mouth width": span(self.lips, 0),
            "ear size": span(self.vertices_of("ear"), 2),
            "chin width": span(self.vertices_of("chin"), 0),
        }


def components(faces: Any, count: int) -> Any:
    """The number of the connected part that each face belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b, c = faces.T
    links = coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, c])), shape=(count, count))
    return connected_components(links, directed=False)[1][a]


def boundary(faces: Any) -> Any:
    """The vertices around the one hole of ``faces``, in the order in which its faces pass them."""
    edges = {(int(f[i - 1]), int(f[i])) for f in faces for i in range(3)}
    following = {a: b for a, b in edges if (b, a) not in edges}
    loop = [next(iter(sorted(following)))]
    while len(loop) < len(following):
        loop.append(following[loop[-1]])
    return np.array(loop)


def lid(loop: Any) -> Any:
    """Triangles that fill the loop as a strip from corner to corner, facing as its faces did."""
    triangles = []
    left, right = 0, len(loop) - 1
    while right - left > 1:
        triangles.append((loop[left], loop[left + 1], loop[right]))
        left += 1
        if right - left > 1:
            triangles.append((loop[left], loop[right - 1], loop[right]))
            right -= 1
    return np.array(triangles)


def main() -> None:
    """Answer the lines of standard input until it ends."""
    torch.set_num_threads(1)
    faces = Faces()
    for line in sys.stdin:
        seed, path = line.rstrip("\n").split(" ", 1)
        arrays, attributes = faces.shape(int(seed))
        np.savez(path, **arrays)
        print(json.dumps({"attributes": attributes}), file=answers, flush=True)


if __name__ == "__main__":
    main()
