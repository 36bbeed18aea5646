-- Where the chain of the audit log begins: a line without a link from there on was put in, or its link was taken away. Lines
-- older than the chain have none.
CREATE TABLE audit_beginning (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO audit_beginning (one, number) SELECT 1, coalesce(max(seq), 0) + 1 FROM audit WHERE chain = '';
CREATE TRIGGER audit_beginning_is_not_changed BEFORE UPDATE ON audit_beginning
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_beginning_is_not_deleted BEFORE DELETE ON audit_beginning
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

-- No line stands before the first.
CREATE TRIGGER audit_begins_at_one AFTER INSERT ON audit WHEN NEW.seq < 1
BEGIN SELECT raise(ABORT, 'the audit log begins at line 1'); END;
