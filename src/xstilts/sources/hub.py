"""The hub: revision, list and files of a model or data set repository. Nothing of a repository is ever run.

Address, cache, login and offline mode are the ordinary ones of ``huggingface_hub``: ``HF_ENDPOINT``, ``HF_HOME``,
``HF_TOKEN``, ``HF_HUB_OFFLINE``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xstilts.errors import XstiltsError

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository on the hub.

    Attributes:
        kind: what it holds.
        name: ``owner/name``.
    """

    kind: Literal["model", "dataset"]
    name: str

    def revision(self, branch: str = "") -> str:
        """The commit that a branch, by default the main one, points to now."""
        with self._told(f"the newest commit of {branch}" if branch else "its newest commit"):
            api, wanted = _api(), branch or None
            if self.kind == "dataset":
                return str(api.dataset_info(self.name, revision=wanted).sha)
            return str(api.model_info(self.name, revision=wanted).sha)

    def files(self, revision: str) -> dict[str, str]:
        """All files of a revision, to their sha256 where the hub tells it and to nothing elsewhere."""
        from huggingface_hub.hf_api import RepoFile

        with self._told(f"the list of files at {revision}"):
            tree = _api().list_repo_tree(self.name, recursive=True, revision=revision, repo_type=self.kind)
            found = {entry.path: entry.lfs for entry in tree if isinstance(entry, RepoFile)}
        return {path: lfs.sha256 if lfs else "" for path, lfs in sorted(found.items())}

    def file(self, path: str, revision: str) -> Path:
        """One file of a revision, from the cache or downloaded into it."""
        from huggingface_hub import hf_hub_download

        with self._told(f"{path} at {revision}"):
            return Path(hf_hub_download(self.name, path, repo_type=self.kind, revision=revision, endpoint=_endpoint()))

    def cached(self, path: str, revision: str) -> bool:
        """Whether a file of a revision is in the cache."""
        from huggingface_hub import try_to_load_from_cache

        return isinstance(try_to_load_from_cache(self.name, path, revision=revision, repo_type=self.kind), str)

    @contextmanager
    def _told(self, wanted: str) -> Iterator[None]:
        """Turn what the library raises into an error that says what to do."""
        from huggingface_hub import errors

        try:
            yield
        except errors.RepositoryNotFoundError as error:
            raise self._error(
                "has no such repository, or shows it to some accounts alone",
                "correct the name in the entry, or accept its terms on the hub and set HF_TOKEN",
            ) from error
        except (errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
            raise self._error(f"does not have {wanted}", "lock it again with `xstilts lock`") from error
        except (errors.HfHubHTTPError, errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise self._error(
                f"does not give {wanted}: {first}",
                "run it where the hub can be reached (HF_ENDPOINT names another), or bring a filled cache (HF_HOME)",
            ) from error

    def _error(self, what: str, next_step: str) -> XstiltsError:
        return XstiltsError(f"The hub {what}", where=f"{self.kind} {self.name}", next_step=next_step)


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint())
