// Package restoredrill tries out every month whether the newest backup can be restored.
package restoredrill

import (
	"context"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/backups"
	"aksio.app/shared/database"
)

func init() {
	api.HandleScheduled(api.Operation{
		ID:      "backup-restore-drill",
		Summary: "Restore the newest backup to a scratch server, compare it with its manifest, and remove the scratch.",
		Needs:   []api.Resource{database.Resource, backups.Drills},
		// The first call of the month starts a drill, after the night's backup; the others
		// go on with it until it has ended, and remove what it might have left.
		Schedule: "*/10 4-17 1 * *",
		Timeout:  30 * time.Minute,
	}, setup)
}

// Response says how far the drill is, or what became of the last one.
type Response struct {
	Body Body
}

// Body is the body of the response. A drill that has just failed is an error instead.
type Body struct {
	State    string     `json:"state" enum:"running,passed,failed"`
	Step     string     `json:"step" enum:"restore,compare,remove" doc:"Where it is, or was when it ended."`
	Backup   string     `json:"backup" doc:"Location of the backup."`
	BackedUp time.Time  `json:"backed_up_at"`
	Scratch  string     `json:"scratch" doc:"Instance or database that it was restored to."`
	Tables   int        `json:"tables" doc:"That are compared."`
	Rows     int64      `json:"rows" doc:"That were equal so far."`
	Failure  string     `json:"failure,omitempty"`
	Started  time.Time  `json:"started_at"`
	Restored *time.Time `json:"restored_at" doc:"When the data could be used: the time to recover."`
	Finished *time.Time `json:"finished_at"`
}

func setup(env *api.Env) (func(context.Context) (*Response, error), error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	driller, err := backups.OpenDrills(env, db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*Response, error) {
		d, err := driller.Run(ctx)
		if err != nil {
			return nil, err
		}
		return &Response{Body{
			State: d.State, Step: d.Step, Backup: d.Manifest.Location, BackedUp: d.Manifest.Finished, Scratch: d.Scratch,
			Tables: len(d.Manifest.Tables), Rows: d.Rows, Failure: d.Failure,
			Started: d.Started, Restored: d.Restored, Finished: d.Finished,
		}}, nil
	}, nil
}
