-- What came of each check of a recovery, one row a run of it: the log has the verdict, this what
-- the test printed as well.
CREATE TABLE verifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident    bigint NOT NULL,         -- no foreign key, as in alerts
    due         integer NOT NULL,        -- the number of the event that asked for it
    checked     text NOT NULL,           -- 'smoke:user_login'
    outcome     text NOT NULL CHECK (outcome IN ('passed', 'failed', 'inconclusive')),
    why         text NOT NULL,           -- JSON: a reason's code and its values
    numbers     text NOT NULL,           -- JSON: what was measured, by the manual's names
    output      text NOT NULL,           -- what the test printed: bounded, masked
    took        double precision NOT NULL,   -- seconds
    taken_at    timestamptz NOT NULL,
    UNIQUE (incident, due, checked)
);
