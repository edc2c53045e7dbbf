-- A run is in the history from when it is asked for: also one that waits for a yes, and one that never begins.
ALTER TABLE runs ADD COLUMN asked_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE runs SET asked_at = began_at;
ALTER TABLE runs ALTER COLUMN began_at DROP NOT NULL;   -- NULL is that it has not begun
DROP INDEX runs_lock;
CREATE UNIQUE INDEX runs_lock ON runs (lock) WHERE began_at IS NOT NULL AND ended_at IS NULL AND lock IS NOT NULL;
DROP INDEX runs_began;
CREATE INDEX runs_asked ON runs (asked_at DESC);
