-- Those of the workers $1 that are not known to be gone.
SELECT w.id FROM tasker.worker AS w WHERE w.id = ANY ($1::uuid[]) AND w.lost_at IS NULL AND w.stopped_at IS NULL
