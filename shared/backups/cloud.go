package backups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	sqladmin "google.golang.org/api/sqladmin/v1"
	storage "google.golang.org/api/storage/v1"

	"aksio.app/shared/fault"
)

// Cloud lets Cloud SQL export to a bucket.
type Cloud struct {
	project, instance, database, bucket string
	options                             []option.ClientOption
	poll                                time.Duration
}

// NewCloud returns an exporter of the configured instance.
func NewCloud(c Config, options ...option.ClientOption) *Cloud {
	parts := strings.Split(c.Instance, ":") // project:region:instance; database.Config has checked it
	return &Cloud{project: parts[0], instance: parts[len(parts)-1], database: c.Database, bucket: c.Bucket, options: options, poll: 5 * time.Second}
}

// Export asks for a serverless export, which doesn't slow the instance down,
// waits for it, and looks at the object that it wrote. The export has a snapshot
// of its own.
func (c *Cloud) Export(ctx context.Context, m *Manifest, _ string) error {
	admin, err := sqladmin.NewService(ctx, c.options...)
	if err != nil {
		return fmt.Errorf("cloud sql: %w", err)
	}
	object := "database/" + name(m.Started, ".sql.gz")
	m.Location = "gs://" + c.bucket + "/" + object
	operation, err := admin.Instances.Export(c.project, c.instance, &sqladmin.InstancesExportRequest{
		ExportContext: &sqladmin.ExportContext{
			FileType: "SQL", Uri: m.Location, Databases: []string{c.database}, Offload: true,
		},
	}).Context(ctx).Do()
	if err != nil {
		return exportFault(err)
	}
	for operation.Status != "DONE" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("cloud sql: operation %s isn't done: %w", operation.Name, ctx.Err())
		case <-time.After(c.poll):
		}
		if operation, err = admin.Operations.Get(c.project, operation.Name).Context(ctx).Do(); err != nil {
			return exportFault(err)
		}
	}
	if operation.Error != nil && len(operation.Error.Errors) > 0 {
		first := operation.Error.Errors[0]
		return fmt.Errorf("cloud sql: export failed: %s: %s", first.Code, first.Message)
	}
	return c.verify(ctx, m, object)
}

// verify notes what the bucket says of the export and puts the manifest beside it.
func (c *Cloud) verify(ctx context.Context, m *Manifest, object string) error {
	service, err := storage.NewService(ctx, c.options...)
	if err != nil {
		return fmt.Errorf("cloud storage: %w", err)
	}
	written, err := service.Objects.Get(c.bucket, object).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("cloud storage: the export isn't there: %w", err)
	}
	if written.Size == 0 {
		return fmt.Errorf("cloud storage: the export %s is empty", m.Location)
	}
	m.Bytes, m.Checksum = int64(written.Size), "crc32c:"+written.Crc32c
	manifest, err := m.seal()
	if err != nil {
		return err
	}
	_, err = service.Objects.Insert(c.bucket, &storage.Object{Name: object + ".json", ContentType: "application/json"}).
		Media(bytes.NewReader(manifest)).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("cloud storage: manifest: %w", err)
	}
	return nil
}

// exportFault words that the instance is busy: it takes one operation at a time.
func exportFault(err error) error {
	var api *googleapi.Error
	if errors.As(err, &api) && api.Code == http.StatusConflict {
		return fault.New(fault.Unavailable, "Another operation runs on the database's instance.").RetryAfter(time.Minute)
	}
	return fmt.Errorf("cloud sql: %w", err)
}
