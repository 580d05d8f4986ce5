// Package database backs up the database every night.
package database

import (
	"context"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/backups"
	"aksio.app/shared/database"
)

func init() {
	api.HandleScheduled(api.Operation{
		ID:        "backup-database",
		Summary:   "Export the database, verify the export, and note what it holds.",
		Needs:     []api.Resource{database.Resource, backups.Resource},
		Schedule:  "0 2 * * *",
		MemoryMiB: 1024, // a row of the dump is held as a whole
		CPU:       2,
		Timeout:   30 * time.Minute, // the most that the scheduler waits
	}, setup)
}

// Response is the backup's manifest.
type Response struct {
	Body backups.Manifest
}

func setup(env *api.Env) (func(context.Context) (*Response, error), error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store, err := backups.Open(env, db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*Response, error) {
		manifest, err := store.Run(ctx)
		return &Response{manifest}, err
	}, nil
}
