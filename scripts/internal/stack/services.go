package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"time"

	"aksio.app/scripts/internal/firestore"
	"aksio.app/scripts/internal/postgres"
	"aksio.app/scripts/internal/storage"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
	"aksio.app/shared/fault"
	"aksio.app/shared/live"
	"aksio.app/shared/resource"
)

// uploadsBucket is the name of the bucket here.
const uploadsBucket = "aksio-local"

// open finds or starts what the functions need, and settles their settings.
func (s *Stack) open(ctx context.Context, config Config, finalized func(api.Object)) error {
	maps.Copy(s.Settings, config.Settings)
	for name, usual := range map[string]string{
		"ALLOWED_ORIGINS": "*",
		"API_URL":         s.Address,
		"BACKUPS_DIR":     filepath.Join(config.Dir, "backups"),
		"DATABASE_POOL":   "20",
		"EXTRACT_CACHE":   filepath.Join(config.Dir, "pdfium"),
		"UPLOADS_BUCKET":  uploadsBucket,
	} {
		s.Settings[name] = cmp.Or(s.Settings[name], usual)
	}
	var emulated func() (*firestore.Server, error)
	for _, step := range []struct {
		name string
		do   func() (string, error)
	}{
		{"signing key", func() (string, error) { return s.openKeys(config) }},
		{"settings", func() (string, error) { return "look good", s.checkSettings() }},
		{"database", func() (string, error) {
			given := s.Settings["DATABASE_URL"] != ""
			if given {
				if err := s.reach(ctx); err != nil { // before anything is started
					return "", err
				}
			}
			if err := s.reachEmulator(ctx); err != nil {
				return "", err
			}
			emulated = s.startLive(ctx, config) // beside PostgreSQL, which takes as long
			if given {
				return "given by DATABASE_URL", nil
			}
			return "PostgreSQL runs", s.startDatabase(ctx, config)
		}},
		{"schema", func() (string, error) { return s.migrate(ctx) }},
		{"storage", func() (string, error) { return s.openStorage(config, finalized) }},
		{"live events", func() (string, error) { return s.openLive(ctx, config, emulated) }},
	} {
		began := time.Now()
		result, err := step.do()
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		config.Progress(step.name, result, time.Since(began))
	}
	return nil
}

// checkSettings reports settings that can't work, before anything is started.
func (s *Stack) checkSettings() error {
	if s.Settings["CLOUD_SQL_INSTANCE"] != "" { // each function would blame a DATABASE_URL that nobody set
		return errors.New("CLOUD_SQL_INSTANCE is for the cloud: leave it out; here only DATABASE_URL names a database")
	}
	return check(resource.NewProcess(s.foreseen()))
}

// foreseen returns the settings as they will be: those of services that don't run yet
// have addresses where nobody is asked.
func (s *Stack) foreseen() map[string]string {
	settings := maps.Clone(s.Settings)
	settings["DATABASE_URL"] = cmp.Or(settings["DATABASE_URL"], "postgres://127.0.0.1/aksio")
	settings["STORAGE_EMULATOR_HOST"] = "127.0.0.1:1"
	settings["FIRESTORE_EMULATOR_HOST"] = cmp.Or(settings["FIRESTORE_EMULATOR_HOST"], "127.0.0.1:1")
	return settings
}

func (s *Stack) startDatabase(ctx context.Context, config Config) error {
	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(config.Dir, "postgres"), Progress: config.Detail})
	if err != nil {
		return err
	}
	s.onClose(server.Stop)
	s.Settings["DATABASE_URL"] = server.URL
	return nil
}

// reach reports whether the database of DATABASE_URL answers. Starting another
// one in its place would hide that the given one is down.
func (s *Stack) reach(ctx context.Context) error {
	db, err := s.database()
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Ping(ctx); err != nil {
		lines := strings.Split(err.Error(), "\n") // one for each try
		return fmt.Errorf("%s: start the server that DATABASE_URL names, or leave DATABASE_URL out to get one", strings.TrimSpace(lines[len(lines)-1]))
	}
	return nil
}

// reachEmulator reports whether the given Firestore emulator, if one is, takes connections.
func (s *Stack) reachEmulator(ctx context.Context) error {
	address := s.Settings["FIRESTORE_EMULATOR_HOST"]
	if address == "" || s.Settings["LIVE_STORE"] == "memory" {
		return nil
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: start the emulator that FIRESTORE_EMULATOR_HOST names, or leave FIRESTORE_EMULATOR_HOST out", err)
	}
	return conn.Close()
}

