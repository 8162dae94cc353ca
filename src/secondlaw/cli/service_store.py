"""What every command of the service begins with: its packages, its settings and its store."""

from typing import TYPE_CHECKING

from secondlaw.installed import require

if TYPE_CHECKING:
    from secondlaw.service.settings import ServiceSettings
    from secondlaw.storage import Store

__all__ = ["open_service_store", "require_service", "service_settings"]

NEEDED = ("alembic", "fastapi", "jinja2", "prometheus_client", "sqlalchemy", "uvicorn")


def require_service() -> None:
    """Say what is not installed, before anything of the service is imported.

    Raises
    ------
    ModelFileError
        With what to type.
    """
    require(*NEEDED, purpose="the service", extra="server")


def service_settings(url: str | None) -> "ServiceSettings":
    """Return the settings of file, environment and command line."""
    require_service()
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.service.settings import load_service_settings

    return load_service_settings(load_settings().service, store=url)


def open_service_store(service: "ServiceSettings") -> "Store":
    """Open the store that the settings name."""
    from secondlaw.storage import mask_private, open_store

    return open_store(service.store, settings=service.store_settings, mask=mask_private if service.mask else None)
