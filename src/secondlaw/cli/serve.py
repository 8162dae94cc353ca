"""``secondlaw serve``: the service, with nothing else to install; and what operators do with its store."""

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import Engine, Json
from secondlaw.cli.service_store import open_service_store, require_service, service_settings

__all__ = ["alerts", "serve", "store", "token"]

SCOPES = ("ingest", "read", "admin")
Url = Annotated[
    str | None,
    typer.Option("--store", "--url", help="sqlite:///file or postgresql://user@host/database (default: secondlaw.db)."),
]


@guarded
def serve(
    url: Url = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port (default: 8321).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that label (default: 1; 0: none here).")] = None,
    evaluate: Annotated[
        bool | None, typer.Option("--evaluate/--ingest-only", help="Whether this replica decides and delivers.")
    ] = None,
    external_url: Annotated[str | None, typer.Option(help="Address under which people reach it, for links.")] = None,
    base_path: Annotated[str | None, typer.Option(help="Path before all others, behind a proxy.")] = None,
    engine: Engine = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="How much is logged; never a text.")
    ] = "info",
) -> None:
    """Receive responses, keep S(t) and shares, raise alarms, show and tell them.

    Events come as JSON to /v1/events or by OTLP/HTTP to /v1/traces and /v1/logs; the dashboard is at /. Settings: the
    table [service] of secondlaw.toml, SECONDLAW_SERVICE_*, these options. Other addresses than loopback need a token:
    secondlaw token create.
    """
    import logging

    require_service()
    from secondlaw.errors import InvalidInput
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.service.serving import run_service
    from secondlaw.service.settings import is_loopback, load_service_settings

    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("alembic", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    settings = load_settings(engine=engine)
    service = load_service_settings(
        settings.service, store=url, host=host, port=port, workers=workers, evaluate=evaluate,
        external_url=external_url, base_path=base_path,
    )  # fmt: skip
    with open_service_store(service) as opened:
        tokens = [one for one in opened.tokens.list() if one.revoked_at is None]
        if not is_loopback(service.host) and not tokens:
            raise InvalidInput(
                f"{service.host} can be reached from elsewhere and there is no token: make one first with "
                "secondlaw token create NAME --scope admin"
            )
        if not tokens:
            typer.echo("no token yet: everybody on this machine may do everything (secondlaw token create)", err=True)
        run_service(opened, service, settings, log_level=log_level)


token = typer.Typer(name="token", help="Tokens of the service: make, list, revoke.", no_args_is_help=True)


@token.command("create")
@guarded
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is called, for the audit.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do: ingest (default), read, admin; may be repeated.")
    ] = None,
    stream: Annotated[list[str] | None, typer.Option(help="Streams it is for (default: all); may be repeated.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires (default: never).")] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it once; only its hash is kept."""
    from datetime import UTC, datetime, timedelta

    from secondlaw.cli.output import print_json
    from secondlaw.errors import InvalidInput

    wanted = tuple(scope or ("ingest",))
    unknown = sorted(set(wanted) - set(SCOPES))
    if unknown:
        raise InvalidInput(f"a scope is one of {', '.join(SCOPES)}, got {unknown[0]!r}")
    with open_service_store(service_settings(url)) as opened:
        until = None if days is None else datetime.now(UTC) + timedelta(days=days)
        made, secret = opened.tokens.create(
            name,
            scopes=cast("tuple[Literal['ingest', 'read', 'admin'], ...]", wanted),
            streams=None if not stream else tuple(stream),
            expires_at=until,
        )
    if as_json:
        content = {"id": made.id, "name": made.name, "scopes": list(made.scopes), "token": secret}
        print_json({"schema": "secondlaw/token/1", **content})
        return
    typer.echo(f"{secret}\n")
    typer.echo(f"token {made.id} {made.name!r}, scopes {', '.join(made.scopes)}. It is shown this once.", err=True)


@token.command("list")
@guarded
def list_tokens(url: Url = None) -> None:
    """List the tokens."""
    with open_service_store(service_settings(url)) as opened:
        for one in opened.tokens.list():
            state = "revoked" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}" if one.expires_at else "valid"
            streams = "all streams" if one.streams is None else ", ".join(one.streams)
            used = "never used" if one.last_used_at is None else f"used {one.last_used_at:%Y-%m-%d %H:%M}"
            typer.echo(f"{one.id}  {one.name}  {', '.join(one.scopes)}  {streams}  {state}  {used}")


@token.command("revoke")
@guarded
def revoke_token(number: Annotated[int, typer.Argument(help="Its number, as list shows it.")], url: Url = None) -> None:
    """Revoke a token; it is refused from some seconds later on."""
    with open_service_store(service_settings(url)) as opened:
        typer.echo(f"revoked {opened.tokens.revoke(number, who='command line').name}")


store = typer.Typer(name="store", help="The store: back up, export, import, tidy, check.", no_args_is_help=True)


@store.command()
@guarded
def backup(path: Annotated[Path, typer.Argument(help="Where the copy goes.")], url: Url = None) -> None:
    """Copy a SQLite store while it is in use; for PostgreSQL use export."""
    with open_service_store(service_settings(url)) as opened:
        opened.admin.backup(path)
    typer.echo(f"{path}: {path.stat().st_size:,} bytes")


@store.command()
@guarded
def export(path: Annotated[Path, typer.Argument(help="A .tar.gz that does not exist.")], url: Url = None) -> None:
    """Write everything into one archive, which either kind of store can read."""
    with open_service_store(service_settings(url)) as opened:
        _say_rows(opened.admin.export(path))


@store.command(name="import")
@guarded
def import_(
    path: Annotated[Path, typer.Argument(help="An archive of secondlaw store export.")], url: Url = None
) -> None:
    """Read an archive into an empty store: this is how SQLite moves to PostgreSQL."""
    with open_service_store(service_settings(url)) as opened:
        _say_rows(opened.admin.restore(path))


@store.command()
@guarded
def purge(url: Url = None) -> None:
    """Delete what is older than it is to be kept."""
    with open_service_store(service_settings(url)) as opened:
        found = opened.admin.purge()
    typer.echo(f"deleted {found.ids:,} ids, {found.texts:,} texts; {found.clusters:,} counts were added up")


@store.command()
@guarded
def check(url: Url = None) -> None:
    """Check that the store is whole; exit code 13 if it is not."""
    with open_service_store(service_settings(url)) as opened:
        problems, sizes = opened.admin.check(), opened.admin.sizes()
    for one in problems:
        typer.echo(one)
    typer.echo(f"{sizes.bytes:,} bytes; " + ", ".join(f"{n:,} {name}" for name, n in sizes.rows.items() if n))
    raise typer.Exit(13 if problems else 0)


@store.command()
@guarded
def poisoned(
    stream: Annotated[str | None, typer.Option(help="Only events of this stream.")] = None,
    requeue: Annotated[bool, typer.Option("--requeue", help="Let them be labelled again.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete them; they stay counted as put aside.")] = False,
    url: Url = None,
) -> None:
    """List events that could not be labelled and were put aside; --requeue or --drop ends the alarm."""
    from secondlaw.errors import InvalidInput

    if requeue and drop:
        raise InvalidInput("events are either labelled again or deleted: say --requeue or --drop")
    with open_service_store(service_settings(url)) as opened:
        found = opened.queue.poisoned(stream=stream, limit=10_000)
        if requeue or drop:
            done = (opened.queue.requeue if requeue else opened.queue.drop)([one.id for one in found])
            typer.echo(f"{done:,} events {'wait for their label again' if requeue else 'were deleted'}")
            return
        for one in found:
            typer.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M}  {one.stream}  {one.transcript.id}  {one.reason}")
        typer.echo(f"{len(found):,} events were put aside", err=True)


alerts = typer.Typer(
    name="alerts", help="Receivers of alerts: test them, send dead letters again.", no_args_is_help=True
)


@alerts.command("test")
@guarded
def try_receivers(
    receiver: Annotated[str | None, typer.Argument(help="Name of the receiver (default: all).")] = None,
) -> None:
    """Send a test alert, firing and resolved, to receivers of secondlaw.toml; exit code 13 if one does not take it."""
    import asyncio
    from datetime import UTC, datetime

    from secondlaw.errors import InvalidInput

    require_service()
    from secondlaw.service.delivery_requests import send_test_alert
    from secondlaw.service.receivers import DeliveryError

    service = service_settings(None)
    wanted = [one for one in service.alert_receivers if receiver in (None, one.name)]
    if not wanted:
        known = ", ".join(one.name for one in service.alert_receivers) or "none"
        raise InvalidInput(f"there is no receiver {receiver!r} in [[service.receivers]]; there are: {known}")
    failures = 0
    for one in wanted:
        try:
            asyncio.run(send_test_alert(one, now=datetime.now(UTC), external_url=service.external_url))
            typer.echo(f"{one.name}: taken")
        except DeliveryError as error:
            failures += 1
            typer.echo(f"{one.name}: {error}", err=True)
    raise typer.Exit(13 if failures else 0)


@alerts.command()
@guarded
def redeliver(
    receiver: Annotated[str | None, typer.Option(help="Only those for this receiver.")] = None, url: Url = None
) -> None:
    """Put dead letters into the outbox again; the running service sends them."""
    require_service()
    from secondlaw.service.delivery_requests import redeliver as again

    with open_service_store(service_settings(url)) as opened:
        typer.echo(f"{again(opened.deliveries, receiver=receiver)} alerts are pending again")


def _say_rows(rows: dict[str, int]) -> None:
    typer.echo(", ".join(f"{n:,} {name}" for name, n in rows.items() if n) or "nothing: the store was empty")
