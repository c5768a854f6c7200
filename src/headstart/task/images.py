"""Opens any image a user may have as upright RGB, and tells which cannot be opened."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from headstart.errors import RequestError
from headstart.task.model import Image

# Only formats that Pillow decodes itself; others (EPS) start foreign programs.
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")
_MOST_PIXELS = 50_000_000  # a whole decode holds up to 8 bytes a pixel: 400 MB
_MOST_JPEG_PIXELS = 170_000_000  # JPEG decodes at a fraction of its size without the whole
_MOST_PROGRESSIVE_PIXELS = 120_000_000  # … unless progressive: all coefficients, 3 bytes a pixel
_LARGE_PIXELS = 16_000_000  # no base reads more than a fraction of this
_REDUCIBLE = ("L", "LA", "RGB", "RGBA", "CMYK", "I", "F")
_CHECK_SIDE = 32  # a JPEG is checked at 1/8 of its size: its whole stream is read all the same


def open_image(image: Image) -> Any:
    """Return ``image`` as a Pillow image, mode RGB, upright (EXIF), first frame, alpha on white.

    CMYK, palettes, 16-bit and float pixels are converted to 8 bits a channel. An image of more
    than 16 megapixels is opened at a half or a quarter of its size; memory stays below 500 MB.

    Raises:
        RequestError: The file is missing, empty, cut short, no image, or has too many pixels.
    """
    from PIL import ImageOps

    with _opened(image) as picture:
        exif = picture.getexif()
        small = _shrunk(picture)
        if exif:
            small.getexif().update(exif)  # reducing loses which way is up
            ImageOps.exif_transpose(small, in_place=True)
        return _rgb(small)


def image_problem(image: Image) -> str | None:
    """Return why ``image`` cannot be used, or None. Reads all of it, as cheaply as can be."""
    try:
        with _opened(image) as picture:
            if picture.format in ("JPEG", "MPO"):
                picture.draft("RGB", (_CHECK_SIDE, _CHECK_SIDE))
            picture.load()
    except RequestError as error:
        return error.what
    return None


@contextmanager
def _opened(image: Image) -> Iterator[Any]:
    pillow = _pillow()
    where = str(image.path) if image.path is not None else "image in a table or archive"
    source = image.path if image.path is not None else io.BytesIO(image.data or b"")
    try:
        _refuse_empty(image)
        with pillow.open(source, formats=_formats()) as picture:
            _refuse_huge(picture)
            yield picture
    except RequestError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error …
        raise RequestError(
            _reason(error, pillow), where=where, mend="replace or remove this file"
        ) from error


def _formats() -> tuple[str, ...]:
    known = _pillow().OPEN
    return tuple(name for name in FORMATS if name in known)


def _reason(error: Exception, pillow: ModuleType) -> str:
    if isinstance(error, FileNotFoundError):
        return "the image file does not exist"
    if isinstance(error, pillow.UnidentifiedImageError):
        return "not an image, whatever its name says"
    if isinstance(error, pillow.DecompressionBombError):
        return "the image has too many pixels to be opened safely"
    return f"the image cannot be decoded: {str(error) or type(error).__name__}"


def _refuse_empty(image: Image) -> None:
    size = image.path.stat().st_size if image.path is not None else len(image.data or b"")
    if not size:
        raise RequestError(
            "the image file is empty (0 bytes)", where=str(image.path), mend="replace or remove it"
        )


def _refuse_huge(picture: Any) -> None:
    pixels = picture.width * picture.height
    most = _MOST_PIXELS
    if picture.format in ("JPEG", "MPO"):
        progressive = picture.info.get("progressive")
        most = _MOST_PROGRESSIVE_PIXELS if progressive else _MOST_JPEG_PIXELS
    if pixels > most:
        raise RequestError(
            f"the image has {pixels / 1e6:,.0f} megapixels ({picture.width} x {picture.height}); "
            f"{picture.format} is opened up to {most / 1e6:,.0f}",
            where=str(picture.filename) if getattr(picture, "filename", "") else None,
            mend="scale it down, or remove it",
        )


def _shrunk(picture: Any) -> Any:
    """Return a picture of at most 16 megapixels; a JPEG is decoded small, never whole."""
    pixels = picture.width * picture.height
    if pixels <= _LARGE_PIXELS:
        return picture
    shrink = 2 if pixels <= 4 * _LARGE_PIXELS else 4
    if picture.format in ("JPEG", "MPO"):
        picture.draft("RGB", (picture.width // shrink, picture.height // shrink))
        return picture
    return picture.reduce(shrink) if picture.mode in _REDUCIBLE else picture


def _rgb(picture: Any) -> Any:
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _eight_bit(picture)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        white = _pillow().new("RGB", with_alpha.size, (255, 255, 255))
        white.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return white
    return picture.convert("RGB") if picture.mode != "RGB" else picture.copy()


def _eight_bit(picture: Any) -> Any:
    """Return grey of 16 bits, 32 bits or floats as 8 bits; floats up to 1 count as shares."""
    if picture.mode.startswith("I;16"):
        return _pillow().fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    grey = np.array(picture, dtype=np.float32)  # (H, W); changed in place, it may be 200 MB
    np.nan_to_num(grey, copy=False)
    highest = float(grey.max(initial=0.0))
    if picture.mode == "F" and highest <= 1.0:
        grey *= 255.0
    elif highest > 255.0:
        grey /= 257.0 if highest <= 65535.0 else highest / 255.0
    np.rint(grey.clip(0, 255, out=grey), out=grey)
    return _pillow().fromarray(grey.astype(np.uint8))


@lru_cache(maxsize=1)
def _pillow() -> ModuleType:
    try:
        from PIL import Image as pillow  # noqa: N813 - the module's own name is taken by the task
    except ImportError as error:
        raise RequestError(
            "images need the package 'pillow'", mend="pip install 'headstart[vision]'"
        ) from error
    # We have limits of our own, and they name the file.
    warnings.filterwarnings("ignore", category=pillow.DecompressionBombWarning)
    pillow.init()  # registers every format; preinit leaves some of FORMATS unknown
    return pillow
