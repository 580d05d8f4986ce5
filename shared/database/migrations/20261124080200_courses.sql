-- +goose Up
CREATE TABLE courses (
	id                      uuid        PRIMARY KEY,
	user_id                 uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	name                    text        NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
	description             text,
	university              text,
	course_code             text,
	semester                text,
	academic_year           text,
	credits                 smallint    CHECK (credits >= 0),
	language                text        NOT NULL DEFAULT 'en',
	subject_area            text,
	difficulty_level        smallint    NOT NULL DEFAULT 3 CHECK (difficulty_level BETWEEN 1 AND 5),
	color                   text        NOT NULL DEFAULT '#3B82F6',
	icon                    text,
	study_goals             text[]      NOT NULL DEFAULT '{}',
	preferred_study_methods text[]      NOT NULL DEFAULT '{}',
	start_date              date,
	end_date                date,
	exam_date               timestamptz,
	is_active               bool        NOT NULL DEFAULT true,
	is_archived             bool        NOT NULL DEFAULT false,
	is_favorite             bool        NOT NULL DEFAULT false,
	generation              uuid,        -- who makes cards and questions for it just now: two at once would make the same
	generating_until        timestamptz, -- until when that may take
	deleted_at              timestamptz, -- gone for its owner; cleanup removes the rest
	created_at              timestamptz NOT NULL DEFAULT now(),
	updated_at              timestamptz NOT NULL DEFAULT now(),
	UNIQUE (id, user_id), -- what hangs from a course names its owner, too
	CONSTRAINT courses_dates CHECK (end_date >= start_date),
	-- Lists show courses whole, a hundred on a page.
	CONSTRAINT courses_bytes CHECK (deleted_at IS NOT NULL OR octet_length(jsonb_build_array(
		name, description, university, course_code, semester, academic_year, subject_area, icon, study_goals, preferred_study_methods)::text) <= 32768)
);
-- A course is known by its name and semester; no semester is one, too.
CREATE UNIQUE INDEX courses_name ON courses (user_id, name, coalesce(semester, '')) WHERE deleted_at IS NULL;
CREATE INDEX courses_list ON courses (user_id, is_favorite DESC, name, id) WHERE deleted_at IS NULL;
CREATE INDEX courses_deleted ON courses (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX courses_owner ON courses (user_id); -- the foreign key's: those above leave out what is deleted
