"""Running the service: the application under uvicorn, until it is told to stop."""

import logging

import uvicorn

from secondlaw.drift.cells import ClassifierError
from secondlaw.errors import SecondLawError
from secondlaw.pipeline.classifier_errors import error_of
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.settings import Settings
from secondlaw.service.app import create_app
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.storage import Store

__all__ = ["known_errors", "run_service"]

_log = logging.getLogger(__name__)
GRACE = 10
"""Seconds that requests under way have to end."""


def known_errors(settings: Settings) -> dict[str | None, ClassifierError]:
    """Return what is known of the error of the classifier that labels here, by its name."""
    from secondlaw.behavior import FIVE

    try:
        classifier = open_engine(settings.engine, settings)
        return {classifier.identity: error_of(classifier, FIVE)}
    except SecondLawError as error:
        _log.warning("labels will not be corrected: %s", error)
        return {}


def run_service(store: Store, service: ServiceSettings, settings: Settings, *, log_level: str = "info") -> None:
    """Serve until SIGINT or SIGTERM.

    Parameters
    ----------
    store : Store
    service : ServiceSettings
    settings : Settings
        For the engine that labels.
    log_level : str
    """
    parts = Parts(store, service, settings, errors=known_errors(settings))
    app = create_app(store, service, parts, pages=dashboard(store, parts))
    config = uvicorn.Config(
        app,
        host=service.host,
        port=service.port,
        log_level=log_level,
        access_log=log_level == "debug",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=service.forwarded_allow_ips,
        timeout_graceful_shutdown=GRACE,
    )
    uvicorn.Server(config).run()


def dashboard(store: Store, parts: Parts) -> list:  # type: ignore[type-arg]
    """Return the routes of the pages."""
    return []
