-- Who stands in for whom (대체 근무), on top of the overrides that the manual itself lists. Rows stay
-- when one is taken back or is over: who was on call, and why, must be known afterwards.
CREATE TABLE overrides (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rotation   text NOT NULL,
    slot       text NOT NULL,
    person     text NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
    reason     text NOT NULL DEFAULT '',
    made_by    text NOT NULL,
    made_at    timestamptz NOT NULL,
    removed_by text,
    removed_at timestamptz
);
CREATE INDEX overrides_in_force ON overrides (id) WHERE removed_at IS NULL;
