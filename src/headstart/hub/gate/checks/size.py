"""Is the revision within the standard's limits of size?"""

from __future__ import annotations

from typing import ClassVar

from headstart.hub.gate.model import JSON, Candidate, Finding, Reason, judged
from headstart.hub.gate.reading import listing


class Size:
    """Bytes in all, bytes of the largest file, and the number of files are within limits."""

    name: ClassVar[str] = "size"

    def __call__(self, candidate: Candidate) -> Finding:
        """Return what was found."""
        limits = candidate.standard.size
        files = listing(candidate.folder).files
        total = sum(file.size for file in files)
        reasons = [
            Reason(file.name, f"{file.size:,} bytes; the limit of a file is {limits.file_bytes:,}")
            for file in files
            if file.size > limits.file_bytes
        ]
        if total > limits.bytes:
            reasons.append(Reason("", f"{total:,} bytes in all; the limit is {limits.bytes:,}"))
        if len(files) > limits.files:
            reasons.append(Reason("", f"{len(files):,} files; the limit is {limits.files:,}"))
        details: dict[str, JSON] = {
            "measured": {"bytes": total, "files": len(files)},
            "limits": limits.model_dump(),
        }
        good = f"{total:,} bytes in {len(files):,} files, within the limits."
        mend = "Leave out what the model does not need, or store it in fewer bits."
        return judged(self.name, reasons, good=good, mend=mend, details=details)
