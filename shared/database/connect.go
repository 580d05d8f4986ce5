package database

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/resource"
)

// A server that refuses a connection is asked again after up to 100 ms, then after
// up to twice as long each time: 1.5 s in all.
const (
	connectRetries   = 4
	connectRetryWait = 100 * time.Millisecond
)

// retryConnect lets a refused connection be tried again: the server may have none
// left for a moment, or be starting. pgconn tries a list of addresses in turn, some of
// them twice, with TLS and without; the same list stands there several times over, and
// each time its first address is dialled later.
func retryConnect(c *pgx.ConnConfig) {
	round := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	dials := map[string]int{} // of an address in one round
	most := 0
	for _, f := range round {
		address := fmt.Sprint(f.Host, f.Port)
		dials[address]++
		most = max(most, dials[address])
	}
	for range connectRetries {
		c.Fallbacks = append(c.Fallbacks, round...)
	}
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if r, ok := ctx.Value(retriesKey{}).(*retries); ok { // else it is a request to cancel a query
			if err := r.pause(ctx, address, most); err != nil {
				return nil, err
			}
		}
		return dial(ctx, network, address)
	}
}

// retries are those of one connection.
type retries struct {
	dials  map[string]int // of each address
	rounds int            // that were waited for
}

type retriesKey struct{}

// pause waits before a new round, which begins with an address that was dialled as
// often as one round does.
func (r *retries) pause(ctx context.Context, address string, most int) error {
	round := r.dials[address] / most
	r.dials[address]++
	if round <= r.rounds {
		return nil
	}
	r.rounds = round
	wait := connectRetryWait << (round - 1)
	select {
	case <-time.After(wait/2 + rand.N(wait/2)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dialCloudSQL lets connections go through the Cloud SQL connector. The dialer
// is made at the first connection: it looks for credentials.
func dialCloudSQL(config *pgx.ConnConfig, c Config) {
	dialer := resource.Lazily(func(ctx context.Context) (*cloudsqlconn.Dialer, error) {
		dial := cloudsqlconn.WithPublicIP()
		if c.Private {
			dial = cloudsqlconn.WithPrivateIP()
		}
		return cloudsqlconn.NewDialer(ctx,
			cloudsqlconn.WithLazyRefresh(), // a background refresh stalls while the CPU is cut
			cloudsqlconn.WithIAMAuthN(),
			cloudsqlconn.WithBuiltInMetrics(false),
			cloudsqlconn.WithDefaultDialOptions(dial))
	})
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		d, err := dialer(ctx)
		if err != nil {
			return nil, err
		}
		return d.Dial(ctx, c.Instance)
	}
}
