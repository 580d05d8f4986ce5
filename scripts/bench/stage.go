package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aksio.app/scripts/internal/postgres"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
	"aksio.app/shared/uploads"
)

// connections is the size of every pool, and how many requests run at once.
const connections = 4

// stage is what all parts measure on: a migrated database and a process of functions.
type stage struct {
	url     string
	db      *database.DB
	plain   *database.DB // the baselines': pgx without anything of ours
	signer  *auth.Signer
	key     []byte          // that signs tokens, in PEM
	keys    []byte          // that verify them
	bucket  *uploads.Bucket // signs addresses, by the stand-in's token; nothing is called there
	process *resource.Process
	close   func()
}

func newStage(ctx context.Context) (*stage, error) {
	server, err := resource.Read[database.Config](resource.OSSettings())
	if err != nil {
		return nil, fmt.Errorf("%w; `make bench` brings a database", err)
	}
	address, drop, err := postgres.Temporary(ctx, server.URL, "bench")
	if err != nil {
		return nil, err
	}
	s := &stage{url: address}
	s.close = func() {
		for _, db := range []*database.DB{s.db, s.plain} {
			if db != nil {
				db.Close()
			}
		}
		if err := drop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) open(ctx context.Context) error {
	var err error
	if s.db, err = database.New(database.Config{URL: s.url, Pool: connections}); err != nil {
		return err
	}
	if _, err := migrations.Run(ctx, s.db); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(s.url)
	if err != nil {
		return err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	s.plain = &database.DB{Pool: pool}
	if s.key, err = auth.GenerateKey(); err != nil {
		return err
	}
	if s.signer, err = auth.NewSigner(s.key); err != nil {
		return err
	}
	s.keys = s.signer.PublicKeys()
	bucket := uploads.Config{Bucket: "uploads", Emulator: "http://127.0.0.1:1"}
	s.bucket = uploads.New(bucket)
	s.process = resource.NewProcess(map[string]string{
		"DATABASE_URL": s.url, "DATABASE_POOL": fmt.Sprint(connections), "TOKEN_KEYS": string(s.keys), "LIVE_STORE": "memory",
		"UPLOADS_BUCKET": bucket.Bucket, "STORAGE_EMULATOR_HOST": bucket.Emulator,
	})
	return nil
}

// token returns an access token of the user.
func (s *stage) token(user auth.UserID) (string, error) {
	return s.signer.Sign(user, auth.Access, id.New[auth.Claims]().String(), time.Now(), auth.AccessLifetime)
}
