"""What pages load beside themselves, all from here: style, a little script, and Vega as vl-convert carries it."""

import gzip
import hashlib
import subprocess
import sys
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

__all__ = ["asset_router", "assets_version", "vega_bundle"]

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
VEGA = "vega.js"
MAKE_VEGA = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode())
"""
_vega_lock = threading.Lock()


@cache
def _static() -> dict[str, tuple[bytes, str]]:
    return {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in FOLDER.iterdir() if path.suffix in KINDS}


@cache
def assets_version() -> str:
    """Return what stands in the addresses of assets: it changes with their content."""
    digest = hashlib.sha256(version("vl-convert-python").encode())
    for name, (content, _) in sorted(_static().items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def vega_bundle() -> bytes:
    """Return Vega, Vega-Lite and Vega-Embed as one script, compressed; made once, which takes seconds.

    Made in a process of its own: vl-convert lets no other thread run while it works.
    """
    with _vega_lock:
        return _vega()


@cache
def _vega() -> bytes:
    made = subprocess.run([sys.executable, "-c", MAKE_VEGA], capture_output=True, check=True)  # noqa: S603 - our own text
    return gzip.compress(made.stdout, 6, mtime=0)


def asset_router() -> APIRouter:
    """Return the routes of the assets; they hold no data, so that the sign-in page has its style."""
    router = APIRouter(include_in_schema=False)

    @router.get("/assets/{version}/{name}")
    def asset(request: Request, version: str, name: str) -> Response:
        kept = {"Cache-Control": FOREVER if version == assets_version() else "no-cache"}
        if name == VEGA:
            content = vega_bundle()
            if "gzip" not in request.headers.get("accept-encoding", ""):
                return Response(gzip.decompress(content), media_type=KINDS[".js"], headers=kept)
            return Response(
                content, media_type=KINDS[".js"], headers=kept | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            )
        if name not in _static():
            raise HTTPException(404, "there is no such file")
        content, kind = _static()[name]
        return Response(content, media_type=kind, headers=kept)

    return router
