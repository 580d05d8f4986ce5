package storage

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	lengthHeader     = "X-Goog-Content-Length-Range"
	generationHeader = "X-Goog-If-Generation-Match"
)

// notify calls finalized for each object that an upload completes.
func notify(next http.Handler, finalized func(Object)) http.Handler {
	if finalized == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !uploads(r) {
			next.ServeHTTP(w, r)
			return
		}
		answer := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		if object, ok := answer.object(); ok {
			finalized(object)
		}
	})
}

// uploads tells whether the call can complete an object: the JSON API has a path of its own
// for bytes, and rewrites; a signed URL is the object's.
func uploads(r *http.Request) bool {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return false
	}
	if strings.Contains(r.URL.Path, "/rewriteTo/") {
		return true
	}
	for _, other := range []string{"/storage/v1/", "/batch/", "/_internal/"} {
		if strings.HasPrefix(r.URL.Path, other) {
			return false
		}
	}
	return true
}

// recorder keeps a copy of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// object reads which object the answered upload completed, if any. The two other answers of success
// show one too: the beginning of a resumable upload names where to go on, and a part of it asks for more.
func (r *recorder) object() (Object, bool) {
	if r.status != http.StatusOK || r.Header().Get("Location") != "" || r.Header().Get("X-Http-Status-Code-Override") != "" {
		return Object{}, false
	}
	type object struct {
		Bucket      string `json:"bucket"`
		Name        string `json:"name"`
		Generation  int64  `json:"generation,string"`
		Size        int64  `json:"size,string"`
		ContentType string `json:"contentType"`
	}
	var answer struct {
		object
		Rewritten *object `json:"resource"`
	}
	if err := json.Unmarshal(r.body.Bytes(), &answer); err != nil {
		return Object{}, false
	}
	if answer.Rewritten != nil {
		answer.object = *answer.Rewritten
	}
	return Object(answer.object), answer.Name != ""
}
