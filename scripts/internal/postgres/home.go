package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// home is the directory of one server.
type home struct {
	dir       string
	temporary bool
}

func newHome(options Options) (home, error) {
	if options.Dir == "" {
		dir, err := os.MkdirTemp("", "aksio-postgres-")
		if err != nil {
			return home{}, fmt.Errorf("make a directory for PostgreSQL: %w", err)
		}
		// Whoever runs the server has to come through.
		if err := os.Chmod(dir, 0o711); err != nil {
			return home{}, fmt.Errorf("open the directory for PostgreSQL: %w", err)
		}
		return home{dir, true}, nil
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return home{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return home{}, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	return home{dir: dir}, nil
}

// discard removes what is only there for one run.
func (h home) discard() error {
	if !h.temporary {
		return nil
	}
	return errors.Join(os.RemoveAll(h.dir), os.RemoveAll(h.elsewhere()))
}

// lock keeps two starts in the same directory apart until the returned function is called.
func (h home) lock(ctx context.Context, progress func(string)) (unlock func(), err error) {
	return lockFile(ctx, filepath.Join(h.dir, "lock"), func() { progress("waiting for another start in " + h.dir) })
}

// lockFile waits for the lock on a file, which ends with this process at the latest.
func lockFile(ctx context.Context, path string, waits func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		if first {
			waits()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, ctx.Err()), file.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// name is unique to the directory and the same at every start.
func (h home) name() string {
	hash := fnv.New64a()
	hash.Write([]byte(h.dir))
	return fmt.Sprintf("aksio-postgres-%x", hash.Sum64())
}

// elsewhere is where the data goes if the account that runs the server can't enter dir.
func (h home) elsewhere() string { return filepath.Join("/var/tmp", h.name()) }

// hasCluster tells whether PostgreSQL's own programs made data for this home.
func (h home) hasCluster() bool {
	return version(filepath.Join(h.dir, "data")) != 0 || version(filepath.Join(h.elsewhere(), "data")) != 0
}

// place makes the directory for the account's data: below dir, or elsewhere if the account can't enter that.
func (h home) place(ctx context.Context, who account) (string, error) {
	for _, dir := range []string{h.dir, h.elsewhere()} {
		data := filepath.Join(dir, "data")
		if err := makeOwn(dir); err != nil {
			return "", err
		}
		if err := os.MkdirAll(data, 0o700); err != nil {
			return "", fmt.Errorf("make PostgreSQL's data directory: %w", err)
		}
		if err := who.own(data); err != nil {
			return "", fmt.Errorf("hand %s to the user postgres: %w", data, err)
		}
		if who.enters(ctx, data) {
			return data, nil
		}
		if err := os.Remove(data); err != nil { // it is new: nobody could enter it
			return "", fmt.Errorf("the user postgres can't enter %s, which isn't empty; move it where that user can", data)
		}
	}
	return "", fmt.Errorf("the user postgres can enter neither %s nor %s; let it enter one of them", h.dir, h.elsewhere())
}

// makeOwn makes a directory, which in a shared place somebody else may have made before.
func makeOwn(dir string) error {
	if err := os.Mkdir(dir, 0o755); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s isn't a directory of yours; remove it", dir)
	}
	return nil
}

// version is the major version of the PostgreSQL that made the data; 0 if there is none.
func version(data string) int {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return major
}
