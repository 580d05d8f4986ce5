-- +goose Up
-- A document is one piece of material of a course. Its row leads its processing:
-- the stored object's generation says what is being read, stage and checkpoint how
-- far that is, and lease_until keeps two instances off one document.
CREATE TABLE documents (
	id                    uuid        PRIMARY KEY,
	user_id               uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	course_id             uuid        NOT NULL,
	name                  text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
	description           text,
	document_type         text        NOT NULL DEFAULT 'file',
	content_type          text        NOT NULL DEFAULT '',
	original_filename     text        NOT NULL DEFAULT '',
	file_size_bytes       bigint      CHECK (file_size_bytes >= 0),
	sha256                bytea,
	source_url            text        NOT NULL DEFAULT '',
	page_count            int,
	word_count            int,
	language              text        NOT NULL DEFAULT '',
	summary               text        NOT NULL DEFAULT '',
	topics                text[]      NOT NULL DEFAULT '{}',
	outline               jsonb       NOT NULL DEFAULT '[]',
	is_favorite           bool        NOT NULL DEFAULT false,
	is_archived           bool        NOT NULL DEFAULT false,

	state                 text        NOT NULL DEFAULT 'awaiting_upload'
		CHECK (state IN ('awaiting_upload', 'queued', 'processing', 'completed', 'failed')),
	stage                 text        NOT NULL DEFAULT '',    -- of processing: extract, embed, summarize; empty before and after
	progress              real        NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
	error_code            text        NOT NULL DEFAULT '',
	error_message         text        NOT NULL DEFAULT '',    -- for the student
	attempts              int         NOT NULL DEFAULT 0,
	object                text        NOT NULL DEFAULT '',    -- name in the uploads bucket
	generation            bigint,                             -- of the object that is or was processed
	lease                 bigint      NOT NULL DEFAULT 0,     -- number of the newest reading: rises whenever one begins or is asked for; who holds an older one may write nothing
	lease_until           timestamptz,
	passage_count         int         NOT NULL DEFAULT 0,     -- of the run that is going on, else of the last one
	embedded_count        int         NOT NULL DEFAULT 0,     -- of those passages
	duplicate_of          uuid        REFERENCES documents ON DELETE SET NULL, -- same bytes, read earlier
	processing_started_at timestamptz,
	processed_at          timestamptz,

	view_count            int         NOT NULL DEFAULT 0,     -- how often the content was read
	last_accessed_at      timestamptz,

	deleted_at            timestamptz, -- gone for its owner; cleanup removes the rest
	created_at            timestamptz NOT NULL DEFAULT now(),
	updated_at            timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT documents_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE
);
CREATE INDEX documents_list ON documents (course_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX documents_user ON documents (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX documents_object ON documents (object) WHERE object <> '';
CREATE INDEX documents_unfinished ON documents (updated_at) WHERE state IN ('awaiting_upload', 'queued', 'processing');
CREATE INDEX documents_same_bytes ON documents (user_id, sha256) WHERE state = 'completed' AND deleted_at IS NULL;
CREATE INDEX documents_duplicates ON documents (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX documents_deleted ON documents (deleted_at) WHERE deleted_at IS NOT NULL;
-- The foreign keys': those above leave out what is deleted.
CREATE INDEX documents_course ON documents (course_id);
CREATE INDEX documents_owner ON documents (user_id);

-- The text of a document, a row a page. Offsets everywhere count Unicode code
-- points of the document's text: its pages joined by an empty line.
CREATE TABLE document_pages (
	document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
	number      int  NOT NULL CHECK (number >= 1),
	text        text NOT NULL,
	PRIMARY KEY (document_id, number)
);

-- A passage is what is searched and cited: a stretch of a document's text.
-- The owner and the course stand in every row: search filters by them.
CREATE TABLE passages (
	id              uuid        PRIMARY KEY,
	document_id     uuid        NOT NULL REFERENCES documents ON DELETE CASCADE,
	course_id       uuid        NOT NULL REFERENCES courses ON DELETE CASCADE,
	user_id         uuid        NOT NULL, -- no reference: it would cost each passage an index, and they go with their document
	position        int         NOT NULL CHECK (position >= 0), -- in the document, from 0
	heading         text        NOT NULL DEFAULT '',            -- the headings above it, joined by " > "
	text            text        NOT NULL,
	page_start      int         NOT NULL,
	page_end        int         NOT NULL,
	page_breaks     int[]       NOT NULL DEFAULT '{}',          -- where each page after its first begins, from char_start
	char_start      int         NOT NULL,
	char_end        int         NOT NULL,
	words           int         NOT NULL,
	embedding       halfvec(512),                               -- 1 KB; a vector of 2 KB would stand outside of its row, and a scan take six times as long
	signs           bit(512)    GENERATED ALWAYS AS (binary_quantize(embedding)::bit(512)) STORED, -- which of its numbers are positive: where the near ones are, roughly
	embedding_model text        NOT NULL DEFAULT '',
	language        text        NOT NULL DEFAULT '',
	words_found     tsvector,                                   -- by the trigger passages_words_found
	UNIQUE (document_id, position),
	CHECK (page_start <= page_end AND char_start < char_end)
);
ALTER TABLE passages ALTER COLUMN embedding SET STORAGE PLAIN;

-- What a run has made so far. What readers and searches see stays whole until the
-- run is complete; then its draft takes that place in one transaction. A run that
-- broke off goes on from its draft.
CREATE TABLE document_drafts (
	document_id uuid   PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
	generation  bigint NOT NULL, -- of the object that it was read from
	pages       text[] NOT NULL,
	outline     jsonb  NOT NULL,
	language    text   NOT NULL,
	word_count  int    NOT NULL
);
CREATE TABLE draft_passages (
	id              uuid         NOT NULL,
	document_id     uuid         NOT NULL REFERENCES document_drafts ON DELETE CASCADE,
	position        int          NOT NULL,
	heading         text         NOT NULL,
	text            text         NOT NULL,
	page_start      int          NOT NULL,
	page_end        int          NOT NULL,
	page_breaks     int[]        NOT NULL DEFAULT '{}',
	char_start      int          NOT NULL,
	char_end        int          NOT NULL,
	words           int          NOT NULL,
	embedding       halfvec(512),
	embedding_model text         NOT NULL DEFAULT '',
	PRIMARY KEY (document_id, position)
);
ALTER TABLE draft_passages ALTER COLUMN embedding SET STORAGE PLAIN;
