-- The types of the annotations there are.
SELECT name FROM annotation_type ORDER BY name
