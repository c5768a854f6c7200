"""A base on another hub, through huggingface_hub's own client, at ``HF_ENDPOINT``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from headstart.errors import RequestError, WorkError
from headstart.hub.outside.model import OutsideFile

T = TypeVar("T")
_PART = 4 * 2**20
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Elsewhere:
    """A base on another hub, at one commit of it.

    Attributes:
        source: What it is called here: ``hf:org/name``, ``timm:resnet18.a1_in1k``.
        name: What it is called there.
        revision: The commit.
        work: A folder in which files lie while they are taken in, one at a time.
        licence: Its licence, where it is known besides the card.
    """

    source: str
    name: str
    revision: str
    work: Path = field(repr=False)
    licence: str | None = None

    def files(self) -> list[OutsideFile]:
        """Return what the commit holds, with the hashes that the other hub tells.

        Raises:
            RequestError: The other hub does not give it.
            WorkError: It is out of reach.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        api = HfApi(library_name="headstart")
        listed = _told(
            self.source,
            lambda: list(api.list_repo_tree(self.name, recursive=True, revision=self.revision)),
        )
        return [
            OutsideFile(one.path, one.lfs.size, one.lfs.sha256)
            if one.lfs
            else OutsideFile(one.path, one.size, oid=one.blob_id)
            for one in listed
            if isinstance(one, RepoFile)
        ]

    def read(self, file: OutsideFile) -> Iterator[bytes]:
        """Yield a file's bytes; raises as :meth:`files`."""
        from huggingface_hub import HfApi

        with tempfile.TemporaryDirectory(prefix="import-", dir=self.work) as folder:
            api = HfApi(library_name="headstart")
            path = _told(
                self.source,
                lambda: api.hf_hub_download(
                    self.name, file.path, revision=self.revision, local_dir=folder
                ),
            )
            with Path(path).open("rb") as opened:
                while part := opened.read(_PART):
                    yield part


def elsewhere(
    source: str, name: str, revision: str | None, work: Path, licence: str | None = None
) -> Elsewhere:
    """Return a base on another hub at the commit that ``revision`` means now.

    Raises:
        RequestError: No such base, or none for us.
        WorkError: The other hub is out of reach, or its answer cannot be understood.
    """
    from huggingface_hub import HfApi

    api = HfApi(library_name="headstart")
    info = _told(source, lambda: api.model_info(name, revision=revision))
    if not _SHA.fullmatch(info.sha or ""):
        raise WorkError("the other hub names no commit", where=source)
    return Elsewhere(source, name, str(info.sha), work, licence)


def _told(source: str, work: Callable[[], T]) -> T:
    from huggingface_hub import errors

    try:
        return work()
    except errors.GatedRepoError as error:
        raise RequestError(
            f"the other hub withholds it: {error.server_message or 'ask its owner for access'}",
            where=source, mend="ask for access there, and set HF_TOKEN",
        ) from error  # fmt: skip
    except (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError,
    ) as error:  # fmt: skip
        raise RequestError(
            "the other hub has no such base or revision", where=source,
            mend="check the spelling, ORG/NAME@REVISION; a private one needs HF_TOKEN",
        ) from error  # fmt: skip
    except Exception as error:  # the client's own connection errors differ between its versions
        if isinstance(error, RequestError | TypeError | AttributeError):
            raise
        raise WorkError(
            f"the other hub cannot be reached ({type(error).__name__})", where=source,
            mend="see HF_ENDPOINT; or import a local copy: local:FOLDER",
        ) from error  # fmt: skip
