-- Operations that wait for the same ad servers: the platforms on which something is left to do, in order, with blanks between. Those that ended
-- keep what they had.
ALTER TABLE operations ADD COLUMN lane TEXT NOT NULL DEFAULT '';
UPDATE operations SET lane = coalesce(
    (SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") FROM (
         SELECT DISTINCT part ->> 'platform' AS name
         FROM jsonb_array_elements(operations.doc::jsonb -> 'plan' -> 'platforms') AS part) AS parts),
    '')
WHERE state NOT IN ('succeeded', 'failed');
-- What may be claimed is looked for lane by lane, so that a long queue for one ad server costs nobody else anything.
CREATE INDEX operations_in_lanes ON operations (switches, lane, run_at, seq) WHERE state IN ('queued', 'running');
