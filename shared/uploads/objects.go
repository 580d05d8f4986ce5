package uploads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Object is what the bucket knows of a file.
type Object struct {
	Name        string
	Generation  int64 // another one each time the object is written
	Size        int64 // bytes
	ContentType string
	Updated     time.Time
}

// chunk is how many bytes a write keeps at hand to send them again. The library's
// 16 MiB are much for an instance that serves several calls.
const chunk = 4 << 20

// Write stores what r gives, at most limit bytes, as a new object and returns its
// generation. There is a Conflict if the object exists, TooLarge if r gives more.
// A write that fails leaves nothing behind.
func (b *Bucket) Write(ctx context.Context, object, contentType string, r io.Reader, limit int64) (int64, error) {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return 0, err
	}
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	w := bucket.Object(object).If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.ContentType = contentType
	w.ChunkSize = chunk
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = tooLarge(limit)
	}
	if err != nil {
		abandon() // first: Close would complete the object
		w.Close()
		return 0, b.faultOf(err, object)
	}
	if err := w.Close(); err != nil {
		return 0, b.faultOf(err, object)
	}
	return w.Attrs().Generation, nil
}

// Reader fetches an object of at most limit bytes into memory, where it can be
// read at any place. Generation 0 is the newest one.
func (b *Bucket) Reader(ctx context.Context, object string, generation, limit int64) (*bytes.Reader, error) {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return nil, err
	}
	handle := bucket.Object(object).ReadCompressed(true) // as stored: nothing unpacks to more than its size
	if generation != 0 {
		handle = handle.Generation(generation)
	}
	r, err := handle.NewReader(ctx)
	if err != nil {
		return nil, b.faultOf(err, object)
	}
	defer r.Close()
	if r.Attrs.Size > limit {
		return nil, tooLarge(limit)
	}
	content := make([]byte, r.Attrs.Size)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, b.faultOf(err, object)
	}
	// Reading on to the end is what compares the checksum.
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return nil, b.faultOf(err, object)
	}
	if n > 0 {
		return nil, b.faultOf(fmt.Errorf("%d bytes more than announced", n), object)
	}
	return bytes.NewReader(content), nil
}

// Attrs returns what the bucket knows of the object.
func (b *Bucket) Attrs(ctx context.Context, object string) (Object, error) {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return Object{}, err
	}
	attrs, err := bucket.Object(object).Attrs(ctx)
	if err != nil {
		return Object{}, b.faultOf(err, object)
	}
	return newObject(attrs), nil
}

func newObject(attrs *storage.ObjectAttrs) Object {
	return Object{
		Name:        attrs.Name,
		Generation:  attrs.Generation,
		Size:        attrs.Size,
		ContentType: attrs.ContentType,
		Updated:     attrs.Updated,
	}
}

// List returns at most limit objects whose names begin with prefix and come
// after the name after, ordered by name.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return nil, err
	}
	query := &storage.Query{Prefix: prefix, Projection: storage.ProjectionNoACL}
	if after != "" {
		query.StartOffset = after + "\x00" // the offset itself is listed, too
	}
	it := bucket.Objects(ctx, query)
	it.PageInfo().MaxSize = min(limit, 1000)
	var objects []Object
	for len(objects) < limit {
		attrs, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, b.faultOf(err, prefix)
		}
		objects = append(objects, newObject(attrs))
	}
	return objects, nil
}

// Delete removes the object. That there is none isn't an error.
func (b *Bucket) Delete(ctx context.Context, object string) error {
	bucket, err := b.bucket(ctx)
	if err != nil {
		return err
	}
	err = bucket.Object(object).Retryer(storage.WithPolicy(storage.RetryAlways)).Delete(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	return b.faultOf(err, object)
}
