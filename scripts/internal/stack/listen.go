package stack

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// listen takes the gateway's port, and the next one for private functions. Both
// are on the loopback address: nothing here is meant for the network.
func listen(port int) (public, private net.Listener, err error) {
	if public, err = listenOn(port, "the gateway"); err != nil {
		return nil, nil, err
	}
	next := port
	if port != 0 {
		next++
	}
	if private, err = listenOn(next, "private functions"); err != nil {
		public.Close()
		return nil, nil, err
	}
	return public, private, nil
}

func listenOn(port int, whose string) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d, for %s, is taken: set PORT to the first of two that are free", port, whose)
	}
	return listener, err
}

// atHome refuses calls that a browser makes for some page: it names the page's origin, or
// the host whose name leads here.
func atHome(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if r.Header.Get("Origin") != "" || host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "private functions aren't for pages", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ignoreClosed drops the error of closing a listener that its server has closed.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
