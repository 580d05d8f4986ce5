// Command migrate brings the schema of the database at DATABASE_URL up to date.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
	"aksio.app/shared/resource"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := migrate(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "migrate:", err)
		os.Exit(1)
	}
}

func migrate(ctx context.Context) error {
	settings := resource.OSSettings()
	config, err := resource.Read[database.Config](settings)
	if err != nil {
		return err
	}
	db, err := database.New(config)
	if err != nil {
		return err
	}
	defer db.Close()
	applied, err := migrations.Run(ctx, db)
	for _, a := range applied {
		fmt.Println("applied", a.Name)
	}
	if err == nil && len(applied) == 0 {
		fmt.Println("the schema is up to date")
	}
	return err
}
