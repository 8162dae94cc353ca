"""Receivers of alerts: one file each behind one Protocol."""

from secondlaw.service.receivers.base import DeliveryError, Notice, Receiver, message_key
from secondlaw.service.receivers.building import build_receiver

__all__ = ["DeliveryError", "Notice", "Receiver", "build_receiver", "message_key"]
