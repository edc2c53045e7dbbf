-- What diagnosis found, one row a report: never altered, so that two of them can be compared.
CREATE TABLE reports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident    bigint NOT NULL,         -- no foreign key, as in alerts
    taken_at    timestamptz NOT NULL,
    asked_by    text NOT NULL,           -- as an event's actor: 'system', 'person:ID'
    why         text NOT NULL,           -- 'opened': by itself; 'asked': a person or program asked
    report      text NOT NULL            -- JSON, bounded before it is kept
);
CREATE INDEX reports_incident ON reports (incident, id DESC);

-- Change events, whoever tells them: a deployment, a flag, a configuration. What makes one the same
-- again is hashed into key; NULL where a sender gives nothing to go by.
ALTER TABLE changes ADD COLUMN kind text NOT NULL DEFAULT 'event';
ALTER TABLE changes ADD COLUMN subject text NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN service text;
ALTER TABLE changes ADD COLUMN key bytea;
CREATE UNIQUE INDEX changes_key ON changes (key);
