"""Large files in parts, as older clients send them: a signed link for each part, one for the end.

The protocol's "multipart" transfer: a part that fails is sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from headstart.hub.actions.joining import Upload, join, part_writer
from headstart.hub.errors import BadRequestError
from headstart.hub.hub import Hub
from headstart.hub.serve.bodies import batches
from headstart.hub.serve.context import AHub
from headstart.hub.signing import after, opened, ticket
from headstart.hub.store.parts import LINK_SECONDS

router = APIRouter()
_PART, _WHOLE = "lfs-part", "lfs-whole"


@dataclass(frozen=True)
class Multipart:
    """Which files come in parts, and in how many.

    Attributes:
        above: Bytes above which a file comes in parts.
        size: Bytes of a part, but for the last; more where there would be too many.
        most: Parts of one file.
        links: Parts of all files of one answer; files beyond come in one go.
    """

    above: int = 256 * 2**20
    size: int = 64 * 2**20
    most: int = 1000
    links: int = 5000

    def part_size(self, size: int) -> int:
        """Return the bytes of a part of a file of ``size`` bytes."""
        return max(self.size, -(-size // self.most))

    def count(self, size: int) -> int:
        """Return how many parts a file of ``size`` bytes has; 0: it comes in one go."""
        return -(-size // self.part_size(size)) if size > self.above else 0


class Named(BaseModel):
    """A part as the client names it."""

    number: int = Field(alias="partNumber")
    etag: Annotated[str, Field(max_length=200)]


class End(BaseModel):
    """All parts of a file have come."""

    oid: str = Field(max_length=64)
    parts: list[Named] = Field(max_length=10_000)


def links(hub: Hub, base: str, told: dict[str, Any], how: Multipart) -> dict[str, Any]:
    """Return the action of a file that comes in parts.

    Args:
        hub: The hub.
        base: Its address.
        told: What :class:`Upload` is made of, but for its id and count.
        how: In how many parts.
    """
    size = int(told["size"])
    part_size, count, until = how.part_size(size), how.count(size), after(LINK_SECONDS)
    upload = {**told, "id": uuid4().hex, "count": count}
    header = {"chunk_size": str(part_size)}
    for number in range(1, count + 1):
        length = min(part_size, size - (number - 1) * part_size)
        part = {**upload, "number": number, "length": length}
        header[str(number)] = f"{base}/lfs/part/{ticket(hub.secret, _PART, part, until)}"
    end = f"{base}/lfs/whole/{ticket(hub.secret, _WHOLE, upload, until)}"
    return {"href": end, "header": header, "expires_in": LINK_SECONDS}


@router.put("/lfs/part/{link}")
async def receive(link: str, request: Request, hub: AHub) -> Response:
    """Take a part; its link says of which upload, which one, how long and until when."""
    told = opened(hub.secret, _PART, link)
    number, length = int(told.pop("number")), int(told.pop("length"))
    announced = request.headers.get("content-length")
    if announced is not None and announced != str(length):
        raise BadRequestError(f"part {number} has {length} bytes, not {announced[:20]}")
    made = await run_in_threadpool(part_writer, hub, Upload(**told), number, length)
    with made as writer:
        async for batch in batches(request):
            await run_in_threadpool(writer.write, batch)
        part = await run_in_threadpool(writer.close)
    return Response(headers={"ETag": f'"{part.etag}"'})


@router.post("/lfs/whole/{link}")
def complete(link: str, end: End, hub: AHub) -> JSONResponse:
    """Put a file together of its parts, and prove it."""
    upload = Upload(**opened(hub.secret, _WHOLE, link))
    if end.oid != upload.sha256:
        raise BadRequestError("this link is for another file")
    etags = {one.number: one.etag for one in end.parts}
    if len(etags) != len(end.parts):
        raise BadRequestError("a part is named twice")
    join(hub, upload, etags)
    return JSONResponse({"oid": upload.sha256, "size": upload.size})
