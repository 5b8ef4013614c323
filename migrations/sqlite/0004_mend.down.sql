ALTER TABLE resources DROP COLUMN token_typ;
