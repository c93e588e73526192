-- Announces that this transaction takes an identity, until it ends; false if another one that is open did so.
SELECT pg_try_advisory_xact_lock(1952543595, $1::bigint::integer)
