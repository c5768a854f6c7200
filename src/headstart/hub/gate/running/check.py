"""What the checks that run a model share: whatever a library raises is a refusal, with words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from headstart.base.compat import quiet_transformers
from headstart.errors import HeadstartError
from headstart.hub.gate.model import Candidate, Finding, printable


class RunningCheck(ABC):
    """A check that loads the candidate.

    Attributes:
        runs_model: Such checks wait for those that look at the files only.
    """

    name: ClassVar[str]
    runs_model: ClassVar[bool] = True

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found; what cannot be loaded or run is refused."""
        try:
            with quiet_transformers():
                return self.found(candidate)
        except MemoryError:  # the sandbox says which limit that was
            raise
        except HeadstartError as error:
            return Finding(self.name, False, sentence(error, candidate))
        except Exception as error:  # whatever a library says of files that are damaged
            said = " ".join(f"{type(error).__name__}: {error}".split())
            return Finding(self.name, False, printable(f"It cannot be run: {said}.", 600))

    @abstractmethod
    def found(self, candidate: Candidate) -> Finding:
        """Return what was found; may raise."""


def sentence(error: HeadstartError, candidate: Candidate) -> str:
    """Return an error as one line: the thing, the place within the candidate, the mend."""
    words = error.what if not error.where else f"{_inside(error.where, candidate)}: {error.what}"
    words = f"{words}. {error.mend}" if error.mend else words
    line = printable(_inside(words, candidate), 1000)
    return line if line.endswith(".") else line + "."


def _inside(text: str, candidate: Candidate) -> str:
    """Return the text without places of this machine."""
    places = [candidate.folder, *candidate.bases.values()]
    if candidate.incumbent is not None:
        places.append(candidate.incumbent)
    for place in (*places, *(Path(one).resolve() for one in places)):
        text = text.replace(f"{place}/", "").replace(str(place), place.name)
    return text
