package database

import (
	"context"
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
// left for a moment, or be starting. pgconn tries a list of addresses in turn; the
// same one stands on it several times, and is dialled later each time.
func retryConnect(c *pgx.ConnConfig) {
	for range connectRetries {
		c.Fallbacks = append(c.Fallbacks, &pgconn.FallbackConfig{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig})
	}
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if retry, ok := ctx.Value(retryKey{}).(*retryWait); ok { // else it is a request to cancel a query
			if err := retry.pause(ctx); err != nil {
				return nil, err
			}
		}
		return dial(ctx, network, address)
	}
}

// retryWait is how long the next attempt of one connection waits.
type retryWait time.Duration

type retryKey struct{}

func (w *retryWait) pause(ctx context.Context) error {
	wait := time.Duration(*w)
	*w = retryWait(max(2*wait, connectRetryWait))
	select {
	case <-time.After(wait/2 + rand.N(wait/2+1)):
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
