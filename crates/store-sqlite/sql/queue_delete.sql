-- A step is neither scheduled nor running any more.
DELETE FROM queue WHERE key = ?1
