"""What the hub answers when it does not do what was asked, in the protocol's terms."""

from __future__ import annotations

from headstart.errors import HeadstartError


class HubError(HeadstartError):
    """A refusal that a client is told.

    Args:
        what: The sentence that the user reads.
        status: HTTP status.
        code: The protocol's ``X-Error-Code``, which decides what the client raises.
        commit: The commit in which a file was looked for, if one was.
        reason: Names the refusal for pages that tell it in other languages ("own-model").
    """

    status: int = 400
    code: str | None = None

    def __init__(
        self,
        what: str,
        *,
        mend: str | None = None,
        commit: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(what, mend=mend)
        self.commit, self.reason = commit, reason


class BadRequestError(HubError):
    """The request cannot be understood, or may not be."""


class NoRepoError(HubError):
    """No such repo, as far as the asker may know."""

    status, code = 404, "RepoNotFound"


class NoRevisionError(HubError):
    """No such branch, tag or commit."""

    status, code = 404, "RevisionNotFound"


class NoEntryError(HubError):
    """No such file in that commit."""

    status, code = 404, "EntryNotFound"


class WithheldError(HubError):
    """The repo may be seen, this revision may not be had: the words say why."""

    status, code = 403, "GatedRepo"


class ForbiddenError(HubError):
    """Seen, but not to be changed by the asker."""

    status = 403


class BadTokenError(HubError):
    """A token that does not, or no longer, open anything."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Invalid credentials in Authorization header")


class ConflictError(HubError):
    """It is there already."""

    status = 409


class StaleError(HubError):
    """The branch has moved on since the client looked."""

    status = 412


class BusyError(HubError):
    """There is too much to do already; asking later may do."""

    status = 429
