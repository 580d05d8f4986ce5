package bucket_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"aksio.app/scripts/internal/bucket"
)

const name = "uploads"

// begin serves a bucket; what it finalizes comes by the channel.
func begin(t *testing.T, dir string) (*bucket.Server, *storage.Client, <-chan bucket.Object) {
	t.Helper()
	finalized := make(chan bucket.Object, 10)
	server, err := bucket.Start(bucket.Options{
		Dir:        dir,
		Buckets:    []string{name},
		OnFinalize: func(object bucket.Object) { finalized <- object },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := storage.NewClient(t.Context(),
		option.WithEndpoint(server.URL+"/storage/v1/"), option.WithoutAuthentication(), storage.WithJSONReads())
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
		upload func(t *testing.T, server *bucket.Server, client *storage.Client, object string, content []byte)
	}{
		{"multipart", 100, write(0)},
		{"resumable in one part", mebibyte / 2, write(mebibyte)},
		{"resumable in parts", 2*mebibyte + 1, write(mebibyte)},
		{"signed", 100, put},
		{"signed and empty", 0, put},
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
				want := bucket.Object{
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
	if _, err := object.Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{"a": "b"}}); err != nil {
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
	second, err := bucket.Start(bucket.Options{Address: strings.TrimPrefix(server.URL, "http://")})
	if err == nil {
		t.Errorf("a second server started at %s", second.URL)
	}
}

// expectOnly fails unless exactly this object was told: telling comes before the upload's answer.
func expectOnly(t *testing.T, finalized <-chan bucket.Object, want bucket.Object) {
	t.Helper()
	select {
	case got := <-finalized:
		if got != want {
			t.Errorf("told %+v, want %+v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("told nothing")
	}
	if len(finalized) != 0 {
		t.Errorf("told once more: %+v", <-finalized)
	}
}

// write uploads by Google's client: in parts of the size, 0 for all at once.
func write(part int) func(*testing.T, *bucket.Server, *storage.Client, string, []byte) {
	return func(t *testing.T, _ *bucket.Server, client *storage.Client, object string, content []byte) {
		t.Helper()
		w := client.Bucket(name).Object(object).If(storage.Conditions{DoesNotExist: true}).NewWriter(t.Context())
		w.ChunkSize, w.ContentType = part, "application/pdf"
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// put uploads as a browser does: to a URL that somebody else signed, here at "localhost".
func put(t *testing.T, server *bucket.Server, client *storage.Client, object string, content []byte) {
	t.Helper()
	host, err := url.Parse(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{"X-Goog-Content-Length-Range": "0,1000", "X-Goog-If-Generation-Match": "0"}
	options := &storage.SignedURLOptions{
		GoogleAccessID: "signer@example.com", PrivateKey: key(t), Scheme: storage.SigningSchemeV4,
		Method: http.MethodPut, Expires: time.Now().Add(time.Hour), ContentType: "application/pdf",
		Hostname: host.Host, Insecure: true,
	}
	for header, value := range headers {
		options.Headers = append(options.Headers, header+":"+value)
	}
	address, err := client.Bucket(name).SignedURL(object, options)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPut, address, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/pdf")
	for header, value := range headers {
		request.Header.Set(header, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("answered %s: %s", response.Status, text)
	}
}

func key(t *testing.T) []byte {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
}
