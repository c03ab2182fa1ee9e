"""What hides an object: itself, or the collections that it is in; and what shows it again."""

from __future__ import annotations

from collections.abc import Iterator

import bpy


def lines(ob: bpy.types.Object) -> list[str]:
    """The lines of Python that show a hidden object; none where nothing hides it."""
    return [line for line, _ in _hiding(ob)]


def advice(ob: bpy.types.Object) -> str:
    """What to do to see a hidden object, in words; empty where nothing hides it."""
    told = list(dict.fromkeys(words for _, words in _hiding(ob)))
    return ", ".join(told)


def _hiding(ob: bpy.types.Object) -> Iterator[tuple[str, str]]:
    """What hides it, as a line that mends it and in words: collections from the outside in."""
    yield from _of_collections(ob)
    named = f"bpy.data.objects[{ob.name!r}]"
    if ob.hide_viewport:
        yield f"{named}.hide_viewport = False", f"turn on object '{ob.name}' for viewports"
    if ob.hide_get():
        yield f"{named}.hide_set(False)", "show it (Alt H)"


def _of_collections(ob: bpy.types.Object) -> list[tuple[str, str]]:
    """The same of the collections: of the one that takes least, as one that shows is enough."""
    top = bpy.context.view_layer.layer_collection
    if ob.name in top.collection.objects:
        return []
    ways = [_of_path(path) for path in _paths(top, ob)]
    return min(ways, key=len, default=[])


def _paths(
    layer: bpy.types.LayerCollection,
    ob: bpy.types.Object,
    above: tuple[bpy.types.LayerCollection, ...] = (),
) -> Iterator[tuple[bpy.types.LayerCollection, ...]]:
    for child in layer.children:
        path = (*above, child)
        if child.collection.objects.get(ob.name) == ob:
            yield path
        yield from _paths(child, ob, path)


def _of_path(path: tuple[bpy.types.LayerCollection, ...]) -> list[tuple[str, str]]:
    found = []
    named = "bpy.context.view_layer.layer_collection"
    for layer in path:
        named, name = f"{named}.children[{layer.name!r}]", layer.name
        if layer.exclude:
            words = f"include collection '{name}' in the view layer"
            found.append((f"{named}.exclude = False", words))
        if layer.hide_viewport:
            found.append((f"{named}.hide_viewport = False", f"show collection '{name}' (its eye)"))
        if layer.collection.hide_viewport:
            words = f"turn on collection '{name}' for viewports"
            found.append((f"bpy.data.collections[{name!r}].hide_viewport = False", words))
    return found
