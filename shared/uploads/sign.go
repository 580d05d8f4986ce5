package uploads

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cloud.google.com/go/compute/metadata"
	"cloud.google.com/go/storage"
	"google.golang.org/api/iamcredentials/v1"
	"google.golang.org/api/option"

	"aksio.app/shared/resource"
)

// SignedURL lets whoever holds it make one kind of request, without an account.
type SignedURL struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"` // to be sent as they are: they are signed, too
	Expires time.Time         `json:"expires"`
}

// longest is how long a signature by the platform's own keys is good for.
const longest = 12 * time.Hour

// SignUpload lets a client write the object: once, with this content type and
// with 1 to limit bytes. An object that is there already is kept and the client told 412.
func (b *Bucket) SignUpload(ctx context.Context, object, contentType string, limit int64, lifetime time.Duration) (SignedURL, error) {
	headers := map[string]string{
		"X-Goog-Content-Length-Range": fmt.Sprintf("1,%d", limit),
		"X-Goog-If-Generation-Match":  "0",
	}
	options := &storage.SignedURLOptions{Method: http.MethodPut, ContentType: contentType}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		options.Headers = append(options.Headers, name+":"+headers[name])
	}
	headers["Content-Type"] = contentType
	return b.sign(ctx, object, headers, lifetime, options)
}

// SignDownload lets a client read the object, which a browser saves as filename.
// The URL is given whether or not there is such an object.
func (b *Bucket) SignDownload(ctx context.Context, object, filename string, lifetime time.Duration) (SignedURL, error) {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": filename})
	return b.sign(ctx, object, nil, lifetime, &storage.SignedURLOptions{
		Method:          http.MethodGet,
		QueryParameters: url.Values{"response-content-disposition": {disposition}},
	})
}

func (b *Bucket) sign(ctx context.Context, object string, headers map[string]string, lifetime time.Duration, options *storage.SignedURLOptions) (SignedURL, error) {
	if lifetime <= 0 || lifetime > longest {
		return SignedURL{}, fmt.Errorf("sign %s: a URL can't last %s: ask for at most %s", object, lifetime, longest)
	}
	signer, err := b.signer(ctx)
	if err != nil {
		return SignedURL{}, fmt.Errorf("sign %s: %w", object, err)
	}
	options.Scheme = storage.SigningSchemeV4
	options.Expires = time.Now().Add(lifetime)
	options.GoogleAccessID = signer.account
	options.SignBytes = func(payload []byte) ([]byte, error) { return signer.sign(ctx, payload) }
	options.Hostname = "storage.googleapis.com"
	if b.config.Emulator != "" {
		options.Hostname = b.config.emulator().Host
		options.Insecure = b.config.emulator().Scheme == "http"
	}
	signed, err := storage.SignedURL(b.config.Bucket, object, options)
	if err != nil {
		return SignedURL{}, fmt.Errorf("sign %s: %w", object, err)
	}
	return SignedURL{URL: signed, Method: options.Method, Headers: headers, Expires: options.Expires.UTC()}, nil
}

// signer signs as a service account.
type signer struct {
	account string
	sign    func(ctx context.Context, payload []byte) ([]byte, error)
}

func newSigner(config Config, options []option.ClientOption) func(context.Context) (signer, error) {
	return resource.Lazily(func(ctx context.Context) (signer, error) {
		if config.Emulator != "" {
			return localSigner(config.emulator()), nil
		}
		return platformSigner(ctx, config.Signer, options)
	})
}

// localSigner signs with the token of the stand-in's address, if it has one.
func localSigner(emulator *url.URL) signer {
	token, _ := emulator.User.Password()
	return signer{"local@aksio.invalid", func(_ context.Context, payload []byte) ([]byte, error) {
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write(payload)
		return mac.Sum(nil), nil
	}}
}

// platformSigner lets IAM sign, so that no key leaves it. The storage client could
// do the same, but it tries for ever and doesn't heed the caller's context.
func platformSigner(ctx context.Context, account string, options []option.ClientOption) (signer, error) {
	if account == "" {
		var err error
		if account, err = metadata.EmailWithContext(ctx, "default"); err != nil {
			return signer{}, fmt.Errorf("the service account is unknown (outside of Google Cloud, set UPLOADS_SIGNER): %w", err)
		}
	}
	iam, err := iamcredentials.NewService(context.Background(), options...)
	return signer{account, func(ctx context.Context, payload []byte) ([]byte, error) {
		answer, err := iam.Projects.ServiceAccounts.SignBlob("projects/-/serviceAccounts/"+account,
			&iamcredentials.SignBlobRequest{Payload: base64.StdEncoding.EncodeToString(payload)}).Context(ctx).Do()
		if err != nil {
			return nil, fmt.Errorf("signBlob as %s: %w", account, err)
		}
		return base64.StdEncoding.DecodeString(answer.SignedBlob)
	}}, err
}
