"""Runs the tests of a recovery; `bongsu.incident.verification` judges what they measured."""

from bongsu.actions.verification.checking import OnChecked, check_once, verify
from bongsu.actions.verification.testing import AskQuiet, CheckContext, OnPrinted

__all__ = ["AskQuiet", "CheckContext", "OnChecked", "OnPrinted", "check_once", "verify"]
