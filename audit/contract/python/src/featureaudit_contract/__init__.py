"""What consumers assert before they train or serve: one line that refuses stale, unknown or unaudited features."""

from ._decide import Answer, Evidence, Question, decide, decide_window
from ._file import FlagFile, FlagFileError, parse, read
from ._instant import duration_seconds
from ._provider import FeatureAuditProvider
from ._require import (
    ContractViolation,
    MaxAgeHook,
    guard,
    require,
    require_training_window,
)

__all__ = [
    "Answer",
    "ContractViolation",
    "Evidence",
    "FeatureAuditProvider",
    "FlagFile",
    "FlagFileError",
    "MaxAgeHook",
    "Question",
    "decide",
    "decide_window",
    "duration_seconds",
    "guard",
    "parse",
    "read",
    "require",
    "require_training_window",
]
