-- Whether a worker was judged lost or stopped, and when it was last heard; no row if it is not known.
SELECT lost_at IS NOT NULL OR stopped_at IS NOT NULL, heartbeat_at FROM worker WHERE id = ?1
