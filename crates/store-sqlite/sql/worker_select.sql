-- Whether a worker is known, and was judged lost or stopped.
SELECT lost_at IS NOT NULL OR stopped_at IS NOT NULL FROM worker WHERE id = ?1
