package main

import (
	"net"
	"net/http"
	"testing"

	"aksio.app/scripts/internal/client"
)

// listen serves on a free port until the test ends.
func listen(t *testing.T, server *http.Server) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

// studentAt is a student of the API at the address.
func studentAt(address string) *student {
	return &student{signedOut: client.Client{Address: address}, file: &file{name: "a.md"}, course: "c", document: "d", topics: []string{"t"}}
}
