"""Scripts, styles and fonts; their addresses change with their content, so browsers keep them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from console.api.problems import Problem
from console.web.access import PageRoute
from console.web.rendering import STATIC

router = APIRouter(route_class=PageRoute)
TYPES = {
    ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}  # fmt: skip
KEEP = "public, max-age=31536000, immutable"


@router.get("/static/{path:path}")
def static_file(request: Request, path: str) -> Response:
    """A file of the folder `static`. Raises Problem."""
    file = (STATIC / path).resolve()
    if not file.is_relative_to(STATIC.resolve()) or file.suffix not in TYPES or not file.is_file():
        raise Problem(404, "no-such-file", "no such file")
    keep = KEEP if "v" in request.query_params else "no-cache"
    return FileResponse(file, media_type=TYPES[file.suffix], headers={"Cache-Control": keep})
