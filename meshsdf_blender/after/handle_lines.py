"""The handles of a fit as the Python that makes them: only what is new since the fit before."""

from __future__ import annotations

from .fit_scene import State
from .plain_python import literal

WEIGHT = 1.0


class HandleLines:
    """Lines for one fit after the other. Each handle is made once, and found by its place."""

    def __init__(self) -> None:
        self._made: dict[str, State] = {}  # by name, in the order of the list
        self._on: set[str] = set()

    def lines(self, held: list[State], shape: str) -> list[str]:
        """Python that gives the object in the variable ``shape`` these handles and no others.

        Raises ValueError and its like where it makes no sense.
        """
        now = {told["name"]: told for told in held}
        off = [name for name in self._made if name in self._on and name not in now]
        written = [f"{self._entry(name, shape)}.use = False" for name in off]
        for name, told in now.items():
            written += self._one(name, told, shape)
        self._on = set(now)
        return written

    def _one(self, name: str, told: State, shape: str) -> list[str]:
        at, weight = [float(value) for value in told["at"]], float(told["weight"])
        new = {"at": at, "weight": weight}
        was = self._made.get(name)
        self._made[name] = new
        entry, written = self._entry(name, shape), list[str]()
        if was is None:
            call = f"bpy.ops.meshsdf.handle_add(location={literal(at)}, name={literal(name)})"
            written, was = [call], {"at": at, "weight": WEIGHT}
        elif name not in self._on:
            written.append(f"{entry}.use = True")
        if at != was["at"]:
            written.append(f"{entry}.object.location = {literal(at)}")
        if weight != was["weight"]:
            written.append(f"{entry}.weight = {literal(weight)}")
        return written

    def _entry(self, name: str, shape: str) -> str:
        return f"{shape}.meshsdf.handles[{list(self._made).index(name)}]"
