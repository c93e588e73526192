-- What was deleted of the log, and who still wants to read it.

-- Deletions from the log: their numbers, and the last entry that each deleted. One after which another reached as far or
-- farther is forgotten, so that there are few.
CREATE TABLE log_pruning (
    number INTEGER PRIMARY KEY,
    n      INTEGER NOT NULL
) STRICT;

-- How far readers of the log have come: the last entry that each is done with, how often the log had been pruned when it
-- got that, and when this was noted.
CREATE TABLE log_reader (
    name     TEXT    PRIMARY KEY,
    n        INTEGER NOT NULL,
    prunings INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was deleted before this was noted cannot be known exactly: it may have been everything but what is there.
INSERT INTO log_pruning (number, n)
SELECT 1, seq FROM sqlite_sequence WHERE name = 'transition' AND seq > (SELECT count(*) FROM transition);
