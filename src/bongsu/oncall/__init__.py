"""Who is on call at an instant: rotations, overrides, holidays, and calendars in iCalendar.

It also measures how load and fairness are spread, and is pure: time comes in as an argument.
"""
