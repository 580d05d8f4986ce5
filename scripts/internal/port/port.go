// Package port finds ports for programs that must be told theirs.
package port

import (
	"fmt"
	"net"
	"strconv"
)

// Free returns the port of 127.0.0.1 if nobody listens on it now, or any such port
// if it is 0.
func Free(port int) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
