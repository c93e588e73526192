-- Which of these functions and views are missing: $1 functions with the types of their arguments, $2 views.
SELECT name FROM unnest($1::text[]) AS name WHERE to_regprocedure(name) IS NULL
UNION ALL
SELECT name FROM unnest($2::text[]) AS name WHERE to_regclass(name) IS NULL
