-- A run that waits for its lock: whoever frees the lock looks here, so that nobody has to ask again and again.
ALTER TABLE effects ADD COLUMN waits_for text;       -- the lock; NULL is that it can be done now
CREATE INDEX effects_waiting ON effects (waits_for) WHERE done_at IS NULL AND waits_for IS NOT NULL;
