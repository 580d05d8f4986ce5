-- +goose Up
CREATE TABLE assessments (
	id                         uuid        PRIMARY KEY,
	user_id                    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	course_id                  uuid        NOT NULL,
	title                      text        NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
	description                text,
	assessment_type            text        NOT NULL CHECK (assessment_type IN ('diagnostic', 'formative', 'summative', 'self_assessment')),
	status                     text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
	include_flashcards         bool        NOT NULL DEFAULT true,
	include_quizzes            bool        NOT NULL DEFAULT true,
	flashcard_count            int         NOT NULL DEFAULT 10 CHECK (flashcard_count BETWEEN 0 AND 50),
	quiz_count                 int         NOT NULL DEFAULT 1 CHECK (quiz_count BETWEEN 0 AND 50),
	adaptive_difficulty        bool        NOT NULL DEFAULT true,
	target_success_rate        float8      NOT NULL DEFAULT 0.8 CHECK (target_success_rate BETWEEN 0 AND 1),
	due_date                   timestamptz,
	estimated_duration_minutes int         CHECK (estimated_duration_minutes >= 0),
	created_at                 timestamptz NOT NULL DEFAULT now(),
	updated_at                 timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT assessments_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE
);
CREATE INDEX assessments_list ON assessments (user_id, created_at DESC, id DESC);
CREATE INDEX assessments_list_of_course ON assessments (course_id, user_id, created_at DESC, id DESC);

-- What was generated for an assessment. It outlives the assessment.
CREATE TABLE assessment_quizzes (
	assessment_id uuid NOT NULL REFERENCES assessments ON DELETE CASCADE,
	quiz_id       uuid NOT NULL REFERENCES quizzes ON DELETE CASCADE,
	PRIMARY KEY (assessment_id, quiz_id)
);
CREATE INDEX assessment_quizzes_quiz ON assessment_quizzes (quiz_id);

CREATE TABLE assessment_cards (
	assessment_id uuid NOT NULL REFERENCES assessments ON DELETE CASCADE,
	flashcard_id  uuid NOT NULL REFERENCES flashcards ON DELETE CASCADE,
	PRIMARY KEY (assessment_id, flashcard_id)
);
CREATE INDEX assessment_cards_card ON assessment_cards (flashcard_id);
