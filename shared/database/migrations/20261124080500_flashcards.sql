-- +goose Up
-- A card and where its schedule stands. The reviews are the truth: the schedule
-- can be computed anew from them.
CREATE TABLE flashcards (
	id                    uuid        PRIMARY KEY,
	user_id               uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	course_id             uuid        NOT NULL,
	question              text        NOT NULL CHECK (question <> ''),
	answer                text        NOT NULL CHECK (answer <> ''),
	explanation           text,
	difficulty_level      text        NOT NULL DEFAULT 'medium' CHECK (difficulty_level IN ('easy', 'medium', 'hard')),
	tags                  text[]      NOT NULL DEFAULT '{}',
	source_content        text,
	citation              jsonb, -- whole: it outlives its document
	is_active             bool        NOT NULL DEFAULT true,
	is_starred            bool        NOT NULL DEFAULT false,
	generated_by_ai       bool        NOT NULL DEFAULT false,
	ai_model_used         text,
	generation_confidence float8,

	-- FSRS-6
	stability             float8      NOT NULL DEFAULT 0, -- days
	difficulty            float8      NOT NULL DEFAULT 0, -- 1 to 10
	state                 smallint    NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3), -- 0 new, 1 learning, 2 review, 3 relearning
	step                  int         NOT NULL DEFAULT 0,
	lapses                int         NOT NULL DEFAULT 0,
	last_review           timestamptz,
	-- SM-2, kept beside it: either can go on at any time
	ease_factor           float8      NOT NULL DEFAULT 2.5,
	sm2_interval          int         NOT NULL DEFAULT 1, -- days
	repetitions           int         NOT NULL DEFAULT 0,

	interval_days         int         NOT NULL DEFAULT 1, -- of whichever scheduler the last review used
	next_review_date      timestamptz NOT NULL DEFAULT now(),
	total_reviews         int         NOT NULL DEFAULT 0,
	total_correct         int         NOT NULL DEFAULT 0,
	created_at            timestamptz NOT NULL DEFAULT now(),
	updated_at            timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT flashcards_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE,
	-- Lists show cards whole.
	CONSTRAINT flashcards_bytes CHECK (
		octet_length(question) + octet_length(answer) + coalesce(octet_length(explanation), 0) + coalesce(octet_length(source_content), 0)
		+ octet_length(array_to_string(tags, '')) <= 65536)
);
CREATE INDEX flashcards_list ON flashcards (user_id, next_review_date, id);
CREATE INDEX flashcards_due ON flashcards (user_id, course_id, next_review_date, id) WHERE is_active;
-- What is due is found without reading past all suspended cards.
CREATE INDEX flashcards_due_anywhere ON flashcards (user_id, next_review_date, id) WHERE is_active;
CREATE INDEX flashcards_course ON flashcards (course_id, next_review_date, id);

CREATE TABLE flashcard_reviews (
	id                     uuid        NOT NULL, -- the client may give it: a repetition changes nothing
	flashcard_id           uuid        NOT NULL REFERENCES flashcards ON DELETE CASCADE,
	user_id                uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	scheduler              text        NOT NULL,
	rating                 smallint    NOT NULL CHECK (rating BETWEEN 1 AND 4), -- again, hard, good, easy
	quality_response       smallint    NOT NULL CHECK (quality_response BETWEEN 0 AND 5),
	response_time_seconds  int,
	study_session_id       uuid,
	device_type            text,
	previous_interval_days int         NOT NULL,
	new_interval_days      int         NOT NULL,
	ease_factor_before     float8      NOT NULL,
	ease_factor_after      float8      NOT NULL,
	next_review_date       timestamptz NOT NULL,
	created_at             timestamptz NOT NULL,
	PRIMARY KEY (user_id, id) -- nobody learns by an id of their own that another has it
);
CREATE INDEX flashcard_reviews_card ON flashcard_reviews (flashcard_id, created_at, id);
CREATE INDEX flashcard_reviews_user ON flashcard_reviews (user_id, created_at DESC, id DESC);
CREATE TRIGGER added_too_fast AFTER INSERT ON flashcard_reviews FOR EACH ROW EXECUTE FUNCTION added_too_fast(20000, '1 week');
