// Package storage serves Cloud Storage in this process for development and tests.
package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// Options say what Start serves.
type Options struct {
	Address    string       // host:port to listen on; "" or port 0 chooses a free port of 127.0.0.1
	Dir        string       // where objects are kept; "" keeps them in memory
	Buckets    []string     // created if absent
	OnFinalize func(Object) // called before an upload's answer is sent, several at once; may be nil
}

// Object is what a finalized event says.
type Object struct {
	Bucket      string
	Name        string
	Generation  int64
	Size        int64 // bytes
	ContentType string
}

// Server is a running Cloud Storage.
type Server struct {
	URL string // http://local:token@host:port, for STORAGE_EMULATOR_HOST

	fake   *fakestorage.Server
	server *http.Server
	once   sync.Once
}

// Start serves until Stop.
func Start(options Options) (*Server, error) {
	if options.Address == "" {
		options.Address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return nil, fmt.Errorf("serve the bucket: %w; free that port or choose another", err)
	}
	s, err := serve(listener, options)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

func serve(listener net.Listener, options Options) (*Server, error) {
	if options.Dir != "" {
		if err := os.MkdirAll(options.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("make the bucket's directory: %w", err)
		}
	}
	// The fake tells signed URLs from others by their host: it must know its own.
	host := listener.Addr().String()
	token := rand.Text()
	s := &Server{URL: "http://local:" + token + "@" + host}
	var err error
	s.fake, err = fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener:         true,
		StorageRoot:        options.Dir,
		Scheme:             "http",
		PublicHost:         host,
		ExternalURL:        "http://" + host,
		AllowedCORSHeaders: []string{lengthHeader, generationHeader},
	})
	if err != nil {
		return nil, fmt.Errorf("start the bucket: %w", err)
	}
	for _, name := range options.Buckets {
		s.fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	s.server = &http.Server{
		Handler:           &guard{token: token, fake: s.fake, next: ownHost(host, notify(s.fake.HTTPHandler(), options.OnFinalize))},
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = s.server.Serve(listener) }() // ends with ErrServerClosed at Stop
	return s, nil
}

// ownHost lets "localhost" work too: the fake takes any host but its own for a bucket's name.
func ownHost(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		next.ServeHTTP(w, r)
	})
}

// Stop lets calls end, for at most two seconds, and ends the server. A second call does nothing.
func (s *Server) Stop() error {
	var err error
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err = s.server.Shutdown(ctx); err != nil {
			err = s.server.Close()
		}
		s.fake.Stop()
	})
	return err
}
