package uploads_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/option"

	"aksio.app/shared/fault"
	"aksio.app/shared/uploads"
)

// iam signs as the platform does, for one account.
type iam struct {
	key    *rsa.PrivateKey
	status int // to answer instead, if not 0
	calls  int
}

func (i *iam) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	i.calls++
	var body struct{ Payload []byte }
	json.NewDecoder(r.Body).Decode(&body)
	switch {
	case i.status != 0:
		http.Error(w, "no", i.status)
	case r.URL.String() != "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/reader@aksio.iam:signBlob?alt=json&prettyPrint=false":
		http.Error(w, r.URL.String(), http.StatusNotFound)
	default:
		sum := sha256.Sum256(body.Payload)
		signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, sum[:])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(w, `{"keyId": "1", "signedBlob": %q}`, base64.StdEncoding.EncodeToString(signature))
	}
	return w.Result(), nil
}

func newIAM(t *testing.T) *iam {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &iam{key: key}
}

func (i *iam) bucket(account string) *uploads.Bucket {
	return uploads.New(uploads.Config{Bucket: "media", Signer: account}, option.WithHTTPClient(&http.Client{Transport: i}))
}

// check computes the signature's base from the request as the service receives it.
func (i *iam) check(req *http.Request) error {
	query := req.URL.Query()
	signature, err := hex.DecodeString(query.Get("X-Goog-Signature"))
	if err != nil {
		return err
	}
	query.Del("X-Goog-Signature")
	var headers strings.Builder
	for name := range strings.SplitSeq(query.Get("X-Goog-SignedHeaders"), ";") {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, value)
	}
	canonical := strings.Join([]string{
		req.Method, req.URL.EscapedPath(), strings.ReplaceAll(query.Encode(), "+", "%20"),
		headers.String(), query.Get("X-Goog-SignedHeaders"), "UNSIGNED-PAYLOAD"}, "\n")
	_, scope, _ := strings.Cut(query.Get("X-Goog-Credential"), "/")
	hash := sha256.Sum256([]byte(canonical))
	base := sha256.Sum256(fmt.Appendf(nil, "GOOG4-RSA-SHA256\n%s\n%s\n%x", query.Get("X-Goog-Date"), scope, hash))
	return rsa.VerifyPKCS1v15(&i.key.PublicKey, crypto.SHA256, base[:], signature)
}

func TestPlatformSignatureCoversTheRequest(t *testing.T) {
	t.Parallel()
	platform := newIAM(t)
	bucket := platform.bucket("reader@aksio.iam")
	signed, err := bucket.SignUpload(t.Context(), "documents/1/2.pdf", "application/pdf", 1000, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wantHeaders := map[string]string{
		"Content-Type": "application/pdf", "X-Goog-Content-Length-Range": "1,1000", "X-Goog-If-Generation-Match": "0",
	}
	if !maps.Equal(signed.Headers, wantHeaders) || signed.Method != http.MethodPut {
		t.Errorf("%s with %v, want PUT with %v", signed.Method, signed.Headers, wantHeaders)
	}
	if want := "https://storage.googleapis.com/media/documents/1/2.pdf?"; !strings.HasPrefix(signed.URL, want) {
		t.Errorf("URL %s, want %s…", signed.URL, want)
	}
	if got := mustParse(t, signed.URL).Query().Get("X-Goog-Expires"); got != "3599" && got != "3600" {
		t.Errorf("expires after %s s, want 3600", got)
	}
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		good   bool
	}{
		{"as signed", func(*http.Request) {}, true},
		{"another method", func(r *http.Request) { r.Method = http.MethodGet }, false},
		{"another object", func(r *http.Request) { r.URL.Path = "/media/documents/1/3.pdf" }, false},
		{"another type", func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }, false},
		{"more bytes", func(r *http.Request) { r.Header.Set("X-Goog-Content-Length-Range", "1,9999") }, false},
		{"overwriting", func(r *http.Request) { r.Header.Del("X-Goog-If-Generation-Match") }, false},
		{"later", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Goog-Expires=3", "X-Goog-Expires=9", 1)
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range signed.Headers {
				req.Header.Set(name, value)
			}
			tc.change(req)
			if err := platform.check(req); (err == nil) != tc.good {
				t.Errorf("the signature holds: %v (%v), want %v", err == nil, err, tc.good)
			}
		})
	}

	down, err := bucket.SignDownload(t.Context(), "documents/1/2.pdf", "Übung 1.pdf", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), down.Method, down.URL, nil)
	if err := platform.check(req); err != nil {
		t.Errorf("download: %v", err)
	}
	if got := req.URL.Query().Get("response-content-disposition"); got != "attachment; filename*=utf-8''%C3%9Cbung%201.pdf" {
		t.Errorf("disposition %q", got)
	}
}

func TestPlatformCantSign(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Kind{
		http.StatusServiceUnavailable: fault.Unavailable,
		http.StatusTooManyRequests:    fault.Unavailable,
		http.StatusForbidden:          fault.Internal,
	} {
		platform := newIAM(t)
		platform.status = status
		bucket := platform.bucket("reader@aksio.iam")
		_, err := bucket.SignUpload(t.Context(), "a", "text/plain", 1, time.Hour)
		wantKind(t, fmt.Sprint(status), err, want)
		platform.status = 0
		if _, err := bucket.SignUpload(t.Context(), "a", "text/plain", 1, time.Hour); err != nil {
			t.Errorf("after %d: %v", status, err)
		}
	}
}

// Not parallel: the metadata server's address is the process's.
func TestAccountFromMetadata(t *testing.T) {
	answers := []string{"", "reader@aksio.iam"}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answers[asked] == "" || r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/email" {
			http.Error(w, "no", http.StatusNotFound)
		}
		fmt.Fprint(w, answers[asked])
		asked++
	}))
	t.Cleanup(server.Close)
	t.Setenv("GCE_METADATA_HOST", server.Listener.Addr().String())

	bucket := newIAM(t).bucket("")
	_, err := bucket.SignUpload(t.Context(), "a", "text/plain", 1, time.Hour)
	if err == nil || !strings.Contains(err.Error(), "UPLOADS_SIGNER") {
		t.Errorf("without an account: %v, want a hint to UPLOADS_SIGNER", err)
	}
	for range 2 { // asked once more, and then remembered
		signed, err := bucket.SignUpload(t.Context(), "a", "text/plain", 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, signed.URL).Query().Get("X-Goog-Credential"); !slices.Contains(strings.Split(got, "/"), "reader@aksio.iam") {
			t.Errorf("signed as %q", got)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
