-- The types of the annotations there are, sorted.
SELECT name FROM tasker.annotation_type ORDER BY name COLLATE "C"
