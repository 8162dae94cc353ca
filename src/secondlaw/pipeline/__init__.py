"""The whole way: read or sample, classify, measure, decide."""

from secondlaw.pipeline.cells import CellKey, CellSource, cell_sources, measure_sources
from secondlaw.pipeline.classifying import ClassifyOptions, classify_file
from secondlaw.pipeline.inputs import Loaded, Source, load, parse_source
from secondlaw.pipeline.judged_shares import JudgedTogether, judge_together
from secondlaw.pipeline.labelling import label_observations
from secondlaw.pipeline.measuring import MeasureOptions, measure
from secondlaw.pipeline.settings import Settings, load_settings, settings_schema

__all__ = [
    "CellKey",
    "CellSource",
    "ClassifyOptions",
    "JudgedTogether",
    "Loaded",
    "MeasureOptions",
    "Settings",
    "Source",
    "cell_sources",
    "classify_file",
    "judge_together",
    "label_observations",
    "load",
    "load_settings",
    "measure",
    "measure_sources",
    "parse_source",
    "settings_schema",
]
