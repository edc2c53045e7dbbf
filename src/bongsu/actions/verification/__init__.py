"""Runs the tests of a recovery; `bongsu.incident.verification` judges what they measured."""

from bongsu.actions.verification.checking import OnChecked, check_once, verify
from bongsu.actions.verification.testing import AskQuiet, CheckContext

__all__ = ["AskQuiet", "CheckContext", "OnChecked", "check_once", "verify"]
