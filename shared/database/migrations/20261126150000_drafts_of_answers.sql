-- +goose NO TRANSACTION
-- +goose Up
-- An answer is kept from its first words on. It is pending while whoever writes it
-- renews updated_at; one that isn't renewed any more was interrupted. In no transaction:
-- the look at all rows must not hold the lock of the change.
ALTER TABLE chat_messages
	DROP CONSTRAINT IF EXISTS chat_messages_status_check,
	ADD CONSTRAINT chat_messages_status CHECK (status IN ('complete', 'interrupted', 'pending')) NOT VALID;
ALTER TABLE chat_messages VALIDATE CONSTRAINT chat_messages_status;
