"""Running the service: the application under uvicorn, until it is told to stop."""

import copy
import gc
import logging
import signal
import sys
from types import FrameType
from typing import Any

import uvicorn

from secondlaw.drift.cells import ClassifierError
from secondlaw.errors import SecondLawError
from secondlaw.pipeline.classifier_errors import error_of
from secondlaw.pipeline.engines import open_engine, stated_share
from secondlaw.pipeline.settings import Settings
from secondlaw.service.app import create_app
from secondlaw.service.live import Live
from secondlaw.service.pages import page_router
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.service.slow_clients import PatientProtocol
from secondlaw.storage import Store

__all__ = ["known_errors", "log_config", "run_service"]

_log = logging.getLogger(__name__)
SWITCH = 0.001
"""Seconds that a thread which computes may hold up one that answers: the slowest batches take a third less than with
Python's 5 ms."""
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
    stated_share(settings)  # auto needs a whole file
    parts = Parts(store, service, settings, errors=known_errors(settings))
    pages = page_router(
        store, parts.numbers, writer=parts.writer, owner=parts.owner, default=service.evaluation, parts=parts,
        live=Live(stopping=lambda: parts.stopping),
    )  # fmt: skip
    app = create_app(store, service, parts, pages=[pages])
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        host=service.host,
        port=service.port,
        log_level=log_level,
        access_log=log_level == "debug",
        log_config=log_config(),
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=service.forwarded_allow_ips,
        timeout_graceful_shutdown=GRACE,
    )
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()  # modules last as long as the process: looking through them took .1 s off every few pages
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # uvicorn raises it again when all is done
    _Server(config, parts).run()


class _WithoutQuery(logging.Filter):
    """Takes the query off the lines of the access log: people put secrets and texts into it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a line and keep it."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


def log_config() -> dict[str, Any]:
    """Return the configuration of uvicorn's log, without the queries of requests."""
    found = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    found["filters"] = {"without query": {"()": _WithoutQuery}}
    found["handlers"]["access"]["filters"] = ["without query"]
    return found


class _Server(uvicorn.Server):
    """A server that tells the parts and open pages of its end before it waits for them."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._parts.begin_stop()
        super().handle_exit(sig, frame)
