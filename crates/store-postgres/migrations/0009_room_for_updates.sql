-- More room for updates in the pages of steps: a step's row doubles once its results stand in it. What found no room moved to
-- another page, with new entries in the indexes, and left a hole that later steps filled: pages that are written again after
-- a checkpoint are images in the log. Holds up nobody; pages that are full already stay as they are.
ALTER TABLE tasker.step SET (fillfactor = 35);
