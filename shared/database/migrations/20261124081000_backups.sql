-- +goose Up
-- Backups that were read back and found whole. What each holds stands in the
-- manifest beside it.
CREATE TABLE backups (
	id          uuid        PRIMARY KEY,
	location    text        NOT NULL,
	bytes       bigint      NOT NULL,
	row_count   bigint      NOT NULL, -- of all tables
	started_at  timestamptz NOT NULL,
	verified_at timestamptz NOT NULL
);
CREATE INDEX backups_verified ON backups (verified_at);

-- A drill restores a backup to a scratch server, compares it with its manifest and
-- removes the scratch. It goes on over many calls: step says where, and who holds
-- an older lease may write nothing.
CREATE TABLE restore_drills (
	id          uuid        PRIMARY KEY,
	state       text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'passed', 'failed')),
	step        text        NOT NULL DEFAULT 'restore' CHECK (step IN ('restore', 'compare', 'remove')),
	scratch     text        NOT NULL,            -- the instance or database that it restores to
	manifest    jsonb       NOT NULL,            -- of the backup
	compared    text        NOT NULL DEFAULT '', -- the last table that was equal
	row_count   bigint      NOT NULL DEFAULT 0,  -- of the tables up to that one
	failure     text        NOT NULL DEFAULT '', -- why it fails; the scratch is removed all the same
	lease       bigint      NOT NULL DEFAULT 1,
	lease_until timestamptz NOT NULL,
	started_at  timestamptz NOT NULL,
	restored_at timestamptz,                     -- the data could be used
	finished_at timestamptz                      -- the scratch was gone
);
CREATE UNIQUE INDEX restore_drills_running ON restore_drills (state) WHERE state = 'running'; -- one at a time
CREATE INDEX restore_drills_started ON restore_drills (started_at);
