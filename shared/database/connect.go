package database

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

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
func retryConnect(config *pgxpool.Config) {
	c := config.ConnConfig
	for range connectRetries {
		c.Fallbacks = append(c.Fallbacks, &pgconn.FallbackConfig{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig})
	}
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		dial, wait := c.DialFunc, time.Duration(0)
		c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case <-time.After(wait/2 + rand.N(wait/2+1)):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			wait = max(2*wait, connectRetryWait)
			return dial(ctx, network, address)
		}
		return nil
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
