package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// transport makes connections to this machine alone, whatever an address or a
// signed URL says: a load run must not become an attack.
func transport(connections int) *http.Transport {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     time.Minute,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if err := loopback(host); err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, address)
		},
	}
}

// loopback refuses every host that isn't this machine's own, by its number or as
// localhost: other names could lead anywhere.
func loopback(host string) error {
	if host == "localhost" {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s isn't this machine: load goes nowhere else", host)
}

// ownDatabase refuses a database on another machine.
func ownDatabase(address string) error {
	config, err := pgx.ParseConfig(address) // it takes other forms than addresses, and hosts of the environment
	if err != nil {
		return errors.New("DATABASE_URL can't be parsed: write postgres://user:password@host:5432/name")
	}
	hosts := []string{config.Host}
	for _, other := range config.Fallbacks {
		hosts = append(hosts, other.Host)
	}
	for _, host := range hosts {
		if strings.HasPrefix(host, "/") { // a socket
			continue
		}
		if err := loopback(host); err != nil {
			return fmt.Errorf("DATABASE_URL: %w", err)
		}
	}
	return nil
}

// forwarded adds the address of a student to their requests, as the load balancer
// before the functions does. The functions believe it, since they are told that
// one proxy of ours stands before them.
type forwarded struct {
	address netip.Addr
	base    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (f forwarded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", f.address.String())
	return f.base.RoundTrip(r)
}

// mostStudents is how many addresses there are for students.
const mostStudents = 100_000

// addressOf is the student's own address, from the network that is set apart for
// measuring (RFC 2544).
func addressOf(student int) netip.Addr {
	n := student + 1
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16), byte(n >> 8), byte(n)})
}
