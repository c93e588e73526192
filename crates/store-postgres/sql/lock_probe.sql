-- Which of these tasks no other session holds.
SELECT id FROM tasker.task WHERE id = ANY ($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
