-- Who has a task, so that a person finds their own.
ALTER TABLE tasks ADD COLUMN assignee TEXT;
UPDATE tasks SET assignee = doc::json ->> 'assigned_to' WHERE open = 1;
CREATE INDEX tasks_by_assignee ON tasks (assignee, priority DESC, created_at, seq) WHERE listed = 1 AND assignee IS NOT NULL;
