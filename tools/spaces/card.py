"""``spaces/NAME.md``: the model card, made from the space's file and its recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.files import write_whole
from core.reconstruction.encoderfile import described, fingerprint
from core.reconstruction.judging import CHECKED, CHECKED_MASKS
from core.sliders import LOWEST_R2
from core.space import Space
from core.training.autodecoder import TrainingOptions

from .recipe import RADIUS, Recipe

LIKENESS = (
    ("volume_iou", "volume IoU, mean"),
    ("volume_iou_worst", "worst"),
    ("chamfer_squared", "Chamfer, squared x 1000"),
    ("chamfer", "mean distance"),
    ("normal_consistency", "normal consistency"),
    ("watertight", "watertight"),
    ("whole", "one watertight piece"),
    ("same_genus", "genus of the shape"),
)
PIECES = (
    ("watertight", "watertight"),
    ("whole", "one watertight piece"),
    ("components_most", "most components"),
    ("genus_low", "least genus"),
    ("genus_high", "greatest"),
    ("genus_within", "genus within that of the shapes"),
    ("specks", "specks left out"),
)
ENCODER, BEFORE_ENCODER = "From Pictures", "Quality\n"
SHARES = {"watertight", "whole", "same_genus", "genus_within", "specks"}
SHEET_TEXTS = {
    "training": "Training shapes, below each what its code gives",
    "held-out": "Shapes never trained on, below each what encoding found",
    "between": "Straight paths between codes",
    "random": "Random codes within two deviations",
}


def write_card(recipe: Recipe, space: Space, options: TrainingOptions, file_bytes: int) -> None:
    """Write the card beside the space's file."""
    text = "\n".join(lines(recipe, space, options, file_bytes)) + "\n"
    write_whole(recipe.file.with_suffix(".md"), text.encode("utf-8"))


def lines(recipe: Recipe, space: Space, options: TrainingOptions, file_bytes: int) -> Iterator[str]:
    """The card, line by line."""
    card, form = space.card, space.decoder.architecture
    yield from (f"# {recipe.title or recipe.name}", "", recipe.summary, "", "| | |", "|---|---|")
    skips = f", skips at {', '.join(map(str, form.skips))}" if form.skips else ""
    fourier = f", Fourier features of degree {form.fourier_degree}" if form.fourier_degree else ""
    yield f"| file | `{recipe.file.name}`, {file_bytes / 1000:,.0f} kB |"
    yield (
        f"| decoder | {len(form.widths)} hidden layers of {', '.join(_widths(form.widths))}"
        f"{skips}{fourier}; {form.flops / 1000:,.0f} kFLOP an evaluation |"
    )
    yield f"| codes | {len(space.codes)} of length {space.code_length} |"
    yield f"| frame | Z up, front towards -Y, radius {RADIUS} in the cube, 1 in the world |"
    yield from _origin(card, space)
    yield from _names(card, space)
    yield from _recipe(recipe, card, options)
    yield from _quality(card)
    yield from _encoder(recipe, space)
    yield from _pictures(recipe)
    if recipe.limits:
        yield from ("", "## Limits", "", recipe.limits)


def tell_of_encoder(recipe: Recipe, space: Space) -> None:
    """Put what the encoder's header says into the card that is there."""
    path = recipe.file.with_suffix(".md")
    sections = path.read_text("utf-8").split("\n## ")
    kept = [each for each in sections if not each.startswith(f"{ENCODER}\n")]
    said = "\n".join(_encoder(recipe, space)).removeprefix("\n## ")
    after = [i for i, each in enumerate(kept) if each.startswith(BEFORE_ENCODER)]
    at = after[-1] + 1 if after else len(kept)
    if said:
        kept.insert(at, f"{said}\n")
    write_whole(path, ("\n## ".join(each.rstrip("\n") + "\n" for each in kept)).encode("utf-8"))


def _encoder(recipe: Recipe, space: Space) -> Iterator[str]:
    if not recipe.encoder.exists():
        return
    said = described(recipe.encoder)
    if said["fingerprint"] != fingerprint(space):  # of a former training
        return
    quality, taught = said["card"]["quality"], said["card"]["recipe"]
    pictures, steps = taught["encoder"]["pictures"], taught["encoder"]["steps"]
    turned = "rotation off by" if said["azimuth"] else "upright axis off by"
    yield from ("", f"## {ENCODER}", "")
    yield (
        f"`encoders/{recipe.encoder.name}`, {recipe.encoder.stat().st_size / 1000:,.0f} kB, "
        f"guesses a code and views from one picture. Taught with {pictures:,} drawn pictures in "
        f"{steps:,} steps, seed {taught['seed']}; on {CHECKED:,} pictures drawn anew, with masks "
        "as rough as hands draw them:"
    )
    yield ""
    yield (
        f"- code: error {100 * quality['code_error']:.0f} % of the mean shape's, as it moves the "
        "surface"
    )
    yield (
        f"- {turned} {quality['likeliest_degrees']:.0f} degrees in the likeliest guess, "
        f"{quality['best_degrees']:.0f} in the best one, mean"
    )
    yield ""
    yield (
        f"On {CHECKED_MASKS} where other things stand behind, the masks that it predicts share "
        f"{100 * quality['mask_iou']:.0f} % of the area that they and the true ones cover."
    )


