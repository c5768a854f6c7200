"""A hub from afar: what ``headstart hub push|pull|list|show|approve`` ask of one.

Repos and files go through huggingface_hub's own client; where revisions stand is headstart's own
part of the API.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from headstart.errors import RequestError, WorkError

T = TypeVar("T")
Json = dict[str, Any]


class Remote:
    """A hub at an address.

    Args:
        endpoint: Its address; ``HEADSTART_HUB``, else ``HF_ENDPOINT`` if None.

    Raises:
        RequestError: Nothing says where the hub is.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        from huggingface_hub import HfApi

        place = endpoint or os.environ.get("HEADSTART_HUB") or os.environ.get("HF_ENDPOINT")
        if not place:
            raise RequestError(
                "nothing says where the hub is",
                mend="set HEADSTART_HUB (or HF_ENDPOINT) to its address, HF_TOKEN to your token",
            )
        self.endpoint = place.rstrip("/")
        self._api = HfApi(self.endpoint, library_name="headstart")

    def whoami(self) -> str:
        """Return the name of the token's user."""
        return str(self._told(self._api.whoami)["name"])

    def push(self, folder: Path, name: str, *, message: str, private: bool | None = None) -> str:
        """Push a folder's files as a draft of the model; return the commit's address."""
        if not folder.is_dir():
            raise RequestError("there is no such folder to push", where=str(folder))

        def work() -> str:
            self._api.create_repo(name, private=private, exist_ok=True)
            made = self._api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)
            return str(made.commit_url)

        return self._told(work)

    def pull(self, name: str, revision: str | None, folder: Path) -> Path:
        """Fetch a revision's files into a folder."""
        return Path(
            self._told(
                lambda: self._api.snapshot_download(name, revision=revision, local_dir=folder)
            )
        )

    def models(self, words: str = "", tags: list[str] | None = None, limit: int = 50) -> list[Json]:
        """Return the models that may be seen, newest first."""

        def work() -> list[Json]:
            found = self._api.list_models(search=words or None, filter=tags, limit=limit)
            return [
                {
                    "id": one.id, "private": one.private, "tags": one.tags or [],
                    "library": one.library_name, "task": one.pipeline_tag,
                    "downloads": one.downloads,
                    "changed": one.last_modified.isoformat() if one.last_modified else None,
                }
                for one in found
            ]  # fmt: skip

        return self._told(work)

    def model(self, name: str, revision: str | None = None) -> Json:
        """Return what is known of a model's revision."""

        def work() -> Json:
            info = self._api.model_info(name, revision=revision, files_metadata=True)
            card = info.card_data.to_dict() if info.card_data else {}
            files = [{"path": one.rfilename, "size": one.size} for one in info.siblings or []]
            return {"id": info.id, "commit": info.sha, "card": card, "files": files}

        return {**self._told(work), "states": self.states(name)}

    def states(self, name: str) -> list[Json]:
        """Return where the model's revisions stand, newest first."""
        found: list[Json] = self._call("GET", f"{name}/states")
        return found

    def have_judged(self, name: str, revision: str) -> Json:
        """Ask that the hub's gate judges a revision; return ``commit``, ``judging``, ``fault``."""
        found: Json = self._call("POST", f"{name}/gate", {"revision": revision})
        return found

    def judged(self, name: str, commit: str) -> Json:
        """Return what :meth:`have_judged` does, as it is now."""
        found: Json = self._call("GET", f"{name}/gate?revision={commit}")
        return found

    def say(self, verb: str, name: str, revision: str, why: str = "") -> Json:
        """Approve, retire, revoke or refuse a revision."""
        found: Json = self._call("POST", f"{name}/{verb}", {"revision": revision, "why": why})
        return found

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        def work() -> Any:
            answer = get_session().request(
                method, f"{self.endpoint}/api/hub/models/{path}", json=body,
                headers=build_hf_headers(library_name="headstart"),
            )  # fmt: skip
            hf_raise_for_status(answer)
            return answer.json()

        return self._told(work)

    def _told(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; tell in words what the hub refuses.

        Raises:
            RequestError: It refuses.
            WorkError: It is out of reach, or fails.
        """
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalTokenNotFoundError,
        )

        try:
            return work()
        except HFValidationError as error:
            raise RequestError(str(error), mend="write owner/name") from error
        except LocalTokenNotFoundError as error:
            raise RequestError(
                "the hub asks who you are", where=self.endpoint, mend="set HF_TOKEN to your token"
            ) from error
        except HfHubHTTPError as error:
            said = error.server_message or str(error).splitlines()[0]
            raise RequestError(said, where=self.endpoint) from error
        except OSError as error:  # httpx's and requests' own errors are OSErrors in hub 1 and 2
            raise self._out_of_reach(error) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] not in ("httpx", "httpx2", "httpcore2"):
                raise
            raise self._out_of_reach(error) from error

    def _out_of_reach(self, error: Exception) -> WorkError:
        return WorkError(
            f"the hub cannot be reached ({type(error).__name__})", where=self.endpoint,
            mend="see that it is running: headstart hub serve --root DIR",
        )  # fmt: skip
