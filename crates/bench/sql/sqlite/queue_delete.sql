-- A step runs no more.
DELETE FROM queue WHERE key = ?1
