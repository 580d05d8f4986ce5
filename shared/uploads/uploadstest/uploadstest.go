// Package uploadstest gives every test a bucket of its own, in the process.
package uploadstest

import (
	"net/http/httptest"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"aksio.app/shared/uploads"
)

// New returns an empty bucket.
func New(t testing.TB) *uploads.Bucket {
	t.Helper()
	return uploads.New(Config(t))
}

// Config is New for tests that open the bucket themselves.
func Config(t testing.TB) uploads.Config {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := server.Listener.Addr().String()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener:  true,
		PublicHost:  address, // whose signed URLs it takes
		ExternalURL: "http://" + address,
	})
	if err != nil {
		t.Fatal(err)
	}
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "uploads"})
	server.Config.Handler = fake.HTTPHandler()
	server.Start()
	t.Cleanup(server.Close)
	return uploads.Config{Bucket: "uploads", Emulator: address}
}
