-- What the channel answered, noted the moment it did: whoever takes over from a process that died
-- before it could write the event knows that the message is out.
ALTER TABLE effects ADD COLUMN receipt text;
