package uploads_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
	"aksio.app/shared/uploads"
	"aksio.app/shared/uploads/uploadstest"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     string // in the error; "" is none
	}{
		{"cloud", map[string]string{"UPLOADS_BUCKET": "aksio-media"}, ""},
		{"local", map[string]string{"UPLOADS_BUCKET": "uploads", "STORAGE_EMULATOR_HOST": "127.0.0.1:4443"}, ""},
		{"local with a scheme", map[string]string{"UPLOADS_BUCKET": "uploads", "STORAGE_EMULATOR_HOST": "http://localhost:4443"}, ""},
		{"no bucket", nil, "UPLOADS_BUCKET is missing: write "},
		{"a URL for a bucket", map[string]string{"UPLOADS_BUCKET": "gs://media"}, "UPLOADS_BUCKET is"},
		{"bad emulator", map[string]string{"UPLOADS_BUCKET": "media", "STORAGE_EMULATOR_HOST": "ftp://x"}, "STORAGE_EMULATOR_HOST is"},
		{"bad signer", map[string]string{"UPLOADS_BUCKET": "media", "UPLOADS_SIGNER": "me"}, "UPLOADS_SIGNER is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			env := resource.NewProcess(tc.settings).Env("test", []resource.Name{uploads.Resource})
			_, err := uploads.Open(env)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Open: %v, want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}

func TestSignedUploadAndDownload(t *testing.T) {
	t.Parallel()
	bucket := uploadstest.New(t)
	const object, text = "documents/ä b/notes.txt", "Mitosis has four phases."

	up, err := bucket.SignUpload(t.Context(), object, "text/plain", 100, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if resp := send(t, up, strings.NewReader(text)); resp.StatusCode != http.StatusOK {
		t.Fatalf("PUT to the signed URL: %s", resp.Status)
	}
	attrs, err := bucket.Attrs(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	if attrs.Name != object || attrs.Size != int64(len(text)) || attrs.ContentType != "text/plain" || attrs.Generation == 0 || attrs.Updated.IsZero() {
		t.Errorf("attrs of what was uploaded: %+v", attrs)
	}

	const filename = `Zellen "2".txt`
	down, err := bucket.SignDownload(t.Context(), object, filename, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	resp := send(t, down, nil)
	if got, _ := io.ReadAll(resp.Body); string(got) != text {
		t.Errorf("GET of the signed URL: %s %q", resp.Status, got)
	}
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err != nil || params["filename"] != filename {
		t.Errorf("Content-Disposition is %q (%v), want filename %q", resp.Header.Get("Content-Disposition"), err, filename)
	}
	if _, err := bucket.SignDownload(t.Context(), object, filename, 13*time.Hour); err == nil {
		t.Error("a URL that outlasts the platform's keys was signed")
	}
}

func send(t *testing.T, signed uploads.SignedURL, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range signed.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	bucket := uploadstest.New(t)
	content := bytes.Repeat([]byte("0123456789"), 900_000) // two chunks and a bit
	generation, err := bucket.Write(t.Context(), "a", "application/pdf", bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []int64{0, generation} {
		r, err := bucket.Reader(t.Context(), "a", g, int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		at := make([]byte, 10)
		if _, err := r.ReadAt(at, 8_000_005); err != nil || string(at) != "5678901234" || r.Size() != int64(len(content)) {
			t.Errorf("generation %d: read %q of %d bytes: %v", g, at, r.Size(), err)
		}
	}
	_, err = bucket.Write(t.Context(), "a", "text/plain", strings.NewReader("other"), 100)
	wantKind(t, "writing again", err, fault.Conflict)
	_, err = bucket.Reader(t.Context(), "a", 0, int64(len(content))-1)
	wantKind(t, "reading more than the limit", err, fault.TooLarge)
	_, err = bucket.Reader(t.Context(), "a", generation+1, 1e9)
	wantKind(t, "reading another generation", err, fault.NotFound)
	_, err = bucket.Reader(t.Context(), "b", 0, 1e9)
	wantKind(t, "reading nothing", err, fault.NotFound)
	_, err = bucket.Attrs(t.Context(), "b")
	wantKind(t, "attrs of nothing", err, fault.NotFound)
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	bucket := uploadstest.New(t)
	broken := errors.New("the client hung up")
	for _, size := range []int{0, 10, 9_000_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			content := bytes.Repeat([]byte("x"), size)
			object := fmt.Sprintf("failed/%d", size)

			_, err := bucket.Write(t.Context(), object, "text/plain", bytes.NewReader(append(content, 'x')), int64(size))
			wantKind(t, "one byte too many", err, fault.TooLarge)
			wantMissing(t, bucket, object)

			_, err = bucket.Write(t.Context(), object, "text/plain", io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)), 1e9)
			if !errors.Is(err, broken) {
				t.Errorf("a broken source: %v, want %v", err, broken)
			}
			wantMissing(t, bucket, object)

			ctx, cancel := context.WithCancel(t.Context())
			_, err = bucket.Write(ctx, object, "text/plain", io.MultiReader(bytes.NewReader(content), readFunc(func([]byte) (int, error) {
				cancel()
				return 0, io.EOF
			})), 1e9)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled at the end: %v", err)
			}
			wantMissing(t, bucket, object)
		})
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func wantMissing(t *testing.T, bucket *uploads.Bucket, object string) {
	t.Helper()
	if attrs, err := bucket.Attrs(t.Context(), object); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a failed write left %+v (%v)", attrs, err)
	}
}

func wantKind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: %v (kind %d), want kind %d", what, err, fault.KindOf(err), want)
	}
}

