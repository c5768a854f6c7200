"""Every image a user may have opens as upright RGB, or is refused with its reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.errors import RequestError
from headstart.task.build import build_task
from headstart.task.images import image_problem, open_image
from headstart.task.model import Image

pillow = pytest.importorskip("PIL.Image")


def encoded(picture: Any, format: str, **options: Any) -> Image:
    written = io.BytesIO()
    picture.save(written, format=format, **options)
    return Image(data=written.getvalue())


def plain_colour(mode: str, colour: Any, size: tuple[int, int] = (20, 10)) -> Any:
    return pillow.new(mode, size, colour)


def test_a_photo_on_its_side_is_turned_upright() -> None:
    exif = pillow.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    assert open_image(encoded(plain_colour("RGB", "red"), "JPEG", exif=exif)).size == (10, 20)


def test_cmyk_becomes_rgb() -> None:
    opened = open_image(encoded(plain_colour("CMYK", (0, 255, 255, 0)), "JPEG"))
    assert opened.mode == "RGB"
    red, green, blue = opened.getpixel((5, 5))
    assert red > 200
    assert max(green, blue) < 80


def test_16_bit_grey_keeps_its_brightness() -> None:
    grey = pillow.fromarray(np.full((10, 20), 32896, dtype=np.uint16))
    assert open_image(encoded(grey, "PNG")).getpixel((0, 0)) == (128, 128, 128)


def test_float_pixels_up_to_one_are_shares() -> None:
    grey = pillow.fromarray(np.full((10, 20), 0.5, dtype=np.float32))
    assert open_image(encoded(grey, "TIFF")).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (9, 9, 9, 0)), ("LA", (9, 0))])
def test_what_is_transparent_becomes_white(mode: str, colour: Any) -> None:
    opened = open_image(encoded(plain_colour(mode, colour), "PNG"))
    assert opened.getpixel((3, 3)) == (255, 255, 255)


def test_a_palette_becomes_rgb() -> None:
    palette = plain_colour("RGB", (10, 200, 30)).convert("P", palette=1)
    red, green, blue = open_image(encoded(palette, "PNG")).getpixel((3, 3))
    assert green > 150 > max(red, blue)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [plain_colour("RGB", colour) for colour in ("red", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    red, _, blue = open_image(gif).getpixel((3, 3))
    assert red > blue


def test_a_jpeg_of_100_megapixels_is_opened_smaller() -> None:
    huge = encoded(plain_colour("L", 7, (10_400, 10_000)), "JPEG")
    assert image_problem(huge) is None
    width, height = open_image(huge).size
    assert 1_000_000 < width * height < 50_000_000
    assert width / height == pytest.approx(1.04, abs=0.01)


def test_a_large_photo_on_its_side_is_turned_and_halved() -> None:
    exif = pillow.Exif()
    exif[0x0112] = 6
    for format in ("JPEG", "PNG"):
        large = encoded(plain_colour("L", 7, (6_000, 3_000)), format, exif=exif)
        assert open_image(large).size == (1_500, 3_000)


def test_a_png_of_100_megapixels_is_refused_unread() -> None:
    header = struct.pack(">IIBBBBB", 10_400, 10_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header
    chunk += struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    problem = image_problem(Image(data=data))
    assert problem is not None
    assert "104 megapixels" in problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"this is text", "not an image"), (b"\xff\xd8\xff\xe0" + bytes(9), "image")],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=reason) as caught:
        open_image(Image(path=path))
    assert str(path) in str(caught.value)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        open_image(Image(path=tmp_path / "gone.png"))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_an_image_cut_short_is_found(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = encoded(pillow.fromarray(noise), format).data
    assert whole is not None
    assert image_problem(Image(data=whole)) is None
    assert image_problem(Image(data=whole[: len(whole) * 2 // 3])) is not None


def test_few_bad_images_are_left_out_and_named(tiny_image_folder: Path) -> None:
    (tiny_image_folder / "red" / "text.jpg").write_text("hello")
    (tiny_image_folder / "blue" / "zero.jpg").write_bytes(b"")
    task = build_task(tiny_image_folder)
    dropped = next(warning for warning in task.warnings if warning.code == "unreadable-images")
    assert dropped.count == 2
    assert any("red/text.jpg" in example for example in dropped.examples)
    assert sum(map(len, task.parts.values())) == 45


def test_many_bad_images_are_an_error_that_names_the_first(tiny_image_folder: Path) -> None:
    for path in (tiny_image_folder / "green").iterdir():
        path.write_text("hello")
    with pytest.raises(RequestError, match="15 of 45 rows") as caught:
        build_task(tiny_image_folder)
    assert "green/0.png" in str(caught.value)
