"""Reading a ``.pth`` file of torch without running anything that is in it.

A ``.pth`` file is a pickle, and a pickle is a program. Two readers go over it: first ours, which
knows a handful of names, builds nothing and adds up what the tensors would take; then
``torch.load`` with ``weights_only``, on the very same bytes. Both forms that torch has written are
read: the zip archive (since 1.6) and the row of pickles before it.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch

from .errors import SpaceError
from .files import read_whole

# ``weights_only`` of older versions could be made to run code (CVE-2025-32434).
OLDEST_TORCH = (2, 6)
MAX_FILE_BYTES = 512 * 1024**2
MAX_PICKLE_BYTES = 64 * 1024**2
MAX_ZIP_ENTRIES = 10_000
ZIP_MAGIC = b"PK"
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
ITEM_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
    "UntypedStorage": 1,
}


def read_checkpoint(path: Path) -> Any:
    """What torch saved in ``path``, all tensors on the CPU.

    Raises SpaceError where the file is missing, damaged, too large, or asks for anything but
    tensors and plain containers.
    """
    if torch_version(str(torch.__version__)) < OLDEST_TORCH:
        raise SpaceError(
            f"'{path}' is not read with torch {torch.__version__}, where a file could run code",
            "Install torch 2.6 or newer",
        )
    data = read_whole(path, MAX_FILE_BYTES, SpaceError)
    try:
        _Scan(path).check(data)
        return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except SpaceError:
        raise
    # A damaged pickle fails in every way that there is; none of them may get further.
    except Exception as error:
        raise SpaceError(
            f"'{path}' is damaged, or no file that torch has saved "
            f"({type(error).__name__}: {str(error)[:200]})",
            "Copy or download it again",
        ) from error


def torch_version(text: str) -> tuple[int, int]:
    """Major and minor version of torch; (0, 0) for what cannot be read."""
    try:
        major, minor, *_ = text.split(".")
        return int(major), int(minor)
    except ValueError:
        return 0, 0


def _too_large(path: Path, what: str, size: int, most: int) -> SpaceError:
    return SpaceError(
        f"'{path}' is refused: {what} would take {size:,} bytes or more, and at most "
        f"{most:,} are allowed",
        "Choose the checkpoint of a decoder; a file like this one may be meant to do harm",
    )


class _StorageType(NamedTuple):
    item_bytes: int


class _Storage(NamedTuple):
    items: int


class _Pickles(io.BytesIO):
    """The row of pickles that a legacy file begins with, read no further than a pickle may go."""

    def __init__(self, data: bytes, too_long: Callable[[int], SpaceError]) -> None:
        super().__init__(data)
        self._size, self._too_long = len(data), too_long

    def _check(self, count: int | None) -> None:
        end = self._size if count is None or count < 0 else self.tell() + count
        if min(end, self._size) > MAX_PICKLE_BYTES:
            raise self._too_long(end)

    def read(self, count: int | None = -1, /) -> bytes:
        self._check(count)
        return super().read(count)

    def readinto(self, buffer: Any, /) -> int:
        self._check(len(buffer))
        return super().readinto(buffer)

    def readline(self, count: int | None = -1, /) -> bytes:
        line = super().readline(count)
        self._check(0)
        return line


class _Scan:
    """The first reader: sizes and names only. Raises SpaceError, or what a bad pickle causes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._storage_bytes: dict[str, int] = {}

    def check(self, data: bytes) -> None:
        """Go over a file's bytes."""
        if data.startswith(ZIP_MAGIC):
            self._check_zip(data)
        else:
            self._check_legacy(_Pickles(data, self._long_pickle), len(data))

    def _check_zip(self, data: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            sizes = {entry.filename: entry.file_size for entry in entries}
            if len(entries) > MAX_ZIP_ENTRIES or len(sizes) != len(entries):
                raise SpaceError(
                    f"'{self._path}' is refused: its {len(entries)} entries are too many or not "
                    "distinct",
                    "Download it again from a source you trust",
                )
            if sum(sizes.values()) > MAX_FILE_BYTES:
                held = sum(sizes.values())
                raise _too_large(self._path, "what the archive holds", held, MAX_FILE_BYTES)
            pickles = [name for name in sizes if name.split("/", 1)[-1] == "data.pkl"]
            if len(pickles) != 1:
                raise SpaceError(
                    f"'{self._path}' is a zip archive, but none that torch has saved",
                    "Unpack it, and choose the experiment's folder",
                )
            if sizes[pickles[0]] > MAX_PICKLE_BYTES:
                raise self._long_pickle(sizes[pickles[0]])
            self._unpickle(io.BytesIO(archive.read(pickles[0])))
        root = pickles[0].rsplit("/", 1)[0]
        for key, needed in self._storage_bytes.items():
            if needed > sizes.get(f"{root}/data/{key}", 0):
                raise self._more_than_there_is()

    def _check_legacy(self, stream: io.BytesIO, size: int) -> None:
        if self._unpickle(stream) != LEGACY_MAGIC:
            raise SpaceError(
                f"'{self._path}' is no file that torch has saved", "Choose a .pth checkpoint"
            )
        # The protocol, the writing system, the object, the keys of the storages; then the data.
        for _ in range(4):
            self._unpickle(stream)
        if sum(self._storage_bytes.values()) > size - stream.tell():
            raise self._more_than_there_is()

    def _long_pickle(self, size: int) -> SpaceError:
        return _too_large(self._path, "its pickle", size, MAX_PICKLE_BYTES)

    def _more_than_there_is(self) -> SpaceError:
        return SpaceError(
            f"'{self._path}' is truncated: it declares larger tensors than it holds",
            "Copy or download it again",
        )

    def _unpickle(self, stream: io.BytesIO) -> Any:
        return _ScanningUnpickler(stream, self._refusal, self._storage_bytes).load()

    def _refusal(self, name: str) -> SpaceError:
        return SpaceError(
            f"'{self._path}' is refused: it asks for '{name[:80]}', and a checkpoint needs nothing "
            "but tensors; nothing of it was run",
            "Save the plain state dictionaries again with torch, or ask where the file comes from",
        )


# The pure Python unpickler: the one in C has no dispatch table to shorten, and allocates for a
# memo index as large as the file says. Typeshed does not know it.
_PythonUnpickler: Any = vars(pickle)["_Unpickler"]
# Operations that allocate before they read, or find classes by other ways than find_class.
_REFUSED_OPERATIONS = (
    pickle.BYTEARRAY8,
    pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER,
    pickle.EXT1,
    pickle.EXT2,
    pickle.EXT4,
    pickle.INST,
    pickle.OBJ,
    pickle.NEWOBJ_EX,
    pickle.PERSID,
)


class _ScanningUnpickler(_PythonUnpickler):  # type: ignore[misc]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        operation: handler
        for operation, handler in _PythonUnpickler.dispatch.items()
        if bytes([operation]) not in _REFUSED_OPERATIONS
    }

    def __init__(
        self,
        stream: io.BytesIO,
        refusal: Callable[[str], SpaceError],
        storage_bytes: dict[str, int],
    ) -> None:
        super().__init__(stream, encoding="utf-8")
        self._refusal = refusal
        self._storage_bytes = storage_bytes

    def find_class(self, module: str, name: str) -> Any:
        # Whatever is returned can be called and written to by the pickle: so only bound methods,
        # tuples and immutable types.
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("torch", "torch.storage") and name in ITEM_BYTES:
            return _StorageType(ITEM_BYTES[name])
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return self._parameter
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return (module, name)
        if (module, name) in (("torch", "Size"), ("torch", "device")):
            return self._value
        raise self._refusal(f"{module}.{name}")

    def persistent_load(self, saved_id: Any) -> _Storage:
        kind, storage_type, key, _location, items, *_view = saved_id
        # What is no text is not shown: writing out nested tuples can take for ever.
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise self._refusal(f"a saved {kind if isinstance(kind, str) else 'object'}")
        if type(items) is not int or items < 0 or not isinstance(key, str):
            raise self._refusal("a storage without a size")
        needed = items * storage_type.item_bytes
        self._storage_bytes[key] = max(needed, self._storage_bytes.get(key, 0))
        return _Storage(items)

    def _tensor(self, storage: _Storage, offset: int, size: Any, stride: Any, *_: Any) -> _Storage:
        extent = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        items = math.prod(size)
        # A stride of 0 makes a huge tensor of one number; it would be huge once it is copied.
        fits = (
            min([offset, *size, *stride, 0]) == 0
            and (items == 0 or offset + extent < storage.items)
            and items <= storage.items
        )
        if not fits:
            raise self._refusal(f"a tensor of {items} values in a storage of {storage.items}")
        return storage

    def _parameter(self, tensor: _Storage, *_: Any) -> _Storage:
        return tensor

    def _value(self, *values: Any) -> tuple[Any, ...]:
        return values
