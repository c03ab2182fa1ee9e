"""Drop a file onto a window, as a file manager does (XDND, version 5).

    DISPLAY=:90 python3 tools/show/drop_file.py FILE X Y

X and Y are the screen's pixels. Needs python-xlib, and a window there that takes drops, as that of
Blender does. Exits with 1 where it was not taken.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from Xlib import X, Xatom, display
from Xlib.protocol import event

VERSION, PATIENCE = 5, 10.0
ON_THE_WAY = 12  # positions that are told before the drop


class Drag:
    """A file that is being dragged."""

    def __init__(self, path: Path) -> None:
        self.display = display.Display()
        root = self.display.screen().root
        self.uri = f"{path.resolve().as_uri()}\r\n".encode()
        self.own = root.create_window(0, 0, 1, 1, 0, self.display.screen().root_depth)
        self.own.set_selection_owner(self._atom("XdndSelection"), X.CurrentTime)
        self.target = self._aware(root)

    def drop(self, x: int, y: int) -> bool:
        """Drag to a place and let go there; whether that was taken."""
        self._send("XdndEnter", VERSION << 24, self._atom("text/uri-list"), 0, 0)
        for number in range(ON_THE_WAY):
            place = (x - ON_THE_WAY + number + 1 << 16) | y
            self._send("XdndPosition", 0, place, X.CurrentTime, self._atom("XdndActionCopy"))
            status = self._answer("XdndStatus")
        if status is None or not status[1] & 1:
            return False
        time.sleep(1.0)
        self._send("XdndDrop", 0, X.CurrentTime, 0, 0)
        return self._answer("XdndFinished") is not None

    def _atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def _aware(self, window: Any) -> Any:
        """The window that takes drops."""
        for child in window.query_tree().children:
            if child.get_full_property(self._atom("XdndAware"), Xatom.ATOM):
                return child
            found = self._aware(child)
            if found is not None:
                return found
        return None

    def _send(self, name: str, *numbers: int) -> None:
        data = (32, [self.own.id, *numbers])
        told = event.ClientMessage(window=self.target, client_type=self._atom(name), data=data)
        self.target.send_event(told)
        self.display.flush()

    def _answer(self, name: str) -> list[int] | None:
        """What the window answers; meanwhile it may ask for what is dragged."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if not self.display.pending_events():
                time.sleep(0.02)
                continue
            got = self.display.next_event()
            if got.type == X.SelectionRequest:
                self._give(got)
            elif got.type == X.ClientMessage and got.client_type == self._atom(name):
                return list(got.data[1])
        return None

    def _give(self, asked: Any) -> None:
        asked.requestor.change_property(asked.property, asked.target, 8, self.uri)
        asked.requestor.send_event(
            event.SelectionNotify(
                time=asked.time,
                requestor=asked.requestor,
                selection=asked.selection,
                target=asked.target,
                property=asked.property,
            )
        )
        self.display.flush()


if __name__ == "__main__":
    drag = Drag(Path(sys.argv[1]))
    if drag.target is None:
        sys.exit("No window here takes drops")
    if not drag.drop(int(sys.argv[2]), int(sys.argv[3])):
        sys.exit("The drop was not taken")
