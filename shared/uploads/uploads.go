// Package uploads keeps the files that students bring in a bucket of Cloud Storage.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that use the bucket.
const Resource resource.Name = "uploads"

// Config says where the bucket is.
type Config struct {
	Bucket   string `env:"UPLOADS_BUCKET"`
	Emulator string `env:"STORAGE_EMULATOR_HOST"` // host:port or http://user:token@host:port of a local stand-in
	Signer   string `env:"UPLOADS_SIGNER"`        // the service account that signs URLs; the function's own if empty
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]+[a-z0-9]$`)

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	var errs []error
	switch {
	case c.Bucket == "":
		errs = append(errs, errors.New("UPLOADS_BUCKET is missing: write the bucket's name, such as aksio-staging-1234-uploads"))
	case !bucketName.MatchString(c.Bucket):
		errs = append(errs, fmt.Errorf("UPLOADS_BUCKET is %q: write the bare name, such as aksio-staging-1234-uploads", c.Bucket))
	}
	if u := c.emulator(); c.Emulator != "" && (u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("STORAGE_EMULATOR_HOST is %q: write host:port, or leave it out", c.Emulator))
	}
	if c.Signer != "" && !strings.Contains(c.Signer, "@") {
		errs = append(errs, fmt.Errorf("UPLOADS_SIGNER is %q: write a service account's address, or leave it out", c.Signer))
	}
	return errors.Join(errs...)
}

// emulator returns the stand-in's address; nil if it can't be read.
func (c Config) emulator() *url.URL {
	address := c.Emulator
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return u
}

// Bucket is the bucket of uploads. It connects when it is first used, and again
// after a failure.
type Bucket struct {
	config Config
	client func(context.Context) (*storage.Client, error)
	signer func(context.Context) (signer, error)
}

// Open returns the process's bucket.
func Open(env *resource.Env) (*Bucket, error) {
	return resource.Open(env, Resource, func() (*Bucket, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return New(config), nil
	})
}

// New returns the configured bucket without calling out. The options reach every
// client of Google's that it makes.
func New(config Config, options ...option.ClientOption) *Bucket {
	b := &Bucket{config: config, signer: newSigner(config, options)}
	if config.Emulator != "" {
		// Told here and not by the operating system's environment, which all
		// tests of a process share.
		options = append(slices.Clone(options), option.WithHTTPClient(&http.Client{Transport: local{config.emulator().User}}),
			option.WithEndpoint(config.emulator().JoinPath("storage/v1/").String()))
	}
	b.client = resource.Lazily(func(context.Context) (*storage.Client, error) {
		client, err := storage.NewClient(context.Background(), options...)
		if err != nil {
			return nil, err
		}
		// The default is to try for as long as the context allows.
		client.SetRetry(storage.WithMaxAttempts(4),
			storage.WithBackoff(gax.Backoff{Initial: 100 * time.Millisecond, Max: 2 * time.Second, Multiplier: 3}))
		return client, nil
	})
	return b
}

// local sends the token of the stand-in's address, if it has one.
type local struct{ user *url.Userinfo }

func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	if token, ok := l.user.Password(); ok {
		r = r.Clone(r.Context())
		r.SetBasicAuth(l.user.Username(), token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.config.Bucket }

func (b *Bucket) bucket(ctx context.Context) (*storage.BucketHandle, error) {
	client, err := b.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("uploads: %w", err)
	}
	return client.Bucket(b.config.Bucket), nil
}

// Ping reports whether the bucket answers.
func (b *Bucket) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := b.List(ctx, "", "", 1)
	return err
}

func init() { fault.Classify(kindOf) }

// kindOf knows what Cloud Storage answers when it is only busy or away.
func kindOf(err error) (fault.Kind, bool) {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return 0, false
	}
	switch {
	case answer.Code == http.StatusRequestTimeout, answer.Code == http.StatusTooManyRequests, answer.Code >= 500:
		return fault.Unavailable, true
	}
	return 0, false
}

// faultOf turns what Cloud Storage says of an object into what it means to the caller.
func (b *Bucket) faultOf(err error, object string) error {
	var answer *googleapi.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrObjectNotExist):
		return fault.New(fault.NotFound, "There is no such file; upload it again.")
	case errors.As(err, &answer) && answer.Code == http.StatusPreconditionFailed:
		return fault.New(fault.Conflict, "There is such a file already.")
	}
	return fmt.Errorf("gs://%s/%s: %w", b.config.Bucket, object, err)
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "The file is larger than %d bytes; upload a smaller one.", limit)
}
