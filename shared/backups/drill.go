package backups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
)

// Drills is declared by the function that drills. It may make and remove database
// servers, which nobody else should.
const Drills resource.Name = "restore-drills"

// DrillConfig says where backups are restored to. In the cloud that is an instance
// of Cloud SQL, made for the drill; elsewhere a database on the same server.
type DrillConfig struct {
	Config
	DrillBucket string `env:"DRILL_BUCKET"` // where a scratch instance may read; it never sees the backups' own bucket
	DrillTier   string `env:"DRILL_TIER"`   // machine of the scratch instance; the original's if empty
	Private     bool   `env:"CLOUD_SQL_PRIVATE_IP"`
}

// Validate reports every setting that can't work.
func (c DrillConfig) Validate() error {
	var errs []error
	if c.Instance != "" && c.DrillBucket == "" {
		errs = append(errs, errors.New("DRILL_BUCKET is missing: write the name of a bucket of its own, where scratch instances read the backup"))
	}
	if c.Instance != "" && c.DrillBucket == c.Bucket {
		errs = append(errs, errors.New("DRILL_BUCKET is BACKUPS_BUCKET: write another one, a scratch instance may write to it"))
	}
	return errors.Join(append(errs, c.Config.Validate())...)
}

// Lab restores backups to scratch servers. Its methods may be repeated: they look
// at what there is and do the next thing. Those that return done don't wait.
type Lab interface {
	// Newest returns the manifest of the newest backup that was verified, NotFound if there is none.
	Newest(ctx context.Context) (Manifest, error)
	// Scratch returns the name for a new scratch server.
	Scratch(now time.Time) string
	// Scratches returns the names of all scratch servers that there are.
	Scratches(ctx context.Context) ([]string, error)
	// Restore makes the scratch server and restores the backup to it. errUnrestorable
	// is a result of the drill; other errors may pass.
	Restore(ctx context.Context, scratch string, m Manifest) (done bool, err error)
	// Connect opens the restored database.
	Connect(ctx context.Context, scratch string) (*pgx.Conn, error)
	// Remove removes the scratch server and what belongs to it.
	Remove(ctx context.Context, scratch string) (done bool, err error)
}

// errUnrestorable is the error of a backup that can't be restored.
var errUnrestorable = errors.New("the backup can't be restored")

// Steps of a drill.
const (
	stepRestore = "restore"
	stepCompare = "compare"
	stepRemove  = "remove"
)

// States of a drill.
const (
	Running = "running"
	Passed  = "passed"
	Failed  = "failed"
)

// Drill is one restoring of a backup, to see whether it can be.
type Drill struct {
	ID       id.ID[Drill] `db:"id"`
	State    string       `db:"state"`
	Step     string       `db:"step"`
	Scratch  string       `db:"scratch"`
	Manifest Manifest     `db:"manifest"`
	Compared string       `db:"compared"` // the last table that was equal
	Rows     int64        `db:"row_count"`
	Failure  string       `db:"failure"`
	Lease    int64        `db:"lease"`
	Started  time.Time    `db:"started_at"`
	Restored *time.Time   `db:"restored_at"`
	Finished *time.Time   `db:"finished_at"`
}

// Times of drills.
const (
	drillEvery  = 20 * time.Hour   // whoever calls sooner than this after a start gets that drill, unless it failed and there is a newer backup
	drillLimit  = 10 * time.Hour   // of one drill; the rest is for removing its scratch
	backupLimit = 48 * time.Hour   // an older newest backup is a failure
	drillLease  = 2 * time.Minute  // after a crash, others wait this long
	leaseRenew  = 30 * time.Second // so that two renewals may fail
	drillPoll   = 10 * time.Second
	drillYield  = time.Minute // before the call's time is over
)

// Driller drills. Call it again and again until the drill has ended.
type Driller struct {
	db   *database.DB
	lab  Lab
	poll time.Duration
}

// OpenDrills returns the driller, in the way that the settings say.
func OpenDrills(env *resource.Env, db *database.DB) (*Driller, error) {
	return resource.Open(env, Drills, func() (*Driller, error) {
		config, err := resource.Settings[DrillConfig](env)
		if err != nil {
			return nil, err
		}
		if config.Instance != "" {
			return NewDriller(db, NewCloudLab(config, Google{})), nil
		}
		return NewDriller(db, NewLocal(config.Config)), nil
	})
}

// NewDriller returns a driller that restores in the lab.
func NewDriller(db *database.DB, lab Lab) *Driller { return &Driller{db, lab, drillPoll} }

// Run starts a drill if none was started lately, or none but one that failed with an
// older backup. It goes on with one that runs.
// It returns when the drill has ended, when the call's time is nearly over, or when
// another call is at it. Scratch servers that a drill left behind are removed. That
// a drill failed is an error once, when its scratch is gone.
func (d *Driller) Run(ctx context.Context) (Drill, error) {
	drill, mine, err := d.claim(ctx)
	if err != nil || !mine {
		return drill, err
	}
	work, release := d.hold(ctx, drill)
	err = d.carryOut(work, &drill)
	lost := errors.Is(err, errLost) || errors.Is(context.Cause(work), errLost)
	release()
	if lost {
		return drill, nil
	}
	return drill, err
}

