// Package secrets reads what is rotated while the program runs: signing keys, the
// model's key. Secrets that stay for the life of a process are settings.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/api/option"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that read secrets.
const Resource resource.Name = "secrets"

// Config says where secrets are kept.
type Config struct {
	Project string `env:"SECRETS_PROJECT"` // whose Secret Manager it is; secrets are settings if empty
	Service string `env:"K_SERVICE"`       // set by the platform
}

var projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]*$`)

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	var errs []error
	if c.Project != "" && !projectName.MatchString(c.Project) {
		errs = append(errs, fmt.Errorf("SECRETS_PROJECT is %q: write the project's id or number, such as aksio-staging", c.Project))
	}
	if c.Project == "" && c.Service != "" { // settings don't rotate
		errs = append(errs, errors.New("SECRETS_PROJECT is missing: write the id of the project that holds the secrets"))
	}
	return errors.Join(errs...)
}

// Version is one value that a secret has or had. It prints without the value.
type Version struct {
	ID    string // its number in Secret Manager
	Value []byte `json:"-"`
}

// Format keeps the value out of texts.
func (v Version) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "version %s", v.ID) }

// LogValue keeps the value out of logs.
func (v Version) LogValue() slog.Value { return slog.StringValue("version " + v.ID) }

// most is how many versions are read of one secret.
const most = 10

// kept is how long a version is believed to be the newest.
const kept = 5 * time.Minute

// pause is how long the service is left alone after it failed, while there is an
// older answer to give.
const pause = 10 * time.Second

// Reading may take so long, whoever waits for it: less while there is an older
// answer to give. Left alone, the client tries for a minute.
const (
	patience      = 10 * time.Second
	shortPatience = time.Second
)

// Store reads secrets, and remembers them for a while.
type Store struct {
	read  reader
	cache time.Duration
	now   func() time.Time

	flights singleflight.Group
	mu      sync.Mutex
	known   map[string]answer
}

// reader reads the newest n versions of a secret that may be used, the newest first.
type reader func(ctx context.Context, name string, n int) ([]Version, error)

type answer struct {
	versions []Version
	fresh    time.Time // until when it needs no look at the service
}

// Open returns the process's secrets.
func Open(env *resource.Env) (*Store, error) {
	return resource.Open(env, Resource, func() (*Store, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		if config.Project == "" {
			return newStore(settings(env.Setting), 0), nil
		}
		return New(config), nil
	})
}

// New returns the secrets of the configured project without calling out.
func New(config Config, options ...option.ClientOption) *Store {
	return newStore(manager(config.Project, options), kept)
}

func newStore(read reader, cache time.Duration) *Store {
	return &Store{read: read, cache: cache, now: time.Now, known: map[string]answer{}}
}

// settings reads secrets from settings, where the secret token-signing-key is TOKEN_SIGNING_KEY.
func settings(lookup func(string) (string, bool)) reader {
	return func(_ context.Context, name string, _ int) ([]Version, error) {
		setting := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, _ := lookup(setting)
		if value == "" {
			return nil, fmt.Errorf("%s is missing: write the value of the secret %s, or set SECRETS_PROJECT", setting, name)
		}
		return []Version{{ID: "1", Value: []byte(value)}}, nil
	}
}

// Get returns the newest version of the secret. What it says may be as old as
// the cache; while the service is away, it is the last that was read.
func (s *Store) Get(ctx context.Context, name string) (Version, error) {
	versions, err := s.Versions(ctx, name, 1)
	if err != nil {
		return Version{}, err
	}
	return versions[0], nil
}

// Versions returns at least one and at most n enabled versions of the secret, the
// newest first: keys that still verify are among those that no longer sign.
func (s *Store) Versions(ctx context.Context, name string, n int) ([]Version, error) {
	if !secretName.MatchString(name) || n < 1 || n > most {
		return nil, fmt.Errorf("%d versions of the secret %q: a name is letters, digits, - and _, the number 1 to %d", n, name, most)
	}
	key := fmt.Sprintf("%s/%d", name, n)
	if known := s.recall(key); s.now().Before(known.fresh) {
		return known.copies(), nil
	}
	// The flight isn't its first passenger's: it goes on when that one leaves.
	flight := s.flights.DoChan(key, func() (any, error) {
		return s.refresh(context.WithoutCancel(ctx), key, name, n)
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("secret %s: %w", name, ctx.Err())
	case landed := <-flight:
		if landed.Err != nil {
			return nil, fmt.Errorf("secret %s: %w", name, landed.Err)
		}
		return landed.Val.(answer).copies(), nil
	}
}

var secretName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (s *Store) recall(key string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[key]
}

func (s *Store) refresh(ctx context.Context, key, name string, n int) (answer, error) {
	known := s.recall(key)
	wait := patience
	if known.versions != nil {
		wait = shortPatience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	versions, err := s.read(ctx, name, n)
	switch {
	case err == nil:
		known = answer{versions, s.now().Add(s.cache)}
	case known.versions == nil || fault.KindOf(err) != fault.Unavailable:
		return answer{}, err
	default:
		slog.WarnContext(ctx, "secret not refreshed", "secret", name, "version", known.versions[0].ID, "error", err)
		known.fresh = s.now().Add(pause)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[key] = known
	return known, nil
}

// copies are the caller's own: they may be wiped after use.
func (a answer) copies() []Version {
	versions := slices.Clone(a.versions)
	for i := range versions {
		versions[i].Value = slices.Clone(versions[i].Value)
	}
	return versions
}
