"""Alignment work under control: laws for gamma, and the controller that puts them to work in a training loop."""

from secondlaw.alignment.control.checkpoint import load_checkpoint, save_checkpoint
from secondlaw.alignment.control.control_settings import ControlSettings
from secondlaw.alignment.control.controller import AlignmentController
from secondlaw.alignment.control.curvature import fisher_curvature
from secondlaw.alignment.control.goal_measurement import GoalMeasurement, measure_goals
from secondlaw.alignment.control.laws import ConstantWork, WorkLaw
from secondlaw.alignment.control.minimal_work import MinimalWork
from secondlaw.alignment.control.proportional_integral import ProportionalIntegral
from secondlaw.alignment.control.training_log import TrainingLog, measurements
from secondlaw.alignment.control.work_coefficient import loss_coefficient, stable_coefficient

__all__ = [
    "AlignmentController",
    "ConstantWork",
    "ControlSettings",
    "GoalMeasurement",
    "MinimalWork",
    "ProportionalIntegral",
    "TrainingLog",
    "WorkLaw",
    "fisher_curvature",
    "load_checkpoint",
    "loss_coefficient",
    "measure_goals",
    "measurements",
    "save_checkpoint",
    "stable_coefficient",
]
