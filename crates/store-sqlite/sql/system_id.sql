-- The number of an external system in this file.
SELECT id FROM dependent_system WHERE name = ?1
