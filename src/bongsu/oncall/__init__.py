"""Who is on call at an instant: rotations, overrides, holidays, and calendars in iCalendar.

It also measures how load and fairness are spread, and is pure: time comes in as an argument.
"""

from bongsu.oncall.reasons import Why
from bongsu.oncall.shifts import Callee, Callees, Shifts, Turn
from bongsu.oncall.words import explain, say

__all__ = ["Callee", "Callees", "Shifts", "Turn", "Why", "explain", "say"]
