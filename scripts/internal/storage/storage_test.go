package storage_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"aksio.app/scripts/internal/storage"
	"aksio.app/shared/uploads"
)

const name = "uploads"

// begin serves a bucket; what it finalizes comes by the channel.
func begin(t *testing.T, dir string) (*storage.Server, *gcs.Client, <-chan storage.Object) {
	t.Helper()
	finalized := make(chan storage.Object, 10)
	server, err := storage.Start(storage.Options{
		Dir:        dir,
		Buckets:    []string{name},
		OnFinalize: func(object storage.Object) { finalized <- object },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := gcs.NewClient(t.Context(),
		option.WithEndpoint(server.URL+"/storage/v1/"), option.WithoutAuthentication(), gcs.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return server, client, finalized
}

func TestEachCompletedUploadIsToldOnce(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	tests := []struct {
		name   string
		size   int
		upload func(t *testing.T, server *storage.Server, client *gcs.Client, object string, content []byte)
	}{
		{"multipart", 100, write(0)},
		{"resumable in one part", mebibyte / 2, write(mebibyte)},
		{"resumable in parts", 2*mebibyte + 1, write(mebibyte)},
		{"signed", 100, put},
		{"signed and small", 1, put},
	}
	for _, kept := range []string{"memory", "files"} {
		for _, test := range tests {
			t.Run(test.name+" in "+kept, func(t *testing.T) {
				t.Parallel()
				var dir string
				if kept == "files" {
					dir = t.TempDir()
				}
				server, client, finalized := begin(t, dir)
				const object = "users/1/an über name.pdf"
				content := bytes.Repeat([]byte{'x'}, test.size)
				test.upload(t, server, client, object, content)

				attributes, err := client.Bucket(name).Object(object).Attrs(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := storage.Object{
					Bucket: name, Name: object, Generation: attributes.Generation,
					Size: int64(test.size), ContentType: "application/pdf",
				}
				if attributes.Generation == 0 || attributes.Size != want.Size {
					t.Errorf("stored as generation %d of %d bytes, want a generation of %d bytes", attributes.Generation, attributes.Size, test.size)
				}
				expectOnly(t, finalized, want)
			})
		}
	}
}

func TestOtherCallsTellNothing(t *testing.T) {
	t.Parallel()
	server, client, finalized := begin(t, "")
	write(0)(t, server, client, "kept", []byte("text"))
	<-finalized

	if err := client.Bucket("another").Create(t.Context(), "project", nil); err != nil {
		t.Fatal(err)
	}
	object := client.Bucket(name).Object("kept")
	if _, err := object.Update(t.Context(), gcs.ObjectAttrsToUpdate{Metadata: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	reader, err := object.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(reader); err != nil || string(content) != "text" {
		t.Errorf("read %q, %v; want text", content, err)
	}
	if err := object.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(finalized) != 0 {
		t.Errorf("told %+v, want nothing", <-finalized)
	}
}

// A rewrite makes another generation, which starts the reading of a document anew.
func TestARewriteIsTold(t *testing.T) {
	t.Parallel()
	server, client, finalized := begin(t, t.TempDir())
	write(0)(t, server, client, "kept", []byte("text"))
	before := <-finalized
	object := client.Bucket(name).Object("kept")
	attributes, err := object.CopierFrom(object).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Generation = attributes.Generation
	expectOnly(t, finalized, want)
	if want.Generation == before.Generation {
		t.Error("the generation is the same")
	}
}

func TestFilesOutliveTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, client, _ := begin(t, dir)
	write(0)(t, server, client, "kept", []byte("text"))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, client, _ = begin(t, dir)
	attributes, err := client.Bucket(name).Object("kept").Attrs(t.Context())
	if err != nil || attributes.ContentType != "application/pdf" {
		t.Errorf("found %+v, %v; want the object of before", attributes, err)
	}
}

func TestBrowsersMayUpload(t *testing.T) {
	t.Parallel()
	server, _, _ := begin(t, "")
	headers := []string{"Content-Type", "X-Goog-Content-Length-Range", "X-Goog-If-Generation-Match"}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, server.URL+"/"+name+"/object", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://aksio.app")
	request.Header.Set("Access-Control-Request-Method", http.MethodPut)
	request.Header.Set("Access-Control-Request-Headers", strings.Join(headers, ","))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Fatalf("answered %s %v, want the origin allowed", response.Status, response.Header)
	}
	for _, header := range headers[1:] {
		if allowed := response.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(allowed, header) {
			t.Errorf("allows %q, want %s too", allowed, header)
		}
	}
}

func TestATakenPortIsAnError(t *testing.T) {
	t.Parallel()
	server, _, _ := begin(t, "")
	second, err := storage.Start(storage.Options{Address: strings.TrimPrefix(server.URL, "http://")})
	if err == nil {
		t.Errorf("a second server started at %s", second.URL)
	}
}

// expectOnly fails unless exactly this object was told: telling comes before the upload's answer.
func expectOnly(t *testing.T, finalized <-chan storage.Object, want storage.Object) {
	t.Helper()
	select {
	case got := <-finalized:
		if got != want {
			t.Errorf("told %+v, want %+v", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatal("told nothing")
	}
	if len(finalized) != 0 {
		t.Errorf("told once more: %+v", <-finalized)
	}
}

// write uploads by Google's client: in parts of the size, 0 for all at once.
func write(part int) func(*testing.T, *storage.Server, *gcs.Client, string, []byte) {
	return func(t *testing.T, _ *storage.Server, client *gcs.Client, object string, content []byte) {
		t.Helper()
		w := client.Bucket(name).Object(object).If(gcs.Conditions{DoesNotExist: true}).NewWriter(t.Context())
		w.ChunkSize, w.ContentType = part, "application/pdf"
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// put uploads as a browser does: to a URL that a function signed, here at "localhost".
func put(t *testing.T, server *storage.Server, _ *gcs.Client, object string, content []byte) {
	t.Helper()
	signed := sign(t, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), object, int64(max(1, len(content))))
	if status, text := send(t, signed, content); status != http.StatusOK {
		t.Fatalf("answered %d: %s", status, text)
	}
}

// sign returns where to put 1 to limit bytes, once.
func sign(t *testing.T, address, object string, limit int64) uploads.SignedURL {
	t.Helper()
	signed, err := uploads.New(uploads.Config{Bucket: name, Emulator: address}).SignUpload(t.Context(), object, "application/pdf", limit, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func send(t *testing.T, signed uploads.SignedURL, content []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), signed.Method, signed.URL, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for header, value := range signed.Headers {
		request.Header.Set(header, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// TestSignedURLsAreKept tries what the real service refuses.
func TestSignedURLsAreKept(t *testing.T) {
	t.Parallel()
	server, client, finalized := begin(t, t.TempDir())
	bare := "http://" + server.URL[strings.Index(server.URL, "@")+1:]
	for what, tc := range map[string]struct {
		change func(*uploads.SignedURL)
		size   int
		want   int
	}{
		"too many bytes": {func(*uploads.SignedURL) {}, 11, http.StatusBadRequest},
		"no bytes":       {func(*uploads.SignedURL) {}, 0, http.StatusBadRequest},
		"another range":  {func(s *uploads.SignedURL) { s.Headers["X-Goog-Content-Length-Range"] = "1,99" }, 11, http.StatusForbidden},
		"no range":       {func(s *uploads.SignedURL) { delete(s.Headers, "X-Goog-Content-Length-Range") }, 11, http.StatusForbidden},
		"no condition":   {func(s *uploads.SignedURL) { delete(s.Headers, "X-Goog-If-Generation-Match") }, 10, http.StatusForbidden},
		"another type":   {func(s *uploads.SignedURL) { s.Headers["Content-Type"] = "text/html" }, 10, http.StatusForbidden},
		"another object": {func(s *uploads.SignedURL) { s.URL = strings.Replace(s.URL, "/kept?", "/other?", 1) }, 10, http.StatusForbidden},
		"longer":         {func(s *uploads.SignedURL) { s.URL = strings.Replace(s.URL, "X-Goog-Expires=3", "X-Goog-Expires=9", 1) }, 10, http.StatusForbidden},
		"of another server": {func(s *uploads.SignedURL) {
			*s = sign(t, strings.Replace(server.URL, "local:", "local:x", 1), "kept", 10)
		}, 10, http.StatusForbidden},
		"without": {func(s *uploads.SignedURL) { s.URL = bare + "/" + name + "/kept" }, 10, http.StatusUnauthorized},
	} {
		signed := sign(t, server.URL, "kept", 10)
		tc.change(&signed)
		if status, text := send(t, signed, bytes.Repeat([]byte("x"), tc.size)); status != tc.want {
			t.Errorf("%s: answered %d %s, want %d", what, status, text, tc.want)
		}
	}
	signed := sign(t, server.URL, "kept", 10)
	for i, want := range []int{http.StatusOK, http.StatusPreconditionFailed} {
		if status, text := send(t, signed, fmt.Appendf(nil, "try %d", i)); status != want {
			t.Errorf("try %d: answered %d %s, want %d", i, status, text, want)
		}
	}
	if len(finalized) != 1 {
		t.Errorf("told %d times", len(finalized))
	}
	reader, err := client.Bucket(name).Object("kept").NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if content, _ := io.ReadAll(reader); string(content) != "try 0" {
		t.Errorf("kept %q", content)
	}
}

// TestStrangersAreKeptOut asks as any page in the browser of whoever runs this can.
func TestStrangersAreKeptOut(t *testing.T) {
	t.Parallel()
	server, client, finalized := begin(t, t.TempDir())
	write(0)(t, server, client, "kept", []byte("text"))
	<-finalized
	bare := "http://" + server.URL[strings.Index(server.URL, "@")+1:]
	for _, call := range []string{
		"GET /storage/v1/b", "GET /storage/v1/b/uploads/o", "GET /storage/v1/b/uploads/o/kept?alt=media", "GET /uploads/kept", "GET /uploads", "GET /download/storage/v1/b/uploads/o/kept",
		"POST /upload/storage/v1/b/uploads/o?uploadType=media&name=evil", "POST /storage/v1/b/uploads/o/kept/rewriteTo/b/uploads/o/evil",
		"POST /_internal/delete_all", "DELETE /uploads/kept", "DELETE /storage/v1/b/uploads/o/kept", "POST /batch/storage/v1",
		"PUT /upload/storage/v1/b/uploads/o?upload_id=guessed",
	} {
		method, path, _ := strings.Cut(call, " ")
		if status, text := send(t, uploads.SignedURL{Method: method, URL: bare + path}, []byte("evil")); status != http.StatusUnauthorized {
			t.Errorf("%s: answered %d %s", call, status, text)
		}
	}
}

// TestNamesStayInTheFolder writes where files of others could be.
func TestNamesStayInTheFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	server, client, _ := begin(t, dir)
	for _, object := range []string{"documents/../../../evil", "../evil", "documents/./evil", ".."} {
		for _, part := range []int{0, 1 << 20} {
			w := client.Bucket(name).Object(object).NewWriter(t.Context())
			w.ChunkSize = part
			_, _ = w.Write([]byte("evil"))
			if err := w.Close(); err == nil {
				t.Errorf("%s was written", object)
			}
		}
		signed := sign(t, server.URL, object, 10)
		if status, text := send(t, signed, []byte("evil")); status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", object, status, text)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "..")); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder are %v, %v", entries, err)
	}
}