const drillColumns = `id, state, step, scratch, manifest, compared, row_count, failure, lease, started_at, restored_at, finished_at`

// claim leases the running drill, or starts one. Not mine is one that ended, or that
// another call holds.
func (d *Driller) claim(ctx context.Context) (drill Drill, mine bool, err error) {
	one := func(sql string, args ...any) (Drill, bool, error) {
		rows, _ := d.db.Query(ctx, sql, args...)
		drill, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Drill])
		if errors.Is(err, pgx.ErrNoRows) {
			return drill, false, nil
		}
		return drill, err == nil, err
	}
	if drill, mine, err = one(`
		UPDATE restore_drills SET lease = lease + 1, lease_until = now() + $1::interval
		WHERE state = 'running' AND lease_until < now() RETURNING `+drillColumns, drillLease); mine || err != nil {
		return drill, mine, err
	}
	drill, found, err := one(`SELECT ` + drillColumns + ` FROM restore_drills ORDER BY started_at DESC LIMIT 1`)
	if err != nil || found && drill.State == Running {
		return drill, false, err
	}
	if err := d.sweep(ctx); err != nil {
		return drill, false, err
	}
	lately := found && time.Since(drill.Started) < drillEvery
	if lately && drill.State == Passed {
		return drill, false, nil
	}
	manifest, err := d.lab.Newest(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return drill, false, fmt.Errorf("newest backup: %w", err)
	}
	if lately && manifest.Location == drill.Manifest.Location { // it would fail again
		return drill, false, nil
	}
	now := time.Now()
	drill, mine, err = one(`
		INSERT INTO restore_drills (id, scratch, manifest, lease_until, started_at)
		VALUES ($1, $2, $3, now() + $4::interval, $5)
		ON CONFLICT DO NOTHING
		RETURNING `+drillColumns, id.New[Drill](), d.lab.Scratch(now), manifest, drillLease, now)
	if err != nil || mine {
		return drill, mine, err
	}
	// Another call was faster.
	drill, _, err = one(`SELECT ` + drillColumns + ` FROM restore_drills ORDER BY started_at DESC LIMIT 1`)
	return drill, false, err
}

// sweep removes scratch servers that no drill uses.
func (d *Driller) sweep(ctx context.Context) error {
	all, err := d.lab.Scratches(ctx)
	if err != nil {
		return fmt.Errorf("look for scratch servers: %w", err)
	}
	if len(all) == 0 {
		return nil
	}
	// Looked up after they were seen: one of a drill that has just begun is known here.
	var running []string
	rows, _ := d.db.Query(ctx, `SELECT scratch FROM restore_drills WHERE state = 'running'`)
	if running, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	for _, name := range all {
		if slices.Contains(running, name) {
			continue
		}
		slog.WarnContext(ctx, "a scratch server was left behind", "scratch", name)
		if _, err := d.lab.Remove(ctx, name); err != nil { // the next call sees to it that it goes
			return fmt.Errorf("remove what a drill left: %w", err)
		}
	}
	return nil
}

// errLost means that another call goes on with the drill.
var errLost = errors.New("another call goes on with the drill")

// hold renews the lease while the work goes on. The context that it returns ends
// when the lease is lost.
func (d *Driller) hold(ctx context.Context, drill Drill) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		renew := time.NewTicker(leaseRenew)
		defer renew.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-renew.C:
			}
			trying, end := context.WithTimeout(ctx, leaseRenew) // on a connection that says nothing; the next time, it is another
			tag, err := d.db.Exec(trying, `UPDATE restore_drills SET lease_until = now() + $3::interval WHERE id = $1 AND lease = $2`,
				drill.ID, drill.Lease, drillLease)
			end()
			if err == nil && tag.RowsAffected() == 0 {
				cancel(errLost)
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
		// Whoever comes next needn't wait; if this fails, it waits until the lease is over.
		late, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer end()
		d.db.Exec(late, `UPDATE restore_drills SET lease_until = now() WHERE id = $1 AND lease = $2 AND state = 'running'`, drill.ID, drill.Lease)
	}
}

// unfit says why the backup isn't worth restoring, nothing if it is.
func (d Drill) unfit() string {
	switch m := d.Manifest; {
	case m.Location == "":
		return "There is no verified backup."
	case d.Started.Sub(m.Finished) > backupLimit:
		return fmt.Sprintf("The newest verified backup is of %s.", m.Finished.Format(time.RFC3339))
	case len(m.Tables) == 0:
		return fmt.Sprintf("The manifest of %s names no table.", m.Location)
	}
	return ""
}

