"""The part of a reference after "?": ``resnet18?weights=FILE`` and ``resnet18?random=SEED``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from headstart.errors import RequestError, nearest
from headstart.files import digest

_KNOWN = ("weights", "random")


@dataclass(frozen=True, slots=True)
class Options:
    """A name and where its weights come from.

    Attributes:
        name: The architecture, with the tag of its weights if it has one.
        weights: A file to load instead of the published weights.
        seed: Seed of weights that are random on purpose; None for trained ones.
    """

    name: str
    weights: Path | None = None
    seed: int | None = None

    @property
    def pretrained(self) -> bool:
        """Whether the weights were trained."""
        return self.seed is None


def parse_options(text: str, prefix: str, pretrained: bool) -> Options:
    """Split ``text``; without ``pretrained`` the weights are random (seed 0) whatever it says.

    Raises:
        RequestError: An unknown option, both at once, or a seed that is no whole number.
    """
    name, _, query = text.partition("?")
    fields = dict(parse_qsl(query, keep_blank_values=True))
    where = f"{prefix}:{text}"
    for key in fields:
        if key not in _KNOWN:
            raise RequestError(f"unknown option '{key}'", where=where, mend=nearest(key, _KNOWN))
    if len(fields) > 1:
        raise RequestError("weights and random exclude each other", where=where, mend="name one")
    if not pretrained:
        return Options(name, seed=0)
    if "weights" in fields:
        return Options(name, weights=Path(fields["weights"]).expanduser())
    if "random" in fields:
        return Options(name, seed=_seed(fields["random"], where))
    return Options(name)


def _seed(text: str, where: str) -> int:
    if text.isdecimal() and int(text) < 2**63:
        return int(text)
    raise RequestError(
        f"'{text}' is no seed: expected a whole number from 0 up",
        where=where,
        mend="write ?random=0",
    )


def random_revision(architecture: str, seed: int) -> str:
    """Return the revision of weights drawn from ``seed``: two architectures never share one.

    Args:
        architecture: Name of the architecture, or the text of its configuration.
        seed: Of the draw.
    """
    return f"random-{seed}-{digest(architecture)[:12]}"


def weights_from(options: Options, library: str, published: str) -> str:
    """Return where the weights come from, one phrase; ``published`` names the library's own."""
    if options.seed is not None:
        return f"random weights, seed {options.seed}"
    if options.weights is not None:
        return f"the file {options.weights.name}, architecture from {library}"
    return published
