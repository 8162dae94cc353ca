"""The command ``secondlaw``. Each command lives in a file of its own and imports what it needs when it runs.

Exit codes: 0 fine, 10 drift or gate failed, 11 inconclusive, 12 not enough or missing data, 13 source or endpoint
failed, 14 budget spent, 2 usage, 1 crash, 130 interrupted.
"""

from typing import Annotated

import typer

import secondlaw
from secondlaw.cli.anchor import anchor
from secondlaw.cli.backtest import backtest
from secondlaw.cli.check import check
from secondlaw.cli.classifier import classifier
from secondlaw.cli.classify import classify
from secondlaw.cli.compare import compare
from secondlaw.cli.demo import demo
from secondlaw.cli.entropy_production import entropy_production
from secondlaw.cli.faithfulness import faithfulness
from secondlaw.cli.fisher import fisher
from secondlaw.cli.goals import goals
from secondlaw.cli.label import label
from secondlaw.cli.local_model import local_model
from secondlaw.cli.measure import measure
from secondlaw.cli.plan import plan
from secondlaw.cli.reproduce import reproduce
from secondlaw.cli.sample import sample
from secondlaw.cli.score import score
from secondlaw.cli.serve import alerts, serve, store, token
from secondlaw.cli.simulate import simulate
from secondlaw.cli.stress_set import stress_set
from secondlaw.cli.temporal import temporal
from secondlaw.cli.usage import Program
from secondlaw.cli.watch import watch

__all__ = ["app", "main"]

EPILOG = (
    "Exit codes: 0 fine, 10 drift or gate failed, 11 inconclusive, 12 not enough or missing data, 13 source or "
    "endpoint failed, 14 budget spent, 2 usage, 1 crash, 130 interrupted. Settings: command line, SECONDLAW_*, "
    "secondlaw.toml, then defaults."
)

app = typer.Typer(
    name="secondlaw",
    cls=Program,
    help="Measure how a language model behaves, how its entropy S(t) drifts, and how sure that is.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"secondlaw {secondlaw.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Measure how a language model behaves, how its entropy S(t) drifts, and how sure that is."""


for _command in (demo, measure, compare, check, temporal, watch, backtest, classify, score, label, sample, plan, serve):
    app.command()(_command)
app.command(name="entropy-production")(entropy_production)
app.command()(faithfulness)
app.command()(fisher)
app.command()(goals)
app.command()(simulate)
app.command()(reproduce)
app.command(name="local-model")(local_model)
app.command(name="stress-set")(stress_set)
app.add_typer(alerts)
app.add_typer(anchor)
app.add_typer(classifier)
app.add_typer(store)
app.add_typer(token)


def main() -> None:
    """Run the command line."""
    app()
