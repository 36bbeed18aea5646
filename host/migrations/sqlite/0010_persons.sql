-- Who stands behind a token. Without one it is somebody called like the token.
ALTER TABLE tokens ADD COLUMN person TEXT;
