// Package bucket serves Cloud Storage in this process for development and tests.
package bucket

import "errors"

// Options say what Start serves.
type Options struct {
	Address    string       // host:port to listen on; "" or port 0 chooses a free port of 127.0.0.1
	Dir        string       // where objects are kept; "" keeps them in memory
	Buckets    []string     // created if absent
	OnFinalize func(Object) // called after each completed upload, one at a time; may be nil
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
	URL string // http://host:port, for STORAGE_EMULATOR_HOST
}

// Start serves until Stop.
func Start(options Options) (*Server, error) { return nil, errors.New("not written yet") }

// Stop ends the server.
func (s *Server) Stop() error { return nil }
