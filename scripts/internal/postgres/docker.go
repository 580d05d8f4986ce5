package postgres

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const image = "pgvector/pgvector:pg15"

func dockerRuns(ctx context.Context) bool {
	if _, err := exec.LookPath("docker"); err != nil {
		return false
	}
	_, err := docker(ctx, 5*time.Second, "info")
	return err == nil
}

func docker(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	return run(ctx, limit, exec.Command("docker", args...))
}

// startContainer runs PostgreSQL in Docker. Its data is in a volume of the container's name.
func startContainer(ctx context.Context, home home, options Options) (*Server, error) {
	name := home.name()
	server := &Server{stop: func() error { return errors.Join(removeContainer(name), home.discard()) }}
	if state, err := docker(ctx, quickly, "inspect", "--format", "{{.State.Running}}", name); err == nil && state == "true" {
		if server.URL, err = containerURL(ctx, name); err != nil {
			return nil, err
		}
		return server, usable(ctx, server.URL)
	}
	options.Progress("starting PostgreSQL in Docker, which gets " + image + " at first")
	_, _ = docker(ctx, time.Minute, "rm", "--force", name) // what a crash left; mostly there is nothing
	if _, err := docker(ctx, patience, containerArguments(name, options.Fast)...); err != nil {
		return nil, err
	}
	err := func() (err error) {
		if server.URL, err = containerURL(ctx, name); err != nil {
			return err
		}
		if err := await(ctx, server.URL, startLimit, func() error { return nil }); err != nil {
			return err
		}
		return usable(ctx, server.URL)
	}()
	if err != nil {
		return nil, errors.Join(err, removeContainer(name)) // home may serve the next attempt
	}
	return server, nil
}

// removeContainer lets PostgreSQL end in order. A named volume stays. It isn't left to --rm, which
// removes later and so gets in the way of a start soon after.
func removeContainer(name string) error {
	ctx := context.Background() // Start's may have ended
	_, stopping := docker(ctx, time.Minute, "stop", name)
	_, removing := docker(ctx, time.Minute, "rm", "--force", "--volumes", name)
	return errors.Join(stopping, removing)
}

func containerArguments(name string, fast bool) []string {
	const data = "/var/lib/postgresql/data"
	args := []string{"run", "--detach", "--name", name, "--publish", "127.0.0.1::5432", "--shm-size", "256m",
		"--env", "POSTGRES_HOST_AUTH_METHOD=trust", "--env", "POSTGRES_INITDB_ARGS=--locale=C.UTF-8"}
	if fast {
		args = append(args, "--tmpfs", data)
	} else {
		args = append(args, "--volume", name+":"+data)
	}
	args = append(args, image, "-c", "max_connections=200")
	if fast {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	return args
}

func containerURL(ctx context.Context, name string) (string, error) {
	published, err := docker(ctx, quickly, "port", name, "5432/tcp") // 127.0.0.1:49153
	if err != nil {
		return "", err
	}
	host, _, _ := strings.Cut(published, "\n")
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", host), nil
}
