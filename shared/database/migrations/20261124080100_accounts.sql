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
	updated_at               timestamptz NOT NULL DEFAULT now(),
	-- People sign in by user name or by address: nobody's user name may be an address that is, or could become, another's.
	CONSTRAINT users_username_is_an_address CHECK (username NOT LIKE '_%@_%.__%' OR lower(username) = lower(email))
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- What a student likes, one row a user. Clients know both ids as integers.
CREATE TABLE user_profiles (
	id                    int         PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	user_id               uuid        NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
	bio                   text,
	learning_goals        text,
	study_style           text        NOT NULL DEFAULT 'mixed'
		CHECK (study_style IN ('visual', 'auditory', 'kinesthetic', 'reading', 'mixed')),
	difficulty_preference text        NOT NULL DEFAULT 'adaptive'
		CHECK (difficulty_preference IN ('easy', 'medium', 'hard', 'adaptive')),
	email_notifications   bool        NOT NULL DEFAULT true,
	study_reminders       bool        NOT NULL DEFAULT true,
	progress_reports      bool        NOT NULL DEFAULT true,
	marketing_emails      bool        NOT NULL DEFAULT false,
	profile_public        bool        NOT NULL DEFAULT false,
	show_progress         bool        NOT NULL DEFAULT true,
	show_study_time       bool        NOT NULL DEFAULT true,
	created_at            timestamptz NOT NULL DEFAULT now(),
	updated_at            timestamptz NOT NULL DEFAULT now()
);

-- On how many days in a row a student studied, one row a user. Days are the
-- student's own; both dates are NULL until the first day of study.
CREATE TABLE user_streaks (
	id                          int         PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	user_id                     uuid        NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
	current_streak_days         int         NOT NULL DEFAULT 0 CHECK (current_streak_days >= 0),
	longest_streak_days         int         NOT NULL DEFAULT 0 CHECK (longest_streak_days >= current_streak_days),
	current_streak_start        date,
	last_activity_date          date,
	total_study_days            int         NOT NULL DEFAULT 0 CHECK (total_study_days >= 0),
	total_study_sessions        int         NOT NULL DEFAULT 0 CHECK (total_study_sessions >= 0),
	streak_milestones_achieved  int[]       NOT NULL DEFAULT '{}',
	created_at                  timestamptz NOT NULL DEFAULT now(),
	updated_at                  timestamptz NOT NULL DEFAULT now()
);

-- Every user has both, however the user came to be.
-- +goose StatementBegin
CREATE FUNCTION users_get_profile_and_streak() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO user_profiles (user_id) VALUES (NEW.id);
	INSERT INTO user_streaks (user_id) VALUES (NEW.id);
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER users_get_profile_and_streak AFTER INSERT ON users
	FOR EACH ROW EXECUTE FUNCTION users_get_profile_and_streak();

-- One row a refresh token that was handed out. A token is used once; using it
-- again later than a short interval, or than its successor, revokes its whole family.
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
