-- Whether a namespace has definitions; no row if there is no such namespace.
SELECT EXISTS (SELECT FROM tasker.definition AS d WHERE d.namespace_id = n.id) FROM tasker.namespace AS n WHERE n.name = $1
