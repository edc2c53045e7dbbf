"""What each page shows, worked out by pure functions from an incident, the manual and the time."""
