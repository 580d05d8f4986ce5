package secrets

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"path"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// manager reads secrets from Secret Manager. One version needs the role
// secretAccessor, several the role viewer, too.
func manager(project string, options []option.ClientOption) reader {
	open := resource.Lazily(func(context.Context) (*secretmanager.Client, error) {
		return secretmanager.NewClient(context.Background(), options...)
	})
	return func(ctx context.Context, name string, n int) ([]Version, error) {
		client, err := open(ctx)
		if err != nil {
			return nil, err
		}
		secret := fmt.Sprintf("projects/%s/secrets/%s", project, name)
		if n == 1 {
			v, err := access(ctx, client, secret+"/versions/latest")
			return []Version{v}, err
		}
		names, err := enabled(ctx, client, secret, n)
		if err != nil {
			return nil, err
		}
		versions := make([]Version, len(names))
		for i, name := range names {
			if versions[i], err = access(ctx, client, name); err != nil {
				return nil, err
			}
		}
		return versions, nil
	}
}

// enabled names the newest n versions that can be read; the service lists the newest first.
func enabled(ctx context.Context, client *secretmanager.Client, secret string, n int) ([]string, error) {
	it := client.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{
		Parent: secret, PageSize: int32(n), Filter: "state:ENABLED",
	})
	var names []string
	for len(names) < n {
		version, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, err
		}
		names = append(names, version.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no enabled version: add one", secret)
	}
	return names, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func access(ctx context.Context, client *secretmanager.Client, name string) (Version, error) {
	answer, err := client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: name})
	if err != nil {
		return Version{}, err
	}
	payload := answer.GetPayload()
	if sum := payload.DataCrc32C; sum != nil && *sum != int64(crc32.Checksum(payload.Data, castagnoli)) {
		return Version{}, fault.New(fault.Unavailable, "A secret was damaged on its way; try again.")
	}
	return Version{ID: path.Base(answer.Name), Value: payload.GetData()}, nil
}

func init() { fault.Classify(kindOf) }

// kindOf knows what Secret Manager answers when it is only busy or away. That a
// secret is missing or forbidden is a fault of the deployment, not of the caller.
func kindOf(err error) (fault.Kind, bool) {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return fault.Unavailable, true
	}
	return 0, false
}
