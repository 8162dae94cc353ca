"""A model hub on loopback, which answers what huggingface_hub asks as the real one does.

Large files are kept apart: ``resolve`` redirects to a store under another host name, with hash and size in headers, and
the store honours ranges. Small files carry the sha1 of a git blob. What does not exist has an error code in a header.
"""

import contextlib
import hashlib
import http.server
import json
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin", ".npz")


@dataclass
class Hub:
    """Repositories at one commit, and what was asked of them.

    `token` opens private repositories; `gated` ones are listed for everybody and read with it. The first body of a
    large file breaks off after `break_after` bytes.
    """

    repositories: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    private: set = field(default_factory=set)
    gated: set = field(default_factory=set)
    token: str = "hf_right"
    break_after: int | None = None
    url: str = ""

    def paths(self):
        return [path for path, _ in self.asked]


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@contextlib.contextmanager
def open_hub():
    hub = Hub()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("OneHub", (_Answers,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self):
        path = self.path.split("?")[0]
        self.hub.asked.append((path, self.headers.get("User-Agent", "")))
        if found := re.fullmatch(r"/store/([0-9a-f]{64})", path):
            return self.store(found[1])
        found = re.fullmatch(r"/(?:api/models/)?([^/]+/[^/]+)/(tree|resolve)/([^/]+)/?(.*)", path)
        if found is None or found[1] not in self.hub.repositories:
            return self.refused(404, "RepoNotFound")
        repository, what, revision, name = found.groups()
        known = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if repository in self.hub.private and not known:
            return self.refused(401, "RepoNotFound")
        if revision != COMMIT:
            return self.refused(404, "RevisionNotFound")
        if what == "tree":
            return self.tree(self.hub.repositories[repository])
        if repository in self.hub.gated and not known:
            return self.refused(401, "GatedRepo")
        return self.resolve(self.hub.repositories[repository], name)

    do_HEAD = do_GET  # noqa: N815

    def tree(self, files):
        listing = []
        for name, content in sorted(files.items()):
            entry = {"type": "file", "path": name, "size": len(content), "oid": _blob(content)}
            if name.endswith(LARGE):
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            listing.append(entry)
        self.answer(200, json.dumps(listing).encode(), {"Content-Type": "application/json"})

    def resolve(self, files, name):
        if name not in files:
            return self.refused(404, "EntryNotFound")
        content, headers = files[name], {"X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if not name.endswith(LARGE):
            return self.answer(200, content, {**headers, "ETag": f'"{_blob(content)}"'})
        digest, port = hashlib.sha256(content).hexdigest(), self.headers["Host"].rsplit(":", 1)[1]
        linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content)), "ETag": f'"{_blob(content)}"'}
        return self.answer(302, b"", {**headers, **linked, "Location": f"http://localhost:{port}/store/{digest}"})

    def store(self, digest):
        contents = (content for files in self.hub.repositories.values() for content in files.values())
        content = next(one for one in contents if hashlib.sha256(one).hexdigest() == digest)
        status, headers, body = 200, {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"}, content
        if found := re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range") or ""):
            body = content[int(found[1]) :]
            status = 206
            headers["Content-Range"] = f"bytes {found[1]}-{len(content) - 1}/{len(content)}"
        end = None
        if self.command == "GET":
            end, self.hub.break_after = self.hub.break_after, None
        self.answer(status, body, headers, end=end)

    def refused(self, status, code):
        self.answer(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def answer(self, status, content, headers, *, end=None):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:end])
        self.close_connection = self.close_connection or end is not None

    def log_message(self, *_):
        pass


def _blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
