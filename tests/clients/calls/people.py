"""Who asks, and repos as a whole."""

from __future__ import annotations

from book import FILES, call, folder, held, pushed, refused
from huggingface_hub import HfApi, get_token, login, snapshot_download


@call("whoami")
def whoami(api: HfApi, repo: str) -> None:
    found = api.whoami()
    assert found["name"] == repo.partition("/")[0]
    assert found["auth"]["accessToken"]["role"] == "write"


@call("login")
def log_in(api: HfApi, repo: str) -> None:
    login(token=get_token())
    refused("[Ii]nvalid", login, token="hf_none")
    assert api.whoami()["name"] == repo.partition("/")[0]


@call("create_repo, exist_ok")
def created(api: HfApi, repo: str) -> None:
    url = api.create_repo(repo)
    assert url.repo_id == repo
    assert api.create_repo(repo, exist_ok=True).repo_id == repo
    refused("already", api.create_repo, repo)
    refused("belong", api.create_repo, "ben/mine")
    refused("space", api.create_repo, f"{repo}-app", repo_type="space", space_sdk="static")


@call("create_repo without a namespace")
def bare(api: HfApi, repo: str) -> None:
    assert api.create_repo("bare").repo_id == repo


@call("repo_exists, revision_exists, file_exists")
def exists(api: HfApi, repo: str) -> None:
    assert not api.repo_exists(repo)
    pushed(api, repo)
    assert api.repo_exists(repo)
    assert api.revision_exists(repo, "main")
    assert not api.revision_exists(repo, "v9")
    assert api.file_exists(repo, "empty")
    assert not api.file_exists(repo, "none")


@call("auth_check")
def checked(api: HfApi, repo: str) -> None:
    api.create_repo(repo)
    api.auth_check(repo)
    refused("RepositoryNotFound", api.auth_check, repo + "x")


@call("update_repo_settings (private, public)")
def settings(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    assert api.model_info(repo).private
    api.update_repo_settings(repo, private=False)
    assert not api.model_info(repo).private
    refused("RepositoryNotFound|GatedRepo|no approved|401", HfApi(token=False).model_info, repo)
    api.update_repo_settings(repo, private=True)
    refused("RepositoryNotFound", HfApi(token=False).model_info, repo)


@call("update_repo_settings (gated) is refused in words")
def gated(api: HfApi, repo: str) -> None:
    api.create_repo(repo)
    api.update_repo_settings(repo, gated=False)
    refused("gate", api.update_repo_settings, repo, gated="manual")


@call("move_repo; old names lead on")
def moved(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.move_repo(repo, repo + "-2")
    assert api.model_info(repo).id == repo + "-2"
    assert api.file_exists(repo, "empty")
    api.upload_file(path_or_fileobj=b"1", path_in_repo="new", repo_id=repo)
    assert api.file_exists(repo + "-2", "new")
    refused("already exists", api.move_repo, repo + "-2", f"{repo.partition('/')[0]}/checked")


@call("list_user_repos", needs="list_user_repos")
def owned(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    found = next(one for one in api.list_user_repos() if one.id == repo)
    assert (found.type, found.visibility) == ("model", "private")
    assert found.storage >= sum(map(len, FILES.values()))
    assert [one.id for one in api.list_user_repos(namespace="ben")] == []


@call("duplicate_repo", needs="duplicate_repo")
def doubled(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    assert api.duplicate_repo(repo, repo + "-2").repo_id == repo + "-2"
    assert held(snapshot_download(repo + "-2")) == FILES
    assert api.model_info(repo + "-2").private
    refused("RepositoryNotFound", api.duplicate_repo, repo + "-9", repo + "-3")


@call("delete_repo, missing_ok")
def deleted(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    api.delete_repo(repo)
    refused("RepositoryNotFound", api.model_info, repo)
    refused("RepositoryNotFound|404", api.delete_repo, repo)
    api.delete_repo(repo, missing_ok=True)
    refused("RepositoryNotFound", api.upload_folder, repo_id=repo, folder_path=folder())


@call("pull requests are refused in words")
def discussed(api: HfApi, repo: str) -> None:
    pushed(api, repo)
    refused("no pull requests", api.upload_file, path_or_fileobj=b"1", path_in_repo="x",
            repo_id=repo, create_pr=True)  # fmt: skip
