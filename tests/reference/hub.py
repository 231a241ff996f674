"""A small model hub on 127.0.0.1, which speaks as much HTTP as `huggingface_hub` asks for, and fails on demand."""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMITS = {"main": "1" * 40, "older": "2" * 40}


class Hub(ThreadingHTTPServer):
    """Serves folders as repositories: `repos` by id, a folder a revision. `asked` is every (method, path) so far.

    gated: ids that need terms accepted.  cut: a file name whose download breaks off in the middle, once, and is refused
    after.  slow: a file name of which one byte comes at a time.  broken: answer everything with 500.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos: dict[str, dict[str, Path]] = {}
        self.asked: list[tuple[str, str]] = []
        self.gated: set[str] = set()
        self.cut = self.slow = self.vanished = ""
        self.broken = False
        self.started = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files_asked(self) -> list[str]:
        """The names of the files whose content was asked for."""
        return [path.rsplit("/", 1)[1] for method, path in self.asked if method == "GET" and "/resolve/" in path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append((self.command, path))
        if self.server.broken:
            return self.refuse(500, "", "the hub is on fire")
        if path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            return self.describe(name, revision or "main")
        name, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        return self.send_file(name, revision, file)

    def find(self, name: str, revision: str) -> Path | None:
        """The folder of a revision, or None where an error has been sent."""
        if name not in self.server.repos:
            self.refuse(401, "RepoNotFound", "Invalid username or password.")
        elif name in self.server.gated:
            self.refuse(403, "GatedRepo", "Access to this model is restricted.")
        else:
            branch = {commit: branch for branch, commit in COMMITS.items()}.get(revision, revision)
            if branch in self.server.repos[name]:
                return self.server.repos[name][branch]
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None

    def describe(self, name: str, revision: str) -> None:
        folder = self.find(name, revision)
        if folder:
            files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
            content = {
                "id": name,
                "sha": COMMITS.get(revision, revision),
                "siblings": [{"rfilename": f} for f in files],
            }
            self.reply(json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send_file(self, name: str, revision: str, file: str) -> None:
        folder = self.find(name, revision)
        if not folder:
            return
        if not (folder / file).is_file() or file == self.server.vanished:
            return self.refuse(404, "EntryNotFound", "Entry not found", COMMITS.get(revision, revision))
        content = (folder / file).read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        self.reply(content, {"ETag": etag, "X-Repo-Commit": COMMITS.get(revision, revision)}, file)

    def reply(self, content: bytes, headers: dict[str, str], file: str = "") -> None:
        self.send_response(200)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if file and file == self.server.slow:
            self.wfile.write(content[:1000])
            self.server.started.set()
            for byte in content[1000:]:
                time.sleep(0.1)
                self.wfile.write(bytes([byte]))
        elif file and file == self.server.cut:
            self.wfile.write(content[: len(content) // 2])
            self.server.broken = self.close_connection = True
        else:
            self.wfile.write(content)

    def refuse(self, status: int, code: str, message: str, commit: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        if commit:  # with it the cache notes that the file is not there
            self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", "0")
        self.end_headers()
