package backups

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	sqladmin "google.golang.org/api/sqladmin/v1"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Google says where Google's services are. The zero value means Google's own, with
// the process's credentials.
type Google struct {
	Admin   []option.ClientOption // of the Cloud SQL Admin API
	Storage []option.ClientOption
	Dialer  []cloudsqlconn.Option
}

// Cloud lets Cloud SQL export to a bucket.
type Cloud struct {
	project, region, instance, database, bucket string

	admin   func(context.Context) (*sqladmin.Service, error)
	storage func(context.Context) (*storage.Client, error)
	poll    time.Duration
}

// NewCloud returns an exporter of the configured instance.
func NewCloud(c Config, google Google) *Cloud {
	parts := strings.Split(c.Instance, ":") // project:region:instance; database.Config has checked it
	return &Cloud{
		project: parts[0], region: parts[1], instance: parts[len(parts)-1], database: c.Database, bucket: c.Bucket,
		admin: resource.Lazily(func(context.Context) (*sqladmin.Service, error) {
			return sqladmin.NewService(context.Background(), google.Admin...)
		}),
		storage: resource.Lazily(func(context.Context) (*storage.Client, error) {
			return storage.NewClient(context.Background(), google.Storage...)
		}),
		poll: 5 * time.Second,
	}
}

// folder is where a bucket has the exports of the database.
const folder = "database/"

// manifestEnding is what a manifest's name has after its backup's.
const manifestEnding = ".json"

// Witness is Bounds: an export has a snapshot of its own.
func (c *Cloud) Witness() Witness { return Bounds }

// Export asks for a serverless export, which doesn't slow the instance down, and
// waits for it.
func (c *Cloud) Export(ctx context.Context, m *Manifest, _ string) error {
	admin, err := c.admin(ctx)
	if err != nil {
		return fmt.Errorf("cloud sql: %w", err)
	}
	object := folder + name(m.Started, ".sql.gz")
	m.Location = "gs://" + c.bucket + "/" + object
	operation, err := admin.Instances.Export(c.project, c.instance, &sqladmin.InstancesExportRequest{
		ExportContext: &sqladmin.ExportContext{
			FileType: "SQL", Uri: m.Location, Databases: []string{c.database}, Offload: true,
		},
	}).Context(ctx).Do()
	if err := c.await(ctx, admin, operation, err); err != nil {
		return fmt.Errorf("cloud sql: export: %w", err)
	}
	store, err := c.storage(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: %w", err)
	}
	written, err := store.Bucket(c.bucket).Object(object).Attrs(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: the export isn't there: %w", err)
	}
	m.Bytes = written.Size
	m.Checksum = "crc32c:" + base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, written.CRC32C))
	return nil
}

// Dump reads the export. What breaks off is gone on with where it broke off.
func (c *Cloud) Dump(ctx context.Context, m Manifest) (io.ReadCloser, error) {
	store, err := c.storage(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloud storage: %w", err)
	}
	object, err := store.Bucket(c.bucket).Object(c.object(m)).ReadCompressed(true).NewReader(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloud storage: %w", err)
	}
	text, err := gzip.NewReader(bufio.NewReaderSize(object, 1<<20))
	if err != nil {
		return nil, errors.Join(err, object.Close())
	}
	// To unpack takes as long as to read what is unpacked: each gets a CPU.
	out, in := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(in, text, make([]byte, 1<<20))
		in.CloseWithError(err)
	}()
	return unpacking{out, object}, nil
}

// unpacking is an export that is unpacked while it is read.
type unpacking struct {
	*io.PipeReader
	object io.Closer
}

// Close ends the unpacking, too.
func (u unpacking) Close() error {
	return errors.Join(u.PipeReader.Close(), u.object.Close())
}

// Keep puts the manifest beside the export.
func (c *Cloud) Keep(ctx context.Context, m Manifest) error {
	manifest, err := m.encode()
	if err != nil {
		return err
	}
	store, err := c.storage(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: %w", err)
	}
	w := store.Bucket(c.bucket).Object(c.object(m) + manifestEnding).NewWriter(ctx)
	w.ContentType, w.ChunkSize = "application/json", 0 // one request
	if _, err := io.Copy(w, bytes.NewReader(manifest)); err != nil {
		return errors.Join(fmt.Errorf("cloud storage: manifest: %w", err), w.Close())
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("cloud storage: manifest: %w", err)
	}
	return nil
}

// Drop leaves the export to the bucket's retention: without a manifest nobody takes
// it for a backup.
func (c *Cloud) Drop(Manifest) {}

// object returns the name of the manifest's export.
func (c *Cloud) object(m Manifest) string {
	return strings.TrimPrefix(m.Location, "gs://"+c.bucket+"/")
}

// Newest returns the manifest of the newest export that has one.
func (c *Cloud) Newest(ctx context.Context) (m Manifest, err error) {
	store, err := c.storage(ctx)
	if err != nil {
		return m, fmt.Errorf("cloud storage: %w", err)
	}
	query := &storage.Query{Prefix: folder + "aksio-"}
	if err := query.SetAttrSelection([]string{"Name"}); err != nil {
		return m, err
	}
	newest := ""
	for objects := store.Bucket(c.bucket).Objects(ctx, query); ; {
		object, err := objects.Next()
		if err == iterator.Done {
			break
		}
		if err != nil {
			return m, fmt.Errorf("cloud storage: list: %w", err)
		}
		if strings.HasSuffix(object.Name, manifestEnding) {
			newest = max(newest, object.Name)
		}
	}
	if newest == "" {
		return m, fault.New(fault.NotFound, "There is no verified export in gs://%s/%s.", c.bucket, folder)
	}
	reader, err := store.Bucket(c.bucket).Object(newest).NewReader(ctx)
	if err != nil {
		return m, fmt.Errorf("cloud storage: manifest: %w", err)
	}
	defer reader.Close()
	if m, err = decode(reader); err != nil {
		return m, fmt.Errorf("cloud storage: manifest %s: %w", newest, err)
	}
	if c.object(m)+manifestEnding != newest {
		return m, fmt.Errorf("cloud storage: manifest %s: it is of another backup, %.100q", newest, m.Location)
	}
	return m, nil
}

// await waits for the operation that a call began, or that it couldn't begin.
func (c *Cloud) await(ctx context.Context, admin *sqladmin.Service, operation *sqladmin.Operation, err error) error {
	for {
		if err != nil {
			return busy(err)
		}
		if operation.Status == "DONE" {
			return failure(operation)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("operation %s isn't done: %w", operation.Name, ctx.Err())
		case <-time.After(c.poll):
		}
		operation, err = admin.Operations.Get(c.project, operation.Name).Context(ctx).Do()
	}
}

// failure returns why an operation failed; nil if it didn't.
func failure(operation *sqladmin.Operation) error {
	if operation.Error == nil || len(operation.Error.Errors) == 0 {
		return nil
	}
	first := operation.Error.Errors[0]
	return fmt.Errorf("operation %s failed: %s: %s", operation.Name, first.Code, first.Message)
}

// busy makes what will pass Unavailable: an instance takes one operation at a time,
// and the API bears only so many calls.
func busy(err error) error {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch {
	case answer.Code == http.StatusConflict:
		return fault.New(fault.Unavailable, "Another operation runs on the instance.").RetryAfter(time.Minute)
	case answer.Code == http.StatusTooManyRequests, answer.Code >= 500:
		return fault.New(fault.Unavailable, "Cloud SQL is busy: %v", err).RetryAfter(time.Minute)
	}
	return err
}

// answered reports whether Google answered with the status.
func answered(err error, status int) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code == status
}
