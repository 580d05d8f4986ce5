package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"aksio.app/scripts/internal/firestore"
	"aksio.app/scripts/internal/postgres"
	"aksio.app/scripts/internal/storage"
)

// services are what a command runs among.
type services struct {
	environment []string // name=value
	stops       []func() error
}

// start finds or starts all services. What it started is to be stopped even if it fails.
func start(ctx context.Context, progress func(string)) (*services, error) {
	s := new(services)
	database, err := postgres.Start(ctx, postgres.Options{Fast: true, Progress: progress})
	if err != nil {
		return s, err
	}
	s.add("DATABASE_URL", database.URL, database.Stop)

	live, err := firestore.Start(ctx, firestore.Options{Address: os.Getenv("FIRESTORE_EMULATOR_HOST"), Progress: progress})
	switch {
	case errors.Is(err, firestore.ErrAbsent) && os.Getenv("CI") == "": // there, a test that is left out would go unnoticed
		progress(fmt.Sprintf("live events are tested in memory only: %v", err))
	case err != nil:
		return s, err
	default:
		s.add("FIRESTORE_EMULATOR_HOST", live.Address, func() error { live.Stop(); return nil })
	}

	if os.Getenv("EXTRACT_CACHE") == "" {
		folder, err := os.UserCacheDir()
		if err != nil {
			return s, err
		}
		s.add("EXTRACT_CACHE", filepath.Join(folder, "aksio", "pdfium"), func() error { return nil })
	}

	if os.Getenv("STORAGE_EMULATOR_HOST") == "" {
		objects, err := storage.Start(storage.Options{})
		if err != nil {
			return s, err
		}
		s.add("STORAGE_EMULATOR_HOST", objects.URL, objects.Stop)
	}
	return s, nil
}

func (s *services) add(name, value string, stop func() error) {
	s.environment = append(s.environment, name+"="+value)
	s.stops = append(s.stops, stop)
}

// stop ends what was started, the last first.
func (s *services) stop() error {
	var errs []error
	for _, stop := range slices.Backward(s.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}