// database opens the database for the stack's own use.
func (s *Stack) database() (*database.DB, error) {
	config := database.Config{URL: s.Settings["DATABASE_URL"], Pool: 2}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return database.New(config)
}

// migrate brings the schema up to date.
func (s *Stack) migrate(ctx context.Context) (string, error) {
	db, err := s.database()
	if err != nil {
		return "", err
	}
	defer db.Close()
	applied, err := migrations.Run(ctx, db)
	if err != nil {
		return "", fmt.Errorf("%w: mend the migration, or begin with an empty database (make clean)", err)
	}
	if len(applied) == 0 {
		return "up to date", nil
	}
	return fmt.Sprintf("%d migrations applied", len(applied)), nil
}

// openStorage starts the bucket server. One that runs elsewhere wouldn't do: its
// events wouldn't come here.
func (s *Stack) openStorage(config Config, finalized func(api.Object)) (string, error) {
	dir := filepath.Join(config.Dir, "storage")
	server, err := storage.Start(storage.Options{
		Dir:     dir,
		Buckets: []string{s.Settings["UPLOADS_BUCKET"]},
		OnFinalize: func(object storage.Object) {
			if object.Bucket == s.Settings["UPLOADS_BUCKET"] {
				finalized(api.Object(object))
			}
		},
	})
	if err != nil {
		return "", err
	}
	s.onClose(server.Stop)
	s.Storage, s.Settings["STORAGE_EMULATOR_HOST"] = server.URL, server.URL
	return "kept in " + dir, nil
}

// startLive finds or starts the Firestore emulator, which takes seconds, beside what
// else is started. The returned function waits for it; it is nil if none is wanted.
func (s *Stack) startLive(ctx context.Context, config Config) (wait func() (*firestore.Server, error)) {
	if s.Settings["LIVE_STORE"] == "memory" {
		return nil
	}
	options := firestore.Options{Address: s.Settings["FIRESTORE_EMULATOR_HOST"], Progress: config.Detail}
	ctx, cancel := context.WithCancel(ctx)
	var server *firestore.Server
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		server, err = firestore.Start(ctx, options)
	}()
	s.onClose(func() error {
		cancel()
		<-done
		if err == nil { // else it was told
			server.Stop()
		}
		return nil
	})
	return func() (*firestore.Server, error) {
		<-done
		return server, err
	}
}

// openLive takes the Firestore emulator where there is one. Settings that name the
// real Firestore aren't heeded: a stack on a desk stays on it.
func (s *Stack) openLive(ctx context.Context, config Config, wait func() (*firestore.Server, error)) (string, error) {
	if wait == nil {
		return "in memory, as LIVE_STORE says", nil
	}
	server, err := wait()
	if err != nil { // one process can do without
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if !errors.Is(err, firestore.ErrAbsent) {
			config.Detail(err.Error())
		}
		s.Settings["LIVE_STORE"] = "memory"
		return "in memory, without a Firestore emulator", nil
	}
	s.Firestore = server.Address
	s.Settings["LIVE_STORE"], s.Settings["FIRESTORE_EMULATOR_HOST"] = "firestore", server.Address
	return "in the Firestore emulator", nil
}

// awaitLive returns when live events can be had: an emulator that listens takes
// seconds to its first answer.
func (s *Stack) awaitLive(ctx context.Context) error {
	events, err := live.Open(s.process.Env("stack", []resource.Name{live.Resource}))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = events.Watch(ctx, "start", "nobody", 0, func(live.Event) error { return nil })
	if fault.KindOf(err) == fault.NotFound { // as it is
		return nil
	}
	return fmt.Errorf("the Firestore emulator at %s doesn't answer: %w", s.Firestore, err)
}

// openKeys settles who signs tokens and who is believed.
func (s *Stack) openKeys(config Config) (string, error) {
	result := "given by TOKEN_SIGNING_KEY"
	if s.Settings["TOKEN_SIGNING_KEY"] == "" {
		dir := filepath.Join(config.Dir, "keys")
		key, err := signingKey(dir)
		if err != nil {
			return "", err
		}
		s.Settings["TOKEN_SIGNING_KEY"] = string(key)
		result = "kept in " + dir
	}
	signer, err := auth.NewSigner([]byte(s.Settings["TOKEN_SIGNING_KEY"]))
	if err != nil {
		return "", fmt.Errorf("TOKEN_SIGNING_KEY: %w", err)
	}
	s.Settings["TOKEN_KEYS"] = string(signer.PublicKeys())
	return result, nil
}
