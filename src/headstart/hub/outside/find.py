"""From a reference to the base outside that it names."""

from __future__ import annotations

from pathlib import Path

from headstart.errors import RequestError, nearest
from headstart.hub.outside.folder import Folder
from headstart.hub.outside.hub import elsewhere
from headstart.hub.outside.model import Outside

SOURCES = ("hf", "timm", "local", "bundled")


def find(reference: str, work: Path) -> Outside:
    """Return the base outside that ``reference`` names.

    Args:
        reference: ``hf:org/name[@revision]``, ``timm:name``, ``local:FOLDER``, ``bundled:name``.
        work: Where files may lie while they are taken in.

    Raises:
        RequestError: There is no such base.
        WorkError: Its hub is out of reach.
    """
    prefix, _, name = reference.strip().partition(":")
    if prefix not in SOURCES or not name:
        raise RequestError(
            f"'{reference}' names nothing that can be imported",
            mend=f"write SOURCE:NAME; {nearest(prefix, SOURCES)}",
        )
    if prefix == "local":
        return Folder(Path(name).expanduser(), f"local:{Path(name).name or name}")
    if prefix == "bundled":
        return _bundled(name)
    if prefix == "timm":
        return _timm(name, work)
    repo, _, revision = name.partition("@")
    if repo.count("/") != 1:
        raise RequestError(f"'{repo}' is no name on a hub", mend="write hf:ORG/NAME")
    return elsewhere(f"hf:{repo}", repo, revision or None, work)


def _timm(name: str, work: Path) -> Outside:
    from headstart.base.compat import prepare_torchvision

    prepare_torchvision()
    import timm

    published = timm.list_pretrained(f"{name.partition('.')[0]}*")
    known = timm.get_pretrained_cfg(name) if name in published else None
    if known is None or not known.hf_hub_id:
        raise RequestError(f"timm publishes no weights '{name}'", mend=nearest(name, published))
    licence = str(known.license) if getattr(known, "license", None) else None
    return elsewhere(f"timm:{name}", str(known.hf_hub_id), None, work, licence)


def _bundled(name: str) -> Outside:
    from headstart.base.source.bundled import SOURCE

    folder, licence = SOURCE.carried(name)
    return Folder(folder, f"bundled:{name}", licence.lower())
