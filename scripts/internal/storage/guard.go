package storage

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// guard lets in whoever has the token, which is our own programs, or a URL that was
// signed with it: a page that somebody reads on this machine can reach this server, too.
// It keeps what signed URLs promise, as the real service does.
type guard struct {
	token   string
	fake    *fakestorage.Server
	next    http.Handler
	writing sync.Map // what is being written on a condition
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, reason := g.refusal(r); reason != "" {
		refuse(w, status, reason)
		return
	}
	if wanted := r.Header.Get(generationHeader); wanted != "" && r.Method == http.MethodPut {
		if _, busy := g.writing.LoadOrStore(r.URL.Path, true); busy || wanted != g.generation(r.URL.Path) {
			refuse(w, http.StatusPreconditionFailed, "PreconditionFailed: the object has another generation")
			return
		}
		defer g.writing.Delete(r.URL.Path)
	}
	g.next.ServeHTTP(&continued{w, g.token}, r)
}

// continued gives the token to whoever is told where to go on with an upload.
type continued struct {
	http.ResponseWriter
	token string
}

func (c *continued) WriteHeader(status int) {
	if there, ok := strings.CutPrefix(c.Header().Get("Location"), "http://"); ok {
		c.Header().Set("Location", "http://local:"+c.token+"@"+there)
	}
	c.ResponseWriter.WriteHeader(status)
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Access-Control-Allow-Origin", "*") // a page may see why
	http.Error(w, reason, status)
}

// refusal says why a call isn't let in, if it isn't.
func (g *guard) refusal(r *http.Request) (status int, reason string) {
	query := r.URL.Query()
	for _, name := range []string{r.URL.Path, query.Get("name")} {
		segments := strings.Split(name, "/")
		if slices.Contains(segments, "..") || slices.Contains(segments, ".") {
			return http.StatusBadRequest, "InvalidObjectName: a name may not lead out of its folder"
		}
	}
	_, password, _ := r.BasicAuth()
	switch {
	case r.Method == http.MethodOptions: // asks whether a page may ask
	case subtle.ConstantTimeCompare([]byte(password), []byte(g.token)) == 1:
	case !query.Has("X-Goog-Signature"):
		return http.StatusUnauthorized, "AccessDenied: send the token of the server's address, or use a signed URL"
	case !g.signed(r):
		return http.StatusForbidden, "SignatureDoesNotMatch: send the request that was signed"
	case expired(query.Get("X-Goog-Date"), query.Get("X-Goog-Expires")):
		return http.StatusBadRequest, "ExpiredToken: the URL isn't good any more"
	}
	var least, most int64
	if n, _ := fmt.Sscanf(r.Header.Get(lengthHeader), "%d,%d", &least, &most); n < 2 {
		return 0, ""
	}
	switch size := r.ContentLength; {
	case size < 0:
		return http.StatusLengthRequired, "MissingContentLength: say how many bytes come"
	case size < least:
		return http.StatusBadRequest, "EntityTooSmall: fewer bytes than were agreed on"
	case size > most:
		return http.StatusBadRequest, "EntityTooLarge: more bytes than were agreed on"
	}
	return 0, ""
}

// signed reports whether the URL's signature is one of this request, by the token.
func (g *guard) signed(r *http.Request) bool {
	query := r.URL.Query()
	signature, _ := hex.DecodeString(query.Get("X-Goog-Signature"))
	query.Del("X-Goog-Signature")
	names := query.Get("X-Goog-SignedHeaders")
	var headers strings.Builder
	for name := range strings.SplitSeq(names, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value, _, _ = strings.Cut(r.Host, ":")
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, value)
	}
	request := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(query.Encode(), "+", "%20"),
		headers.String(), names, "UNSIGNED-PAYLOAD"}, "\n")
	_, scope, _ := strings.Cut(query.Get("X-Goog-Credential"), "/")
	mac := hmac.New(sha256.New, []byte(g.token))
	fmt.Fprintf(mac, "GOOG4-RSA-SHA256\n%s\n%s\n%x", query.Get("X-Goog-Date"), scope, sha256.Sum256([]byte(request)))
	return hmac.Equal(signature, mac.Sum(nil))
}

func expired(date, seconds string) bool {
	from, err := time.Parse("20060102T150405Z", date)
	lifetime, malformed := strconv.Atoi(seconds)
	return err != nil || malformed != nil || time.Since(from) > time.Duration(lifetime)*time.Second
}

// generation returns that of the object with a signed URL's path; 0 if there is none.
func (g *guard) generation(path string) string {
	bucket, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	object, err := g.fake.GetObjectStreaming(bucket, name)
	if err != nil {
		return "0"
	}
	object.Close()
	return strconv.FormatInt(object.Generation, 10)
}
