package backups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/iam"
	"cloud.google.com/go/storage"
	sqladmin "google.golang.org/api/sqladmin/v1"
)

func copyName(scratch string) string { return scratch + ".sql.gz" }

// bucketRole is what an instance must have in a bucket that it imports from.
const bucketRole iam.RoleName = "roles/storage.objectAdmin"

// provideCopy copies the export to where the instance is let in, and lets it in.
func (l *CloudLab) provideCopy(ctx context.Context, instance *sqladmin.DatabaseInstance, m Manifest) error {
	store, err := l.storage(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: %w", err)
	}
	bucket := store.Bucket(l.copies)
	target := bucket.Object(copyName(instance.Name))
	_, err = target.Attrs(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		_, err = target.CopierFrom(store.Bucket(l.bucket).Object(l.object(m))).Run(ctx)
	}
	if err != nil {
		return fmt.Errorf("cloud storage: copy of %s: %w", m.Location, err)
	}
	policy, err := bucket.IAM().Policy(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: policy of %s: %w", l.copies, err)
	}
	member := "serviceAccount:" + instance.ServiceAccountEmailAddress
	if policy.HasRole(member, bucketRole) {
		return nil
	}
	policy.Add(member, bucketRole)
	if err := bucket.IAM().SetPolicy(ctx, policy); err != nil {
		return fmt.Errorf("cloud storage: policy of %s: %w", l.copies, err)
	}
	return nil
}

func (l *CloudLab) removeCopy(ctx context.Context, scratch string) error {
	store, err := l.storage(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: %w", err)
	}
	bucket := store.Bucket(l.copies)
	if err := bucket.Object(copyName(scratch)).Delete(ctx); err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
		return fmt.Errorf("cloud storage: delete the copy: %w", err)
	}
	policy, err := bucket.IAM().Policy(ctx)
	if err != nil {
		return fmt.Errorf("cloud storage: policy of %s: %w", l.copies, err)
	}
	changed := false
	for _, member := range slices.Clone(policy.Members(bucketRole)) {
		if strings.Contains(member, "@gcp-sa-cloud-sql.iam.gserviceaccount.com") { // drills take turns: it was this instance's
			policy.Remove(member, bucketRole)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if err := bucket.IAM().SetPolicy(ctx, policy); err != nil {
		return fmt.Errorf("cloud storage: policy of %s: %w", l.copies, err)
	}
	return nil
}
