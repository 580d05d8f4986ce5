-- +goose Up
CREATE TABLE chats (
	id                      uuid        PRIMARY KEY,
	user_id                 uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	course_id               uuid,
	title                   text        NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
	chat_type               text        NOT NULL DEFAULT 'general',
	status                  text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived', 'deleted')),
	system_prompt           text,
	ai_model                text        NOT NULL DEFAULT 'gpt-4',
	temperature             float8      NOT NULL DEFAULT 0.7 CHECK (temperature BETWEEN 0 AND 2),
	max_tokens              int         NOT NULL DEFAULT 1000 CHECK (max_tokens BETWEEN 1 AND 4096),
	context_window_messages int         NOT NULL DEFAULT 10 CHECK (context_window_messages >= 0),
	use_course_context      bool        NOT NULL DEFAULT true,
	use_document_context    bool        NOT NULL DEFAULT true,
	use_assessment_context  bool        NOT NULL DEFAULT true,
	has_documents           bool        NOT NULL DEFAULT false, -- some message refers to one
	message_count           int         NOT NULL DEFAULT 0,
	total_tokens_used       bigint      NOT NULL DEFAULT 0,
	answers                 int         NOT NULL DEFAULT 0, -- with a time, for the mean
	answer_ms               bigint      NOT NULL DEFAULT 0, -- of all of them
	is_pinned               bool        NOT NULL DEFAULT false,
	is_favorite             bool        NOT NULL DEFAULT false,
	last_active_at          timestamptz,
	created_at              timestamptz NOT NULL DEFAULT now(),
	updated_at              timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT chats_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE
);
CREATE INDEX chats_list ON chats (user_id, (coalesce(last_active_at, updated_at)) DESC, id DESC) WHERE status <> 'deleted';
CREATE INDEX chats_course ON chats (course_id, (coalesce(last_active_at, updated_at)) DESC, id DESC);
CREATE INDEX chats_owner ON chats (user_id); -- the foreign key's: chats_list leaves out what is deleted
CREATE INDEX chats_deleted ON chats (updated_at) WHERE status = 'deleted';

-- An answer is kept from its first words on. It is pending while whoever writes it
-- renews updated_at; one that isn't renewed any more was interrupted.
CREATE TABLE chat_messages (
	id                   uuid        PRIMARY KEY,
	chat_id              uuid        NOT NULL REFERENCES chats ON DELETE CASCADE,
	number               int         NOT NULL, -- in the chat, from 1: the order, whatever the clocks say
	role                 text        NOT NULL CHECK (role IN ('user', 'assistant')),
	message_type         text        NOT NULL DEFAULT 'text',
	content              text        NOT NULL,
	status               text        NOT NULL DEFAULT 'complete' CHECK (status IN ('complete', 'interrupted', 'pending')),
	citations            jsonb       NOT NULL DEFAULT '[]', -- whole: they outlive their documents
	parent_id            uuid        REFERENCES chat_messages ON DELETE CASCADE,
	thread_depth         int         NOT NULL DEFAULT 0,
	referenced_documents uuid[]      NOT NULL DEFAULT '{}',
	attachments          jsonb       NOT NULL DEFAULT '[]',
	ai_model             text,
	temperature          float8,
	prompt_tokens        int,
	completion_tokens    int,
	processing_time_ms   int,
	created_at           timestamptz NOT NULL DEFAULT now(),
	updated_at           timestamptz NOT NULL DEFAULT now(),
	UNIQUE (chat_id, number)
);
CREATE INDEX chat_messages_parent ON chat_messages (parent_id);