def _widths(widths: Sequence[int]) -> list[str]:
    return [str(width) for width in dict.fromkeys(widths)]


def _origin(card: Mapping[str, Any], space: Space) -> Iterator[str]:
    names = space.shape_names
    yield from ("", "## Training shapes", "", "| shapes | origin | licence |", "|---|---|---|")
    held_out = card["held_out_shapes"]
    apart = f"; {len(held_out)} more held out" if held_out else ""
    which = f"`{names[0]}` to `{names[-1]}`, {len(names)} of them{apart}"
    yield f"| {which} | {card['origin']} | {card['licence']} |"
    if card["credits"]:
        yield from ("", *(f"- {credit}" for credit in card["credits"]))
    if held_out:
        yield from ("", f"Held out, never trained on: {', '.join(held_out)}.")


def _names(card: Mapping[str, Any], space: Space) -> Iterator[str]:
    if card["examples"]:
        listed = ", ".join(f"{e['name']} (`{e['shape']}`)" for e in card["examples"])
        yield from ("", "## Examples", "", f"{listed}.")
    if space.sliders:
        yield from ("", "## Sliders", "", "| slider | from | to |", "|---|---|---|")
        yield from (f"| {s.name} | {s.low:.1f} | {s.high:.1f} |" for s in space.sliders)
        yield ""
        yield (
            "In standard deviations of the training shapes. A slider with a name is the expected "
            "change of the code with that attribute, the others unchanged; attributes of which the "
            f"codes explain less than {LOWEST_R2} of the variance, cross-validated, have none. "
            "Those called Shape are principal axes of the rest."
        )


def _recipe(recipe: Recipe, card: Mapping[str, Any], options: TrainingOptions) -> Iterator[str]:
    yield from ("", "## Recipe", "", f"`python3 dev.py spaces {recipe.name}` ({card['recipe']}).")
    took = f", {card['seconds'] / 60:.0f} minutes" if card.get("seconds") else ""
    muon = f"Muon at {options.matrix_rate:g} for matrices, " if options.matrix_rate else ""
    yield (
        f"{recipe.near:,} points near each surface and {recipe.volume:,} in the cube; "
        f"{card['steps']:,} steps of {min(options.shapes_per_step, card['training_shapes'])} "
        f"shapes x {options.points_per_shape} points{took}; clamp {options.clamp:g}, code weight "
        f"{options.code_weight:g}, {muon}Adam at {options.decoder_rate:g} (codes "
        f"{options.code_rate:g}), "
        f"seed {card['seed']}."
    )


def _quality(card: Mapping[str, Any]) -> Iterator[str]:
    quality = card["quality"]
    if not quality:
        return
    yield from ("", "## Quality", "")
    yield (
        "Meshes at 128 cells against the shapes, radius 1: exact distances of 30,000 points each "
        "way, volumes over at least 200,000 points in the box around both, by winding number. "
        "Held-out shapes are encoded first. The genus is held against the shapes' own: halfway "
        "between two codes against the range of the two, of random codes against that of all "
        "training shapes."
    )
    kinds = (("training", "training"), ("held_out", "held out"))
    yield from _table(
        "shapes", LIKENESS, [(n, quality[k], "shapes") for k, n in kinds if k in quality]
    )
    kinds = (("between", "halfway between two codes"), ("random", "random, within two deviations"))
    yield from _table(
        "codes", PIECES, [(n, quality[k], "meshes") for k, n in kinds if k in quality]
    )


def _table(
    first: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[tuple[str, Mapping[str, Any], str]],
) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"| {first} | {' | '.join(label for _, label in columns)} |")
    yield "|---" * (len(columns) + 1) + "|"
    for name, figures, count in rows:
        cells = (_figure(key, figures.get(key)) for key, _ in columns)
        yield f"| {figures[count]} {name} | {' | '.join(cells)} |"


def _figure(key: str, value: object) -> str:
    if value is None:
        return "-"
    if key in SHARES and isinstance(value, float | int):
        return f"{100 * value:.0f} %"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _pictures(recipe: Recipe) -> Iterator[str]:
    found = {kind: recipe.sheet(kind) for kind in SHEET_TEXTS}
    found = {kind: path for kind, path in found.items() if path.exists()}
    if found:
        yield from ("", "## Pictures", "")
        for kind, path in found.items():
            yield f"- [{SHEET_TEXTS[kind]}](../docs/images/spaces/{path.name})"
