-- Stores content of a definition with its steps and edges, unless it is stored already.
WITH revision AS (
    INSERT INTO tasker.definition_revision (id, digest, n_steps, deprecated, document)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), new_step AS (
    INSERT INTO tasker.definition_step (revision_id, ordinal, name, handler_id, dependent_system_id)
    SELECT r.id, v.place - 1, v.name, v.handler_id, d.id
    FROM revision AS r, unnest($6::text[], $7::bigint[], $8::text[]) WITH ORDINALITY
        AS v (name, handler_id, dependent_system, place)
    JOIN tasker.dependent_system AS d ON d.name = v.dependent_system
)
INSERT INTO tasker.definition_edge (revision_id, parent, child)
SELECT r.id, v.parent, v.child FROM revision AS r, unnest($9::integer[], $10::integer[]) AS v (parent, child)
