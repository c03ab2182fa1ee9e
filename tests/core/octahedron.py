"""A space in closed form: octahedra |x| + |y| + |z| < 0.6 + 0.2 z, z the code's only number."""

from __future__ import annotations

import torch

from core.decoder import Architecture, Decoder
from core.space import Frame, Space

# Keeps the code's own unit positive, so that ReLU passes it on.
LIFT = 10.0


def radius(code: float) -> float:
    """Half the octahedron's diagonal."""
    return 0.6 + 0.2 * code


def octahedra(frame: Frame = Frame()) -> Space:  # noqa: B008
    """The space, with the codes -1, 0 and 1."""
    decoder = Decoder(Architecture(1, (7,), tanh_out=False))
    with torch.no_grad():
        first, last = decoder.weights
        first.zero_()
        first[:3, 1:], first[3:6, 1:] = torch.eye(3), -torch.eye(3)
        first[6, 0] = 1.0
        last[:] = torch.tensor([[1.0] * 6 + [-0.2]])
        decoder.biases[0].copy_(torch.tensor([0.0] * 6 + [LIFT]))
        decoder.biases[1].fill_(0.2 * LIFT - 0.6)
    return Space(
        name="octahedra",
        decoder=decoder.requires_grad_(False),
        codes=torch.tensor([[-1.0], [0.0], [1.0]]),
        shape_names=("small", "middle", "large"),
        frame=frame,
        card={"licence": "CC0"},
    )
