-- +goose Up
-- What the nightly cleanup removes is found without reading every chat.
CREATE INDEX chats_deleted ON chats (updated_at) WHERE status = 'deleted';
