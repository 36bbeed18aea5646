-- Where the chain of the audit log begins: a line without a link from there on was put in, or its link was taken away.
CREATE TABLE audit_beginning (
    one    BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);
INSERT INTO audit_beginning (one, number) VALUES (1, 1);
CREATE TRIGGER audit_beginning_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_beginning
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- No line stands before the first. What is there already is judged when the log is verified.
ALTER TABLE audit ADD CONSTRAINT audit_begins_at_one CHECK (seq > 0) NOT VALID;
