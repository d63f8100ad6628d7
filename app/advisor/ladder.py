"""A model's quantizations on this machine, and which one to take."""

from __future__ import annotations

from app.advisor.advice import Candidate, Fit, Goal, Ladder, Level, Need, Rung, Subject, Verdict

__all__ = ["Candidate", "Fit", "Goal", "Ladder", "Level", "Need", "Rung", "Subject", "Verdict"]
