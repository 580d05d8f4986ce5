-- +goose Up
-- Whether a message of the chat refers to a document: lists and every message
-- looked through all messages for it.
ALTER TABLE chats ADD COLUMN has_documents bool NOT NULL DEFAULT false;
UPDATE chats c SET has_documents = true
WHERE EXISTS (SELECT FROM chat_messages m WHERE m.chat_id = c.id AND m.referenced_documents <> '{}');
