"""A hub on the loopback address: the few addresses that ``huggingface_hub`` asks for, and what was asked."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Served:
    """One repository: a commit of a branch and its files; ``large`` are those whose sha256 the list of files tells."""

    files: dict[str, bytes]
    commit: str
    large: bool = True
    branch: str = "main"


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by name, as ``publish`` takes them."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@dataclass
class Hub:
    """Repositories by kind (``datasets`` or ``models``) and name, and paths that were asked for."""

    address: str = ""
    served: dict[tuple[str, str], Served] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(
        self, kind: str, name: str, files: dict[str, bytes], *, large: bool = True, branch: str = "main"
    ) -> str:
        """Make a commit of some files the newest one."""
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.served[kind, name] = Served(dict(files), commit, large, branch)
        return commit

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        parts = unquote(urlsplit(path).path).strip("/").split("/")
        if parts[0] == "api" and len(parts) >= 4:
            return self._api(parts[1], f"{parts[2]}/{parts[3]}", parts[4:])
        kind, parts = ("datasets", parts[1:]) if parts[0] == "datasets" else ("models", parts)
        repository = self.served.get((kind, "/".join(parts[:2])))
        if repository is None:
            return 404, b"", {"X-Error-Code": "RepoNotFound"}
        if len(parts) < 5 or parts[2] != "resolve" or parts[3] not in (repository.branch, repository.commit):
            return 404, b"", {"X-Error-Code": "RevisionNotFound"}
        content = repository.files.get("/".join(parts[4:]))
        if content is None:
            return 404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repository.commit}
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        return 200, content, {"X-Repo-Commit": repository.commit, "ETag": etag, "Accept-Ranges": "none"}

    def _api(self, kind: str, name: str, rest: list[str]) -> tuple[int, bytes, dict[str, str]]:
        repository = self.served.get((kind, name))
        if repository is None:
            return 404, b"", {"X-Error-Code": "RepoNotFound"}
        if ("/".join(rest[1:]) or "main") not in (repository.branch, repository.commit):
            return 404, b"", {"X-Error-Code": "RevisionNotFound"}
        found: Any = {"id": name, "sha": repository.commit, "siblings": [], "tags": [], "private": False}
        if rest and rest[0] == "tree":
            found = [_listed(path, content, repository.large) for path, content in repository.files.items()]
        return 200, json.dumps(found).encode(), {"Content-Type": "application/json"}


def _listed(path: str, content: bytes, large: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
    entry["oid"] = hashlib.sha1(content).hexdigest()
    if large and path.endswith((".parquet", ".safetensors")):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that listens on a free port until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            status, body, headers = hub.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
