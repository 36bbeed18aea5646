-- Operations that wait for the same ad servers: the platforms on which something is left to do, in order, with blanks between. Those that ended
-- keep what they had.
ALTER TABLE operations ADD COLUMN lane TEXT NOT NULL DEFAULT '';
UPDATE operations SET lane = coalesce(
    (SELECT group_concat(name, ' ') FROM (
         SELECT DISTINCT part.value ->> 'platform' AS name FROM json_each(operations.doc, '$.plan.platforms') AS part ORDER BY 1)),
    '')
WHERE state NOT IN ('succeeded', 'failed');
-- What may be claimed is looked for lane by lane, so that a long queue for one ad server costs nobody else anything.
CREATE INDEX operations_in_lanes ON operations (switches, lane, run_at, seq) WHERE state IN ('queued', 'running');
