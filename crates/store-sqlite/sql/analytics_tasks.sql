-- How the tasks of a time went: ?1 since, ?2 an hour ago. Whatever was created since then is open or ended since then.
SELECT count(*) FILTER (WHERE state IN (0, 1)),
    count(*) FILTER (WHERE created_at > ?2 AND state = 2),
    count(*) FILTER (WHERE created_at > ?2 AND state = 3),
    count(*) FILTER (WHERE created_at > ?1),
    count(*) FILTER (WHERE created_at > ?1 AND state = 2),
    count(*) FILTER (WHERE created_at > ?1 AND state = 3),
    coalesce(sum(ended_at - created_at) FILTER (WHERE created_at > ?1 AND state = 2), 0)
FROM task WHERE state IN (0, 1) OR ended_at > min(?1, ?2)
