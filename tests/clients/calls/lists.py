"""Lists and searches."""

from __future__ import annotations

from book import call, known, pushed, refused
from downloads import tensors
from huggingface_hub import HfApi

SOME = ["downloads", "sha", "safetensors"]


def card(**data: str) -> dict[str, bytes]:
    lines = "".join(f"{key}: {value}\n" for key, value in data.items())
    return {"README.md": f"---\n{lines}---\n".encode()}


@call("list_models: search, author, filter, pipeline_tag, sort, limit, full, cardData")
def listed(api: HfApi, repo: str) -> None:
    owner = repo.partition("/")[0]
    owl = {"license": "mit", "language": "en", "library_name": "timm", "tags": "[night]",
           "pipeline_tag": "image-classification"}  # fmt: skip
    wren = {"license": "apache-2.0", "language": "de", "library_name": "peft",
            "datasets": "ann/songs", "base_model": "ann/bird"}  # fmt: skip
    pushed(api, repo + "-owl", {**card(**owl), "model.safetensors": tensors()})
    pushed(api, repo + "-wren", card(**wren))

    def names(**wanted: object) -> list[str]:
        found = [one.id for one in api.list_models(author=owner, **wanted)]
        return [one.rpartition("-")[2] for one in found if one.startswith(repo)]

    assert names() == ["wren", "owl"]
    assert names(search="WREN") == ["wren"]
    assert names(search="owl night") == ["owl"]
    assert names(filter="timm") == ["owl"]
    assert names(filter=["timm", "license:mit", "en"]) == ["owl"]
    assert names(filter=["timm", "de"]) == []
    assert names(filter="base_model:ann/bird") == ["wren"]
    assert names(pipeline_tag="image-classification") == ["owl"]
    assert names(trained_dataset="ann/songs") == ["wren"]
    if not known(">=2"):
        assert names(model_name="wren", search="listed") == ["wren"]
    if known(">=1"):
        assert names(num_parameters="min:5,max:1K") == ["owl"]
        assert names(num_parameters="min:1B") == []
    assert names(gated=True) == []
    assert names(gated=False) == ["wren", "owl"]
    for sort in ("last_modified", "created_at", "downloads", "likes", "trending_score"):
        assert len(names(sort=sort)) == 2, sort
    full = next(iter(api.list_models(author=owner, search="owl", full=True)))
    assert {one.rfilename for one in full.siblings or ()} == {
        ".gitattributes", "README.md", "model.safetensors"
    }  # fmt: skip
    assert full.sha
    carded = next(iter(api.list_models(author=owner, search="owl", cardData=True)))
    assert carded.card_data is not None
    assert carded.card_data.license == "mit"
    plain = next(iter(api.list_models(author=owner, search="owl")))
    assert plain.pipeline_tag == "image-classification"
    assert plain.private
    expanded = next(iter(api.list_models(author=owner, search="owl", expand=SOME)))
    assert expanded.downloads is not None
    assert expanded.sha
    assert expanded.safetensors is not None
    assert expanded.safetensors.total == 7
    assert len(list(api.list_models(author=owner, limit=1))) == 1
    refused("sort", lambda: list(api.list_models(sort="beauty")))


@call("list_models over many pages")
def paged(api: HfApi, repo: str) -> None:
    for number in range(5):
        api.create_repo(f"{repo}{number}")
    found = [one.id for one in api.list_models(search="paged", author=repo.partition("/")[0])]
    assert found == [f"{repo}{number}" for number in reversed(range(5))]
    assert len(list(HfApi(token=False).list_models())) == 0


@call("list_datasets, dataset_info")
def sets(api: HfApi, repo: str) -> None:
    api.create_repo(repo, repo_type="dataset")
    api.upload_file(path_or_fileobj=b"a\n1\n", path_in_repo="rows.csv", repo_id=repo,
                    repo_type="dataset")  # fmt: skip
    api.upload_file(path_or_fileobj=b"---\nlicense: mit\ntask_categories: [translation]\n---\n",
                    path_in_repo="README.md", repo_id=repo, repo_type="dataset")  # fmt: skip
    author = repo.partition("/")[0]
    assert repo in [one.id for one in api.list_datasets(author=author)]
    assert [one.id for one in api.list_datasets(filter="license:mit", author=author)] == [repo]
    found = api.list_datasets(filter="task_categories:translation", author=author)
    assert [one.id for one in found] == [repo]
    info = api.dataset_info(repo, files_metadata=True)
    assert {one.rfilename for one in info.siblings or ()} == {
        ".gitattributes", "README.md", "rows.csv"
    }  # fmt: skip


@call("spaces, and names without an owner, are refused in words")
def absent(api: HfApi, repo: str) -> None:
    refused("models and datasets|404|400", lambda: list(api.list_spaces()))
    refused("no spaces", api.space_info, repo)
    refused("RepositoryNotFound.*owner", api.model_info, "bert-base-uncased")
