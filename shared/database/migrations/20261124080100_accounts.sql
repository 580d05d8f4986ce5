-- +goose Up
CREATE TABLE users (
	id                       uuid        PRIMARY KEY,
	username                 text        NOT NULL UNIQUE,
	email                    text        NOT NULL,
	password                 text        NOT NULL, -- Argon2id, PHC string
	first_name               text        NOT NULL DEFAULT '',
	last_name                text        NOT NULL DEFAULT '',
	phone_number             text        NOT NULL DEFAULT '',
	avatar                   text,
	university               text,
	study_level              text,
	study_year               smallint    CHECK (study_year BETWEEN 1 AND 10),
	field_of_study           text,
	timezone                 text        NOT NULL DEFAULT 'UTC',
	language                 text        NOT NULL DEFAULT 'en',
	preferred_study_time     text,
	daily_study_goal_minutes int         DEFAULT 60 CHECK (daily_study_goal_minutes >= 0),
	acquisition_source       text,
	acquisition_details      text,
	is_verified              bool        NOT NULL DEFAULT false,
	is_active                bool        NOT NULL DEFAULT true,
	is_staff                 bool        NOT NULL DEFAULT false,
	onboarding_completed     bool        NOT NULL DEFAULT false,
	stripe_customer_id       text        UNIQUE,
	scheduler                text        NOT NULL DEFAULT 'fsrs' CHECK (scheduler IN ('fsrs', 'sm2')),
	last_login               timestamptz,
	last_active_at           timestamptz,
	created_at               timestamptz NOT NULL DEFAULT now(),
	updated_at               timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- One row a refresh token that was handed out. A token is used once; using it
-- again later than a short interval revokes its whole family.
CREATE TABLE refresh_tokens (
	id         uuid        PRIMARY KEY, -- the token's jti
	user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	family     uuid        NOT NULL,    -- the login that it descends from
	successor  uuid,                    -- the token that it was exchanged for
	used_at    timestamptz,
	revoked_at timestamptz,
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);
