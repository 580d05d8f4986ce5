package backups

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5"
	sqladmin "google.golang.org/api/sqladmin/v1"

	"aksio.app/shared/resource"
)

// CloudLab restores exports to scratch instances of Cloud SQL, made for the purpose.
// An instance reads a copy of the export in a bucket of its own: it must be let into
// the bucket that it imports from, and nobody but the exporter should be let into
// the backups' one.
type CloudLab struct {
	*Cloud
	copies string // bucket
	tier   string
	dialer func(context.Context) (*cloudsqlconn.Dialer, error)
}

// NewCloudLab returns a lab beside the configured instance.
func NewCloudLab(c DrillConfig, google Google) *CloudLab {
	dial := cloudsqlconn.WithPublicIP()
	if c.Private {
		dial = cloudsqlconn.WithPrivateIP()
	}
	return &CloudLab{
		Cloud: NewCloud(c.Config, google), copies: c.DrillBucket, tier: c.DrillTier,
		dialer: resource.Lazily(func(context.Context) (*cloudsqlconn.Dialer, error) {
			return cloudsqlconn.NewDialer(context.Background(), append([]cloudsqlconn.Option{
				cloudsqlconn.WithLazyRefresh(),
				cloudsqlconn.WithBuiltInMetrics(false),
				cloudsqlconn.WithDefaultDialOptions(dial),
			}, google.Dialer...)...)
		}),
	}
}

// scratchLabel is the label of scratch instances. Its value is the instance that
// they are a scratch of.
const scratchLabel = "restore-drill-of"

// grantTime is how long a grant may take to be heeded everywhere.
const grantTime = 30 * time.Minute

// Scratch returns the name of an instance. No two have the same: a name may be refused again for a week.
func (l *CloudLab) Scratch(now time.Time) string {
	return fmt.Sprintf("%.60s-drill-%s", l.instance, strconv.FormatInt(now.UnixMilli(), 36))
}

// Scratches returns the instances with the label.
func (l *CloudLab) Scratches(ctx context.Context) (names []string, err error) {
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloud sql: %w", err)
	}
	err = admin.Instances.List(l.project).Filter(fmt.Sprintf("settings.userLabels.%s:%s", scratchLabel, l.instance)).
		Pages(ctx, func(page *sqladmin.InstancesListResponse) error {
			for _, instance := range page.Items {
				if l.isScratch(instance) { // whatever the filter lets through
					names = append(names, instance.Name)
				}
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("cloud sql: list instances: %w", busy(err))
	}
	return names, nil
}

func (l *CloudLab) isScratch(instance *sqladmin.DatabaseInstance) bool {
	return instance.Settings != nil && instance.Settings.UserLabels[scratchLabel] == l.instance
}

// Restore makes the instance, then lets it import.
func (l *CloudLab) Restore(ctx context.Context, scratch string, m Manifest) (bool, error) {
	admin, err := l.admin(ctx)
	if err != nil {
		return false, fmt.Errorf("cloud sql: %w", err)
	}
	instance, err := admin.Instances.Get(l.project, scratch).Context(ctx).Do()
	switch {
	case answered(err, http.StatusNotFound):
		return false, l.create(ctx, admin, scratch)
	case err != nil:
		return false, fmt.Errorf("cloud sql: scratch instance: %w", busy(err))
	case instance.State == "PENDING_CREATE" || instance.State == "MAINTENANCE":
		return false, nil
	case instance.State != "RUNNABLE":
		return false, fmt.Errorf("%w: cloud sql: scratch instance %s is %s", errUnrestorable, scratch, instance.State)
	}
	operations, err := l.operations(ctx, admin, scratch)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(operations, func(o *sqladmin.Operation) bool { return o.Status != "DONE" }) {
		return false, nil // perhaps one that a call began which broke off
	}
	if imported := latest(operations, "IMPORT"); imported != nil {
		err := failure(imported)
		if err == nil {
			return true, nil
		}
		if !forbidden(err) || !young(instance) {
			return false, fmt.Errorf("%w: cloud sql: import: %w", errUnrestorable, err)
		}
	}
	err = l.importCopy(ctx, admin, instance, m)
	if err != nil && forbidden(err) && young(instance) {
		return false, nil // the grant is on its way
	}
	return false, err
}

// forbidden reports whether an instance wasn't let into the bucket.
func forbidden(err error) bool {
	said := strings.ToLower(err.Error())
	return answered(err, http.StatusForbidden) || strings.Contains(said, "service account") && strings.Contains(said, "permission")
}

// young reports whether a grant to the instance may still be on its way.
func young(instance *sqladmin.DatabaseInstance) bool {
	created, err := time.Parse(time.RFC3339, instance.CreateTime)
	return err == nil && time.Since(created) < grantTime
}

// operations returns the newest operations of the instance, the newest first.
func (l *CloudLab) operations(ctx context.Context, admin *sqladmin.Service, instance string) ([]*sqladmin.Operation, error) {
	list, err := admin.Operations.List(l.project).Instance(instance).MaxResults(100).Context(ctx).Do()
	if answered(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloud sql: operations of %s: %w", instance, busy(err))
	}
	return list.Items, nil
}

// latest returns the newest operation of the type, nil if there is none.
func latest(operations []*sqladmin.Operation, kind string) *sqladmin.Operation {
	i := slices.IndexFunc(operations, func(o *sqladmin.Operation) bool { return o.OperationType == kind })
	if i < 0 {
		return nil
	}
	return operations[i]
}

// create asks for an instance like the original, without what only a production
// database needs.
func (l *CloudLab) create(ctx context.Context, admin *sqladmin.Service, scratch string) error {
	operations, err := l.operations(ctx, admin, scratch)
	if err != nil {
		return err
	}
	if created := latest(operations, "CREATE"); created != nil {
		if err := failure(created); err != nil {
			return fmt.Errorf("%w: cloud sql: create %s: %w", errUnrestorable, scratch, err)
		}
		return nil
	}
	original, err := admin.Instances.Get(l.project, l.instance).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("cloud sql: %s: %w", l.instance, busy(err))
	}
	settings := original.Settings
	network := cmp.Or(settings.IpConfiguration, new(sqladmin.IpConfiguration))
	network.ForceSendFields = []string{"Ipv4Enabled"} // false isn't sent else, and true is what there is without it
	grow := true
	_, err = admin.Instances.Insert(l.project, &sqladmin.DatabaseInstance{
		Name: scratch, Region: original.Region, DatabaseVersion: original.DatabaseVersion,
		DiskEncryptionConfiguration: original.DiskEncryptionConfiguration,
		RootPassword:                rand.Text(), // nobody needs it
		Settings: &sqladmin.Settings{
			Tier: cmp.Or(l.tier, settings.Tier), Edition: settings.Edition, AvailabilityType: "ZONAL",
			DataDiskSizeGb: settings.DataDiskSizeGb, DataDiskType: settings.DataDiskType, StorageAutoResize: &grow,
			DatabaseFlags: settings.DatabaseFlags, IpConfiguration: network, ConnectorEnforcement: settings.ConnectorEnforcement,
			UserLabels: map[string]string{scratchLabel: l.instance},
		},
	}).Context(ctx).Do()
	if err != nil && !answered(err, http.StatusConflict) { // there is one: another call was faster
		return fmt.Errorf("cloud sql: create %s: %w", scratch, busy(err))
	}
	return nil
}

