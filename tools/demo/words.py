"""What the demo says."""

from __future__ import annotations

CLOSING = """done. Open
  out/demo_steps.png  the target and a choice of steps, side by side
  out/demo.gif        the fit as it went
  out/demo.blend      the fitted head, in Blender: File > Open"""


def ended(reason: str, *, good: bool) -> str:
    """Why the fit ended; a good one that gains no more is done, not stuck."""
    if good:
        return "the outlines match as well as they will"
    return reason[:1].lower() + reason[1:]


def picture_line(number: int, step: int, *, best: bool) -> str:
    """Progress of the drawing; the last picture is the best step, which need not be the last."""
    return f"demo: picture {number}, {'the best step, ' if best else 'step '}{step}"
