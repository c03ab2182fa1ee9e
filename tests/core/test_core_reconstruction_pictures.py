"""Pictures as people have them, and where the object is in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torch import Tensor

from core.errors import PictureError
from core.reconstruction import masking
from core.reconstruction.cropview import Square
from core.reconstruction.masker import SIDE, Masker
from core.reconstruction.masking import cut, find
from core.reconstruction.picture import (
    LARGEST_SIDE,
    checked,
    noted_lens,
    picture_size,
    read_picture,
)

GREY = (0.2126, 0.7152, 0.0722)


def saved(image: Image.Image, folder: Path, name: str = "picture.png", **kept: Any) -> Path:
    image.save(folder / name, **kept)
    return folder / name


def at(picture: Tensor, column: int, row: int) -> list[int]:
    return [round(255 * float(value)) for value in picture[:, row, column]]


def test_colours_and_transparency_are_read_as_they_are(tmp_path: Path) -> None:
    image = Image.new("RGBA", (20, 10), (255, 128, 0, 255))
    image.putpixel((3, 2), (10, 20, 30, 40))
    picture = read_picture(saved(image, tmp_path))
    assert picture.shape == (4, 10, 20)
    assert at(picture, 0, 0) == [255, 128, 0, 255]
    assert at(picture, 3, 2) == [10, 20, 30, 40]  # straight alpha


def test_grey_of_8_and_16_bits_and_floats(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 16)[None].repeat(10, axis=0)
    eight = Image.fromarray((ramp * 255).astype(np.uint8))
    sixteen = Image.fromarray((ramp * 65535).astype(np.uint16))
    floats = Image.fromarray(ramp.astype(np.float32))
    for image, name in ((eight, "a.png"), (sixteen, "b.png"), (floats, "c.tiff")):
        picture = read_picture(saved(image, tmp_path, name))
        for channel in picture[:3]:
            np.testing.assert_allclose(channel.numpy(), ramp, atol=1.01 / 255)
        assert bool((picture[3] == 1).all())


def test_dark_16_bits_stay_dark(tmp_path: Path) -> None:
    dark = Image.fromarray(np.full((10, 10), 6554, np.uint16))
    assert float(read_picture(saved(dark, tmp_path))[0].mean()) == pytest.approx(0.1, abs=0.003)


def noted(
    folder: Path, size: tuple[int, int], focal: Any, taken: tuple[int, int] | None = None
) -> Path:
    """A JPEG whose notes tell a focal length for small film, and how large it was taken."""
    notes = Image.Exif()
    notes.get_ifd(0x8769)[0xA405] = focal
    if taken is not None:
        notes.get_ifd(0x8769)[0xA002], notes.get_ifd(0x8769)[0xA003] = taken
    return saved(Image.new("RGB", size, "red"), folder, "noted.jpg", exif=notes)


def test_the_lens_that_a_photo_notes(tmp_path: Path) -> None:
    assert noted_lens(noted(tmp_path, (300, 200), 50)) == pytest.approx(50.0)
    assert noted_lens(noted(tmp_path, (200, 300), 50, (3000, 2000))) == pytest.approx(50.0)
    # A phone's pictures are less wide than film, whose diagonal is what counts.
    told = 26 * 36 / 43.2666 * 5 / 4
    assert noted_lens(noted(tmp_path, (400, 300), 26, (4000, 3000))) == pytest.approx(told, 1e-5)


def test_a_photo_that_notes_no_lens_or_was_cropped_tells_none(tmp_path: Path) -> None:
    assert noted_lens(saved(Image.new("RGB", (30, 20)), tmp_path, "a.jpg")) is None
    assert noted_lens(saved(Image.new("RGB", (30, 20)), tmp_path, "a.png")) is None
    assert noted_lens(noted(tmp_path, (300, 200), 0)) is None
    assert noted_lens(noted(tmp_path, (200, 200), 50, (3000, 2000))) is None
    (tmp_path / "no.jpg").write_text("no picture")
    with pytest.raises(PictureError):
        noted_lens(tmp_path / "no.jpg")


@pytest.mark.parametrize("focal", ["long", (1, 2), b"\0"])
def test_notes_that_make_no_sense_tell_no_lens(
    tmp_path: Path, focal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = noted(tmp_path, (30, 20), 50)
    monkeypatch.setattr(Image.Exif, "get_ifd", lambda *_: {0xA405: focal})
    assert noted_lens(path) is None


def test_cmyk_and_palettes(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red = at(read_picture(saved(cmyk, tmp_path, "a.jpg", quality=95)), 8, 8)
    assert red[0] > 200
    assert max(red[1:3]) < 60
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([0, 0, 255, 255, 0, 0])
    palette.putpixel((5, 5), 1)
    picture = read_picture(saved(palette, tmp_path, "b.png", transparency=0))
    assert at(picture, 0, 0)[3] == 0
    assert at(picture, 5, 5) == [255, 0, 0, 255]


def test_an_embedded_profile_is_applied(tmp_path: Path) -> None:
    """Lab's own profile is none of RGB; sRGB's changes nothing; a damaged one is passed over."""
    plain = Image.new("RGB", (16, 16), (200, 60, 30))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile"):
        picture = read_picture(saved(plain, tmp_path, icc_profile=profile))
        np.testing.assert_allclose(at(picture, 3, 3), [200, 60, 30, 255], atol=1)
    picture = read_picture(saved(plain, tmp_path, icc_profile=swapped(srgb)))
    assert at(picture, 3, 3)[0] < 100 < at(picture, 3, 3)[2]
    clear = plain.convert("RGBA")
    clear.putalpha(77)
    picture = read_picture(saved(clear, tmp_path, icc_profile=swapped(srgb)))
    assert at(picture, 3, 3)[3] == 77
    assert at(picture, 3, 3)[0] < 100


def swapped(profile: bytes) -> bytes:
    """The profile with the colorants of red and blue exchanged."""
    count = int.from_bytes(profile[128:132], "big")
    tags = {profile[132 + 12 * i : 136 + 12 * i]: 136 + 12 * i for i in range(count)}
    changed = bytearray(profile)
    for one, other in ((b"rXYZ", b"bXYZ"), (b"bXYZ", b"rXYZ")):
        changed[tags[one] : tags[one] + 8] = profile[tags[other] : tags[other] + 8]
    return bytes(changed)


def test_a_camera_held_upright_is_turned(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), (255, 255, 255))
    image.paste((0, 0, 255), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to see it upright
    path = saved(image, tmp_path, "a.jpg", exif=exif, quality=95)
    picture = read_picture(path)
    assert picture.shape == (4, 40, 20)
    assert picture_size(path) == (20, 40)
    assert at(picture, 10, 5)[0] < 60  # blue is on top now
    assert at(picture, 10, 35)[0] > 200
    assert picture_size(saved(image, tmp_path, "b.png")) == (40, 20)


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    image = Image.new("RGB", (4000, 1000), (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 2000, 1000))
    for name in ("a.png", "a.jpg"):
        path = saved(image, tmp_path, name)
        picture = read_picture(path)
        assert picture.shape == (4, 256, LARGEST_SIDE)
        assert picture_size(path) == (4000, 1000)
        assert at(picture, 100, 100)[2] > 240
        assert at(picture, 900, 100)[0] > 240


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:2000])
    saved(Image.new("RGB", (7, 100)), tmp_path, "tiny.png")
    for name, said in (("text.png", "cannot be read"), ("cut.png", "cannot be read")):
        with pytest.raises(PictureError, match=f"{name}.*{said}"):
            read_picture(tmp_path / name)
    with pytest.raises(PictureError, match="7 x 100 pixels"):
        read_picture(tmp_path / "tiny.png")
    with pytest.raises(PictureError, match="There is no file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="cannot be read"):
        picture_size(tmp_path / "text.png")


def test_a_tensor_is_checked() -> None:
    for wrong in (torch.zeros(3, 20, 20), torch.zeros(20, 20), torch.full((4, 20, 20), torch.nan)):
        with pytest.raises(PictureError):
            checked(wrong)
    assert checked(torch.full((4, 20, 20), 2.0)).max() == 1
    assert checked(torch.zeros(4, 2048, 1024)).shape == (4, 1024, 512)


def square_picture(side: int = 80) -> tuple[Tensor, Tensor]:
    picture, mask = torch.full((4, side, side), 0.5), torch.zeros(side, side)
    picture[3], mask[20:50, 30:70] = 1.0, 1.0
    return picture, mask


def test_a_given_mask_and_transparency_are_taken_as_they_are() -> None:
    picture, mask = square_picture()
    found = find(picture, None, mask)
    assert not found.predicted
    assert found.remarks == ()
    assert torch.equal(found.mask, mask)
    assert (found.square.column, found.square.row) == (50, 35)
    assert found.square.half == pytest.approx(20 * masking.MARGIN)
    picture[3] = mask
    assert torch.equal(find(picture, None).mask, mask)


def test_no_mask_no_object_and_nothing_else_are_refused() -> None:
    picture, mask = square_picture()
    with pytest.raises(PictureError, match="has no mask"):
        find(picture, None)
    with pytest.raises(PictureError, match="The mask is empty"):
        find(picture, None, torch.zeros_like(mask))
    with pytest.raises(PictureError, match="covers the whole picture"):
        find(picture, None, torch.ones_like(mask))
    with pytest.raises(PictureError, match="80 x 40 pixels"):
        find(picture, None, mask[:40])
    with pytest.raises(PictureError, match="may be inverted"):
        find(picture, None, 1 - mask)
    plain = torch.full_like(picture, 0.5)
    plain[3] = 1
    with pytest.raises(PictureError, match="one colour"):
        find(plain, Masker().eval())
    plain[3] = 0
    with pytest.raises(PictureError, match="transparent all over"):
        find(plain, None)


def test_of_several_objects_the_largest_is_taken() -> None:
    picture, mask = square_picture()
    mask[60:75, 5:35] = 1.0
    found = find(picture, None, mask)
    assert "2 objects" in found.remarks[0]
    assert float(found.mask[60:].sum()) == 0
    assert (found.square.column, found.square.row) == (50, 35)


def test_small_pieces_are_kept_and_specks_are_not() -> None:
    picture, mask = square_picture()
    mask[60:66, 40:50] = 1.0  # a leg, cut off by what stands before it
    mask[78, 2] = 1.0
    found = find(picture, None, mask)
    assert found.remarks == ()
    assert float(found.mask[60:66, 40:50].min()) == 1
    assert float(found.mask[78, 2]) == 0
    assert found.square.row == (20 + 66) / 2


def test_an_object_that_is_cut_off_is_told_of() -> None:
    picture, mask = square_picture()
    mask[:, 30:70] = 1.0
    assert "at the top and the bottom" in find(picture, None, mask).remarks[0]
    mask = torch.zeros_like(mask)
    mask[0, 40:42], mask[1:30, 20:60] = 1.0, 1.0  # that touches the border with a tip
    assert find(picture, None, mask).remarks == ()


def smooth(height: int, width: int) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return 0.5 + 0.3 * torch.sin(rows / 17) * torch.cos(columns / 23)


@pytest.mark.parametrize("half", [16.0, 40.0, 90.0])
def test_pasting_is_the_inverse_of_cutting(half: float) -> None:
    whole = smooth(200, 240)
    square = Square(120, 100, half)
    part = cut(whole[None], square, 64)
    assert part.shape == (1, 64, 64)
    back = masking._pasted(part[0], square, whole.shape)
    inside = torch.zeros_like(whole, dtype=torch.bool)
    low, high = round(half * 0.9), round(half * 0.9)
    inside[100 - low : 100 + high, 120 - low : 120 + high] = True
    assert float((back - whole)[inside].abs().max()) < 0.02
    outside = torch.ones_like(inside)
    edge = round(half) + 1
    outside[max(100 - edge, 0) : 100 + edge, 120 - edge : 120 + edge] = False
    assert float(back[outside].abs().max()) == 0


def test_cutting_keeps_the_mean_and_leaves_0_beside_the_picture() -> None:
    whole = smooth(200, 200)
    part = cut(whole[None], Square(100, 100, 100), 50)[0]
    expected = torch.nn.functional.avg_pool2d(whole[None], 4)[0]
    np.testing.assert_allclose(part.numpy(), expected.numpy(), atol=5e-3)
    aside = cut(torch.ones(1, 50, 50), Square(50, 25, 25), 50)[0]
    np.testing.assert_allclose(aside[:, :24].numpy(), 1, atol=1e-6)
    np.testing.assert_allclose(aside[:, 26:].numpy(), 0, atol=1e-6)


class Bright(Masker):
    """Takes what is bright for the object."""

    def predict(self, picture: Tensor) -> Tensor:
        assert picture.shape == (3, SIDE, SIDE)
        return ((picture.mean(0) - 0.5) * 10).sigmoid()


def test_a_predicted_mask_follows_the_edge_in_the_picture() -> None:
    rows, columns = torch.meshgrid(torch.arange(300), torch.arange(400), indexing="ij")
    true = ((rows - 120) ** 2 + (columns - 250) ** 2).sqrt() < 60
    picture = torch.cat([0.2 + 0.6 * true.float().expand(3, -1, -1), torch.ones(1, 300, 400)])
    found = find(picture, Bright())
    assert found.predicted
    hard = found.mask > 0.5
    assert float((hard & true).sum() / (hard | true).sum()) > 0.98
    assert found.square.column == pytest.approx(250, abs=2)
    assert found.square.row == pytest.approx(120, abs=2)
    bright = picture.clone()
    bright[:3] += 0.3 * (1 - true.float())
    bright[:3, 0, 0] = 0.9
    with pytest.raises(PictureError, match="No object was found"):
        find(bright.clamp_min(0.6), Bright())
    dark = picture.clone()
    dark[:3] = 0.1
    dark[:3, 200:] = 0.12
    with pytest.raises(PictureError, match="No object was found"):
        find(dark, Bright())


class Coarse(Masker):
    """Sees a disc where there are slats, and is not quite sure of it."""

    def predict(self, picture: Tensor) -> Tensor:
        rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
        bright = (picture.mean(0) > 0.5).nonzero().double()
        if not len(bright):
            return torch.zeros(SIDE, SIDE)
        (row, column), half = bright.mean(0), (bright.amax(0) - bright.amin(0)).max() / 2
        away = ((rows - row) ** 2 + (columns - column) ** 2).sqrt()
        return 0.75 * ((half - away) / 4).sigmoid().float()


def test_colours_tell_what_a_coarse_mask_does_not() -> None:
    rows, columns = torch.meshgrid(torch.arange(300), torch.arange(300), indexing="ij")
    away = ((rows - 150) ** 2 + (columns - 150) ** 2).sqrt()
    true = (away < 80) & (columns % 40 < 26)
    grain = torch.rand(3, 300, 300, generator=torch.Generator().manual_seed(1))
    rgb = 0.15 + 0.7 * true + 0.1 * grain
    picture = torch.cat([rgb, torch.ones(1, 300, 300)])
    hard = find(picture, Coarse()).mask > 0.5
    assert float((hard & true).sum() / (hard | true).sum()) > 0.82
    disc = away < 80
    assert float((disc & true).sum() / (disc | true).sum()) < 0.68


def test_a_mask_that_is_unsure_is_told_of() -> None:
    rows, columns = torch.meshgrid(torch.arange(300), torch.arange(300), indexing="ij")
    true = ((rows - 150) ** 2 + (columns - 150) ** 2).sqrt() < 60
    around = (rows > 60) & (rows < 240) & ~true
    for beside, told in ((0.1, False), (0.45, True)):
        grey = torch.where(true, 0.9, torch.where(around, beside, 0.1))
        picture = torch.cat([grey.expand(3, -1, -1), torch.ones(1, 300, 300)])
        remarks = find(picture, Bright()).remarks
        assert any("not clear what the object is" in remark for remark in remarks) == told


def test_a_masker_sees_the_same_in_a_mirror() -> None:
    torch.manual_seed(1)
    masker, picture = Masker().eval(), torch.rand(3, SIDE, SIDE)
    found = masker.predict(picture)
    assert found.shape == (SIDE, SIDE)
    assert 0 < float(found.min()) < float(found.max()) < 1
    torch.testing.assert_close(masker.predict(picture.flip(-1)).flip(-1), found)


@pytest.mark.parametrize("middle", [(150, 20), (150, 280), (20, 150), (280, 150)])
def test_an_object_at_the_border_is_whole_up_to_it(middle: tuple[int, int]) -> None:
    rows, columns = torch.meshgrid(torch.arange(300), torch.arange(300), indexing="ij")
    true = ((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2).sqrt() < 90
    picture = torch.cat([0.2 + 0.6 * true.float().expand(3, -1, -1), torch.ones(1, 300, 300)])
    found = find(picture, Bright())
    hard = found.mask > 0.5
    assert float((hard & true).sum() / (hard | true).sum()) > 0.97
    assert "is cut off at the" in found.remarks[0]


def test_a_mask_of_which_colours_tell_nothing_is_kept() -> None:
    grain = torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(96, 96)
    mask[40:44, 20:70] = mask[40:80, 20:23] = mask[40:80, 67:70] = 1.0  # a table
    found = masking._guided(0.5 + 0.05 * grain, mask, Square(48, 48, 48))
    assert torch.equal(found, mask)
