"""The demo's pictures: each step with the target's outline over it, as a strip and as a GIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from .stage import Picture

PAPER = (244, 241, 236)
SHADE = (222, 218, 211)
INK = (38, 42, 50)
OUTLINE = (0, 122, 204)
PANELS = 6
PANEL_PIXELS = 320
GIF_PIXELS = 360
CAPTION_PIXELS = 46
GIF_STEP_MS = 160
GIF_HOLD_MS = 1600
# Drawn at twice the size and halved: smooth edges.
FINE = 2


def strip(silhouette: Path, pictures: Sequence[Picture], path: Path) -> None:
    """The target and a choice of steps beside each other."""
    last = len(pictures) - 1
    # The early steps change most.
    places = sorted({round(last * (i / (PANELS - 2)) ** 1.5) for i in range(PANELS - 1)})
    panels = [target_panel(silhouette, PANEL_PIXELS)]
    panels += [panel(silhouette, pictures[i], PANEL_PIXELS) for i in places]
    sheet = Image.new("RGB", (PANEL_PIXELS * len(panels), panels[0].height), PAPER)
    for place, image in enumerate(panels):
        sheet.paste(image, (place * PANEL_PIXELS, 0))
    sheet.save(path)


def animation(silhouette: Path, pictures: Sequence[Picture], path: Path) -> None:
    """The steps one after another; the last one is held."""
    frames = [panel(silhouette, picture, GIF_PIXELS) for picture in pictures]
    # One palette for all: the colours do not flicker.
    palette = frames[-1].quantize(colors=128, method=Image.Quantize.MEDIANCUT)
    indexed = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [GIF_STEP_MS] * len(frames)
    durations[0], durations[-1] = GIF_HOLD_MS // 2, GIF_HOLD_MS
    indexed[0].save(
        path, save_all=True, append_images=indexed[1:], duration=durations, loop=0, optimize=True
    )


def target_panel(silhouette: Path, pixels: int) -> Image.Image:
    """The silhouette alone."""
    size = pixels * FINE
    sheet = Image.new("RGB", (size, size), PAPER)
    sheet.paste(Image.new("RGB", (size, size), INK), (0, 0), mask_of(silhouette, size))
    return captioned(sheet, pixels, "target", "rendered silhouette")


def panel(silhouette: Path, picture: Picture, pixels: int) -> Image.Image:
    """A step on paper, the target's outline over it."""
    size = pixels * FINE
    mask = mask_of(silhouette, size)
    sheet = Image.new("RGB", (size, size), PAPER)
    sheet.paste(Image.new("RGB", (size, size), SHADE), (0, 0), mask)
    with Image.open(picture.path) as opened:
        render = opened.convert("RGBA").resize((size, size), Image.Resampling.LANCZOS)
    sheet.paste(render, (0, 0), render)
    sheet.paste(Image.new("RGB", (size, size), OUTLINE), (0, 0), outline(mask))
    step = f"best: step {picture.step}" if picture.best else f"step {picture.step}"
    return captioned(sheet, pixels, step, f"IoU {picture.iou:.3f}")


def mask_of(silhouette: Path, size: int) -> Image.Image:
    """The picture's alpha at another size."""
    with Image.open(silhouette) as opened:
        return opened.getchannel("A").resize((size, size), Image.Resampling.LANCZOS)


def outline(mask: Image.Image) -> Image.Image:
    """A line along a mask's edge, about two pixels wide in the finished picture."""
    solid = mask.point(lambda value: 255 if value > 127 else 0)
    edge = ImageChops.difference(
        solid.filter(ImageFilter.MaxFilter(5)), solid.filter(ImageFilter.MinFilter(3))
    )
    return edge.filter(ImageFilter.GaussianBlur(0.8))


def captioned(sheet: Image.Image, pixels: int, left: str, right: str) -> Image.Image:
    """The picture at its final size, with a line of text under it."""
    page = Image.new("RGB", (pixels, pixels + CAPTION_PIXELS), PAPER)
    page.paste(sheet.resize((pixels, pixels), Image.Resampling.LANCZOS))
    draw = ImageDraw.Draw(page)
    middle = pixels + CAPTION_PIXELS // 2 - 6
    font = ImageFont.load_default(18)
    draw.text((20, middle), left, INK, font, anchor="lm")
    draw.text((pixels - 20, middle), right, OUTLINE, font, anchor="rm")
    return page
