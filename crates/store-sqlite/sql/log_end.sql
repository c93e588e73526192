-- The position before the last so many entries.
SELECT n FROM transition WHERE n > 0 ORDER BY n DESC LIMIT 1 OFFSET ?1
