-- +goose Up
CREATE TABLE quizzes (
	id                   uuid        PRIMARY KEY,
	user_id              uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	course_id            uuid        NOT NULL,
	title                text        NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
	description          text,
	quiz_type            text        NOT NULL DEFAULT 'practice' CHECK (quiz_type IN ('practice', 'assessment', 'review', 'diagnostic')),
	status               text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
	time_limit_minutes   int         CHECK (time_limit_minutes >= 0), -- 0 and NULL: none
	max_attempts         int         NOT NULL DEFAULT 3 CHECK (max_attempts >= 0),
	passing_score        int         NOT NULL DEFAULT 70 CHECK (passing_score BETWEEN 0 AND 100),
	shuffle_questions    bool        NOT NULL DEFAULT true,
	show_correct_answers bool        NOT NULL DEFAULT true,
	show_explanations    bool        NOT NULL DEFAULT true,
	allow_retakes        bool        NOT NULL DEFAULT true,
	generated_by_ai      bool        NOT NULL DEFAULT false,
	ai_model_used        text,
	generation_prompt    text,
	source_content       text,
	total_questions      int         NOT NULL DEFAULT 0,
	question_bytes       int         NOT NULL DEFAULT 0, -- of the questions as JSON
	total_attempts       int         NOT NULL DEFAULT 0, -- ever started: deleted ones count, numbers aren't given twice
	finished_attempts    int         NOT NULL DEFAULT 0,
	graded_attempts      int         NOT NULL DEFAULT 0, -- finished ones that average_score is the mean of
	average_score        float8      NOT NULL DEFAULT 0, -- percent
	created_at           timestamptz NOT NULL DEFAULT now(),
	updated_at           timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT quizzes_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE,
	CONSTRAINT quizzes_published CHECK (status <> 'published' OR total_questions > 0),
	CONSTRAINT quizzes_size CHECK (total_questions BETWEEN 0 AND 200),
	-- Lists show quizzes whole, and attempts.
	CONSTRAINT quizzes_bytes CHECK (
		question_bytes + coalesce(octet_length(description), 0) + coalesce(octet_length(generation_prompt), 0) + coalesce(octet_length(source_content), 0) <= 262144)
);
CREATE INDEX quizzes_list ON quizzes (user_id, created_at DESC, id DESC);
CREATE INDEX quizzes_list_of_course ON quizzes (course_id, user_id, created_at DESC, id DESC);

CREATE TABLE quiz_questions (
	id               uuid        PRIMARY KEY,
	quiz_id          uuid        NOT NULL REFERENCES quizzes ON DELETE CASCADE,
	question_text    text        NOT NULL,
	question_type    text        NOT NULL,
	difficulty_level text        NOT NULL DEFAULT 'medium' CHECK (difficulty_level IN ('easy', 'medium', 'hard')),
	position         int         NOT NULL DEFAULT 0 CHECK (position >= 0),
	points           int         NOT NULL DEFAULT 1 CHECK (points BETWEEN 0 AND 32767),
	answer_options   text[]      NOT NULL DEFAULT '{}',
	correct_answers  jsonb       NOT NULL DEFAULT '[]', -- as their author wrote them: indices or texts
	explanation      text,
	hint             text,
	source_content   text,                              -- for generated ones: the words of the document that prove the answer
	citation         jsonb,                             -- of those words, whole: it outlives its document
	tags             text[]      NOT NULL DEFAULT '{}',
	total_attempts   int         NOT NULL DEFAULT 0,
	correct_attempts int         NOT NULL DEFAULT 0,
	created_at       timestamptz NOT NULL DEFAULT now(),
	updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quiz_questions_list ON quiz_questions (quiz_id, position, created_at, id);

-- An attempt is graded against the questions as they were when it started. Its
-- points add up while it runs; who may see them, and when, isn't decided here.
CREATE TABLE quiz_attempts (
	id               uuid        PRIMARY KEY,
	quiz_id          uuid        NOT NULL REFERENCES quizzes ON DELETE CASCADE,
	user_id          uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	number           int         NOT NULL,
	status           text        NOT NULL DEFAULT 'in_progress' CHECK (status IN ('in_progress', 'completed', 'abandoned', 'timed_out')),
	questions        jsonb       NOT NULL, -- with their keys, in the order in which they are asked
	questions_order  uuid[]      NOT NULL,
	earned           int         NOT NULL DEFAULT 0,
	answer_bytes     int         NOT NULL DEFAULT 0, -- of the answers as JSON
	possible         int         NOT NULL, -- of all questions but essays, which nobody grades
	passing_score    int         NOT NULL,
	percentage       float8      GENERATED ALWAYS AS (100.0::float8 * earned / nullif(possible, 0)) STORED, -- NULL: there is nothing to grade
	passed           bool        GENERATED ALWAYS AS (CASE WHEN possible > 0 THEN 100 * earned::bigint >= passing_score::bigint * possible END) STORED,
	started_at       timestamptz NOT NULL,
	deadline         timestamptz,
	touched_at       timestamptz NOT NULL,
	completed_at     timestamptz,
	UNIQUE (quiz_id, number),
	CONSTRAINT quiz_attempts_bytes CHECK (answer_bytes <= 262144)
);
CREATE INDEX quiz_attempts_list ON quiz_attempts (user_id, started_at DESC, id DESC);
CREATE INDEX quiz_attempts_deadline ON quiz_attempts (deadline) WHERE status = 'in_progress';
CREATE INDEX quiz_attempts_untouched ON quiz_attempts (touched_at) WHERE status = 'in_progress' AND deadline IS NULL;

CREATE TABLE quiz_responses (
	id                  uuid        PRIMARY KEY,
	attempt_id          uuid        NOT NULL REFERENCES quiz_attempts ON DELETE CASCADE,
	question_id         uuid        NOT NULL, -- of the attempt's own questions: the quiz's may be gone
	user_answer         jsonb       NOT NULL,
	is_correct          bool,                 -- NULL: nobody can tell
	points_earned       int         NOT NULL,
	time_taken_seconds  int         CHECK (time_taken_seconds >= 0),
	flagged_for_review  bool        NOT NULL DEFAULT false,
	answered_at         timestamptz NOT NULL,
	CONSTRAINT quiz_responses_once UNIQUE (attempt_id, question_id)
);
