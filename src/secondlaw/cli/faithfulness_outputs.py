"""Files that ``secondlaw faithfulness`` reads and writes beside its output, and which of them go together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secondlaw.faithfulness import CombinedScore, Scored, TopicModel
    from secondlaw.pipeline.settings import Settings

__all__ = ["Outputs"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What was asked for; see the options of the same names."""

    report: Path | None
    scores: Path | None
    stream: Path | None
    of: str
    topics: Path | None
    topics_out: Path | None
    train: Path | None
    label: str
    combined: Path | None

    def check(self, *, shared: bool) -> None:
        """Raise InvalidInput where options do not go together."""
        from secondlaw.cli.output import check_outputs
        from secondlaw.errors import InvalidInput
        from secondlaw.pipeline.faithfulness_streams import NEED_TOPICS, STREAMED

        check_outputs(self.report, self.scores, self.topics_out, self.stream, self.train)
        if self.of not in STREAMED:
            raise InvalidInput(f"--of is {', '.join(STREAMED)}, got {self.of!r}")
        if self.stream is not None and self.of in NEED_TOPICS and self.topics is None and self.topics_out is None:
            raise InvalidInput(
                f"--of {self.of} needs the same topics every day: --topics FILE, or --topics-out FILE to make it"
            )
        if self.topics is not None and (self.topics_out is not None or shared):
            raise InvalidInput("--topics takes topics that are there; leave --topics-out and --shared-topics out")
        if self.train is not None and self.combined is not None:
            raise InvalidInput("--train makes a combined score and --combined uses one; give one of them")

    @property
    def any_given(self) -> bool:
        """Tell whether any file is named."""
        paths = (self.report, self.scores, self.stream, self.topics, self.topics_out, self.train, self.combined)
        return any(path is not None for path in paths)

    def given_score(self) -> "CombinedScore | None":
        """Read the combined score, where one is used."""
        from secondlaw.pipeline.faithfulness_training import load_combined

        return None if self.combined is None else load_combined(self.combined)

    def given_topics(self) -> "TopicModel | None":
        """Read the topics, where they are there."""
        from secondlaw.pipeline.faithfulness_streams import load_topics

        return None if self.topics is None else load_topics(self.topics)

    def write(
        self,
        results: "list[Scored]",
        common: "TopicModel | None",
        score: "CombinedScore | None",
        settings: "Settings",
        *,
        source: str,
        warnings: list[str],
    ) -> "tuple[CombinedScore | None, list[float | None] | None]":
        """Write every file that was asked for, add to `warnings`, and return the combined score with its values."""
        from secondlaw.cli.output import write_html
        from secondlaw.pipeline.faithfulness_streams import save_topics, write_scores, write_stream
        from secondlaw.pipeline.faithfulness_training import combined_scores, save_combined, train_combined
        from secondlaw.reports.faithfulness_page import render_faithfulness_page

        if self.topics_out is not None and common is not None:
            save_topics(common, self.topics_out)
        if self.stream is not None:
            left_out = write_stream(results, self.stream, of=self.of, topics=common)  # type: ignore[arg-type]
            if left_out:
                warnings.append(f"{left_out:,} answers have no {self.of} and are not in {self.stream}")
        if self.train is not None:
            score, unlabelled = train_combined(results, field=self.label, seed=settings.seed, level=settings.level)
            save_combined(score, self.train)
            if unlabelled:
                warnings.append(f"{unlabelled:,} answers have no label or no context and were not trained on")
        added = None if score is None else combined_scores(results, score)
        if self.scores is not None:
            write_scores(results, self.scores, combined=added)
        write_html(results, render_faithfulness_page, self.report, source=source, warnings=warnings)
        return score, added