// carryOut goes on with the drill from the step that it is at.
func (d *Driller) carryOut(ctx context.Context, drill *Drill) error {
	failure := ""
	switch {
	case drill.Step == stepRemove:
	case time.Since(drill.Started) > drillLimit:
		failure = fmt.Sprintf("It wasn't done within %s: it is at step %s.", drillLimit, drill.Step)
	default:
		failure = drill.unfit()
	}
	if failure != "" {
		if err := d.fail(ctx, drill, failure); err != nil {
			return err
		}
	}
	if drill.Step == stepRestore {
		done, err := d.wait(ctx, func() (bool, error) { return d.lab.Restore(ctx, drill.Scratch, drill.Manifest) })
		switch {
		case errors.Is(err, errUnrestorable):
			if err := d.fail(ctx, drill, err.Error()); err != nil {
				return err
			}
		case err != nil:
			return err
		case !done:
			return nil
		default:
			now := time.Now()
			drill.Step, drill.Restored = stepCompare, &now
			if err := d.save(ctx, drill); err != nil {
				return err
			}
		}
	}
	if drill.Step == stepCompare {
		difference, err := d.compare(ctx, drill)
		if err != nil {
			return err
		}
		if difference != "" {
			err = d.fail(ctx, drill, difference)
		} else {
			drill.Step = stepRemove
			err = d.save(ctx, drill)
		}
		if err != nil {
			return err
		}
	}
	done, err := d.wait(ctx, func() (bool, error) { return d.lab.Remove(ctx, drill.Scratch) })
	if err != nil || !done {
		return err
	}
	return d.end(ctx, drill)
}

// wait calls step until it is done or the call's time is nearly over.
func (d *Driller) wait(ctx context.Context, step func() (bool, error)) (bool, error) {
	for {
		done, err := step()
		if done || err != nil {
			return done, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < drillYield {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(d.poll):
		}
	}
}

// compare says what differs between the manifest and the restored database,
// nothing if they are equal. It goes on behind the last table that was equal.
func (d *Driller) compare(ctx context.Context, drill *Drill) (string, error) {
	db, err := d.lab.Connect(ctx, drill.Scratch)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", drill.Scratch, err)
	}
	defer db.Close(context.WithoutCancel(ctx))
	got, err := schema(ctx, db)
	if err != nil {
		return "", err
	}
	if want := drill.Manifest.Schema; got != want {
		return fmt.Sprintf("The restored schema is version %d with checksum %s, the backup's %d with %s.",
			got.Version, got.Checksum, want.Version, want.Checksum), nil
	}
	all, err := relations(ctx, db)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(drill.Manifest.Tables)) {
		if name <= drill.Compared {
			continue
		}
		r, ok := find(all, name)
		if !ok {
			return fmt.Sprintf("Table %s wasn't restored.", name), nil
		}
		got, err := r.sum(ctx, db)
		if err != nil {
			return "", err
		}
		if want := drill.Manifest.Tables[name]; got != want {
			return fmt.Sprintf("Table %s was restored with %d rows and checksum %s, the backup's manifest says %d and %s.",
				name, got.Rows, got.Checksum, want.Rows, want.Checksum), nil
		}
		drill.Compared = name
		drill.Rows += got.Rows
		if err := d.save(ctx, drill); err != nil {
			return "", err
		}
	}
	return "", nil
}

// fail notes why the drill fails, in the log for alerts. Its scratch is still to be
// removed.
func (d *Driller) fail(ctx context.Context, drill *Drill, failure string) error {
	drill.Step, drill.Failure = stepRemove, failure
	slog.ErrorContext(ctx, "restore drill failed", "drill_id", drill.ID, "backup", drill.Manifest.Location, "failure", failure)
	return d.save(ctx, drill)
}

// save stores how far the drill is.
func (d *Driller) save(ctx context.Context, drill *Drill) error {
	tag, err := d.db.Exec(ctx, `
		UPDATE restore_drills SET state = $3, step = $4, compared = $5, row_count = $6, failure = $7, restored_at = $8, finished_at = $9
		WHERE id = $1 AND lease = $2`,
		drill.ID, drill.Lease, drill.State, drill.Step, drill.Compared, drill.Rows, drill.Failure, drill.Restored, drill.Finished)
	if err == nil && tag.RowsAffected() == 0 {
		err = errLost
	}
	return err
}

// end notes the drill's result.
func (d *Driller) end(ctx context.Context, drill *Drill) error {
	now := time.Now()
	drill.Finished, drill.State = &now, Passed
	if drill.Failure != "" {
		drill.State = Failed
	}
	if err := d.save(ctx, drill); err != nil {
		return err
	}
	if drill.State == Failed {
		return fmt.Errorf("restore drill of %s: %s", drill.Manifest.Location, drill.Failure)
	}
	slog.InfoContext(ctx, "restore drill passed",
		"drill_id", drill.ID, "backup", drill.Manifest.Location, "tables", len(drill.Manifest.Tables), "rows", drill.Rows,
		"restore_seconds", drill.Restored.Sub(drill.Started).Seconds(), "seconds", now.Sub(drill.Started).Seconds())
	return nil
}
