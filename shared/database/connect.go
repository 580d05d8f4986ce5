package database

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
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

// retryConnect lets a refused connection be tried again: the server may have none left for
// a moment, or be starting. pgconn dials the places of a list in turn, each address once or
// once with TLS and once without. Here the list goes over all places in several rounds, and
// of each but the first, the first dial waits.
func retryConnect(c *pgx.ConnConfig) {
	places := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	dials := map[string]int{} // of an address in a round
	for _, place := range places {
		dials[fmt.Sprint(place.Host, ":", place.Port)]++
	}
	perRound := slices.Max(slices.Collect(maps.Values(dials)))
	c.Fallbacks = slices.Repeat(places, 1+connectRetries)[1:] // the first place is the config's own

	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if a, ok := ctx.Value(attemptKey{}).(*attempt); ok { // else it is a request to cancel a query
			if err := a.next(ctx, address, perRound); err != nil {
				return nil, err
			}
		}
		return dial(ctx, network, address)
	}
}

// attempt is how far the making of one connection is, known to the dials by their context.
type attempt struct {
	dialled map[string]int // how often, by address
	round   int
}

type attemptKey struct{}

// TraceConnectStart begins an attempt.
func (tracer) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return context.WithValue(ctx, attemptKey{}, &attempt{dialled: map[string]int{}})
}

// TraceConnectEnd has nothing to do.
func (tracer) TraceConnectEnd(context.Context, pgx.TraceConnectEndData) {}

// next counts a dial, and waits before it if a new round begins with it: the address was
// dialled perRound times in each before.
func (a *attempt) next(ctx context.Context, address string, perRound int) error {
	round := a.dialled[address] / perRound
	a.dialled[address]++
	if round <= a.round {
		return nil
	}
	a.round = round
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