// importCopy prepares the instance and begins the import.
func (l *CloudLab) importCopy(ctx context.Context, admin *sqladmin.Service, instance *sqladmin.DatabaseInstance, m Manifest) error {
	if err := l.provideCopy(ctx, instance, m); err != nil {
		return err
	}
	if err := l.provideUser(ctx, admin, instance.Name); err != nil {
		return err
	}
	if err := l.provideDatabase(ctx, instance.Name, m.Roles); err != nil {
		return err
	}
	_, err := admin.Instances.Import(l.project, instance.Name, &sqladmin.InstancesImportRequest{
		ImportContext: &sqladmin.ImportContext{
			FileType: "SQL", Uri: "gs://" + l.copies + "/" + copyName(instance.Name), Database: l.database, ImportUser: instance.Name,
		},
	}).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("cloud sql: import to %s: %w", instance.Name, busy(err))
	}
	return nil
}

// Connect opens the restored database.
func (l *CloudLab) Connect(ctx context.Context, scratch string) (*pgx.Conn, error) {
	return l.connect(ctx, scratch, l.database)
}

// connect signs in as the user of the scratch instance's name, who gets a new
// password each time: it is never stored.
func (l *CloudLab) connect(ctx context.Context, scratch, database string) (*pgx.Conn, error) {
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloud sql: %w", err)
	}
	password := rand.Text()
	operation, err := admin.Users.Update(l.project, scratch, &sqladmin.User{Name: scratch, Password: password}).Name(scratch).Context(ctx).Do()
	if err := l.await(ctx, admin, operation, err); err != nil {
		return nil, fmt.Errorf("cloud sql: set the password of %s: %w", scratch, err)
	}
	config, err := pgx.ParseConfig("sslmode=disable timezone=UTC") // the dialer does TLS; dumps are written in UTC
	if err != nil {
		return nil, err
	}
	config.User, config.Password, config.Database = scratch, password, database
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialer, err := l.dialer(ctx)
		if err != nil {
			return nil, err
		}
		return dialer.Dial(ctx, strings.Join([]string{l.project, l.region, scratch}, ":"))
	}
	return pgx.ConnectConfig(ctx, config)
}

// Remove deletes the instance, the copy that it read, and what let it read that.
func (l *CloudLab) Remove(ctx context.Context, scratch string) (bool, error) {
	admin, err := l.admin(ctx)
	if err != nil {
		return false, fmt.Errorf("cloud sql: %w", err)
	}
	instance, err := admin.Instances.Get(l.project, scratch).Context(ctx).Do()
	switch {
	case answered(err, http.StatusNotFound):
		return true, l.removeCopy(ctx, scratch)
	case err != nil:
		return false, fmt.Errorf("cloud sql: scratch instance: %w", busy(err))
	case !l.isScratch(instance):
		return false, fmt.Errorf("cloud sql: instance %s isn't a scratch of %s; it stays", scratch, l.instance)
	case instance.State == "PENDING_DELETE":
		return false, nil
	}
	_, err = admin.Instances.Delete(l.project, scratch).Context(ctx).Do()
	if err != nil && !answered(err, http.StatusConflict) && !answered(err, http.StatusNotFound) { // busy, or gone
		return false, fmt.Errorf("cloud sql: delete %s: %w", scratch, busy(err))
	}
	return false, nil
}
