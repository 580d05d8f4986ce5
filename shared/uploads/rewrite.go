package uploads

import (
	"context"
	"errors"
	"net/http"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// Rewrite gives the object another generation with the same bytes, which the
// bucket announces like any other, and returns it. No bytes pass through.
func (b *Bucket) Rewrite(ctx context.Context, object string) (generation int64, err error) {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return 0, err
	}
	handle := bucket.Object(object)
	attrs, err := handle.CopierFrom(handle).Run(ctx)
	var answer *googleapi.Error
	if errors.As(err, &answer) && answer.Code == http.StatusNotFound {
		err = storage.ErrObjectNotExist
	}
	if err != nil {
		return 0, b.faultOf(err, object)
	}
	return attrs.Generation, nil
}
