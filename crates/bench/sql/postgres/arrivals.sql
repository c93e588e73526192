-- Reserves numbers for so many tasks; answers with the one before the first.
SELECT setval('tasker.task_arrival_seq', nextval('tasker.task_arrival_seq') + $1) - $1
