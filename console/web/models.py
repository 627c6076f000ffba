"""The model: the bundle in force with its card and the importance of features, the bundles that decided, and what rule sets
in shadow would have done beside them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.services import Services
from console.rules.shadow_results import NEWEST, ShadowResults
from console.web.access import PageRoute
from console.web.rendering import render
from udfs.records.outputs import ACTIONS
from udfs.scoring.bundle import BundleError, Manifest, read_manifest

router = APIRouter(route_class=PageRoute)
CARD_FILE = "model_card.md"
MOST_CARD_CHARACTERS = 200_000
MOST_FEATURES = 40


@router.get("/models")
def models_page(request: Request) -> Response:
    """The whole page."""
    services: Services = request.app.state.services
    manifest, card = _bundle(services)
    importance: list[tuple[str, float]] = []
    if manifest is not None:
        pairs = zip(manifest.feature_names, manifest.importance, strict=True)
        importance = sorted(pairs, key=lambda pair: -pair[1])[:MOST_FEATURES]
    known = services.decides_with()
    shadow: ShadowResults = request.app.state.shadow_results
    return render(
        request, "models.html", manifest=manifest, card=card, importance=importance, bundles=services.store.bundles(),
        version=services.versions().bundle, newest=services.store.newest_versions(),
        trouble=known.trouble, shadow=sorted(shadow.of_all().values(), key=lambda one: one.name), newest_count=NEWEST,
        actions=ACTIONS, in_force=None if known.rules is None else known.rules.name, candidates=sorted(known.candidates),
    )  # fmt: skip


def _bundle(services: Services) -> tuple[Manifest | None, str | None]:
    folder = services.bundle_path
    if folder is None:
        return None, None
    try:
        manifest = read_manifest(folder)
        return manifest, (folder / CARD_FILE).read_text()[:MOST_CARD_CHARACTERS]
    except BundleError:
        return None, None
    except OSError:
        return manifest, None