func TestListAndDelete(t *testing.T) {
	t.Parallel()
	bucket := uploadstest.New(t)
	for _, object := range []string{"users/1/c", "users/1/a", "users/1/b", "users/10/a", "users/1"} {
		if _, err := bucket.Write(t.Context(), object, "text/plain", strings.NewReader(object), 100); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"users/1/", "", 10, "users/1/a users/1/b users/1/c"},
		{"users/1/", "", 2, "users/1/a users/1/b"},
		{"users/1/", "users/1/b", 2, "users/1/c"},
		{"users/1/", "users/1/c", 2, ""},
		{"users/1", "", 2, "users/1 users/1/a"},
		{"nobody/", "", 2, ""},
	} {
		objects, err := bucket.List(t.Context(), tc.prefix, tc.after, tc.limit)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(objects); got != tc.want {
			t.Errorf("List(%q, %q, %d) = %q, want %q", tc.prefix, tc.after, tc.limit, got, tc.want)
		}
	}

	for range 2 {
		if err := bucket.Delete(t.Context(), "users/1/a"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	left, err := bucket.List(t.Context(), "", "", 10)
	if got := names(left); got != "users/1 users/1/b users/1/c users/10/a" || err != nil {
		t.Errorf("left over: %q, %v", got, err)
	}
}

func names(objects []uploads.Object) string {
	var all []string
	for o := range slices.Values(objects) {
		all = append(all, o.Name)
	}
	return strings.Join(all, " ")
}

func TestAwayAndBack(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, "try later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"name": "a", "generation": "7", "size": "3"}`)
	}))
	t.Cleanup(server.Close)
	bucket := uploads.New(uploads.Config{Bucket: "uploads", Emulator: server.URL})

	away.Store(true)
	_, err := bucket.Attrs(t.Context(), "a")
	wantKind(t, "while the service is away", err, fault.Unavailable)
	away.Store(false)
	if o, err := bucket.Attrs(t.Context(), "a"); err != nil || o.Generation != 7 {
		t.Errorf("when it is back: %+v, %v", o, err)
	}
	server.Close()
	wantKind(t, "when nobody listens", bucket.Ping(t.Context()), fault.Unavailable)
}
