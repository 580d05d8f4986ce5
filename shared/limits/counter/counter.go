// Package counter counts events for the limits package where the settings say: in
// Redis if there is one, else in the database.
package counter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"aksio.app/shared/database"
	"aksio.app/shared/limits"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that limit how often something is done.
const Resource resource.Name = "limits"

// Config says where Redis is.
type Config struct {
	URL     string `env:"REDIS_URL" example:"rediss://:password@10.128.0.3:6378"` // none when empty
	CACerts string `env:"REDIS_CA_CERTS"`                                         // PEM, of Redis's own authority
}

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	_, err := c.options()
	return err
}

// options are how Redis is called: it shall save time, so that it isn't waited for.
func (c Config) options() (*redis.Options, error) {
	if c.URL == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(c.URL)
	if err != nil { // which repeats the address with its password
		return nil, errors.New("REDIS_URL can't be parsed: write redis://:password@host:6379, or rediss:// for TLS")
	}
	if c.CACerts != "" {
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM([]byte(c.CACerts)) {
			return nil, errors.New("REDIS_CA_CERTS holds no certificate: write the authority's in PEM form")
		}
		if options.TLSConfig == nil {
			return nil, errors.New("REDIS_CA_CERTS is set, but REDIS_URL asks for no TLS: write rediss://")
		}
		options.TLSConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12, ServerName: options.TLSConfig.ServerName}
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Second, 250*time.Millisecond, 250*time.Millisecond
	options.MaxRetries, options.DialerRetries = -1, 1
	options.PoolSize, options.MaxIdleConns = 4, 1
	return options, nil
}

// Pinger is a limiter that counts in a server of its own, which may be away.
type Pinger interface {
	// Ping reports whether the server answers.
	Ping(ctx context.Context) error
}

// Open returns the process's limiter, a Pinger where there is a Redis.
func Open(env *resource.Env, db *database.DB) (limits.Limiter, error) {
	return resource.Open(env, Resource, func() (limits.Limiter, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return New(config, limits.InDatabase(db))
	})
}

// New returns a limiter that counts in the configured Redis, and elsewhere while
// that is away or if there is none.
func New(config Config, elsewhere limits.Limiter) (limits.Limiter, error) {
	options, err := config.options()
	if options == nil {
		return elsewhere, err
	}
	return &inRedis{client: redis.NewClient(options), elsewhere: elsewhere}, nil
}

type inRedis struct {
	client    *redis.Client
	elsewhere limits.Limiter
	away      atomic.Int64 // until when Redis isn't asked, in nanoseconds of Unix time
}

// Ping reports whether Redis answers.
func (r *inRedis) Ping(ctx context.Context) error { return r.client.Ping(ctx).Err() }

// pause is how long a Redis that failed is left alone: calls shouldn't each wait for it.
const pause = 10 * time.Second

// take is the migrations' take_turn for key after key, in milliseconds. A key goes by
// itself when all events have come back.
var take = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
	local within = tonumber(ARGV[2 * i])
	local every = within / ARGV[2 * i - 1]
	local ready = math.max(tonumber(redis.call('GET', key) or 0), now) + every
	if ready > now + within then
		return math.ceil(ready - now - within)
	end
	redis.call('SET', key, string.format('%.3f', ready), 'PX', math.ceil(ready - now))
end
return 0`)

// Take counts events. What was counted elsewhere in the meantime isn't known here.
func (r *inRedis) Take(ctx context.Context, key string, rate limits.Rate, further ...limits.Turn) error {
	now := time.Now()
	if now.UnixNano() < r.away.Load() {
		return r.elsewhere.Take(ctx, key, rate, further...)
	}
	keys, args := []string{"limits:" + key}, []any{rate.Count, rate.Per.Milliseconds()}
	for _, t := range further {
		keys, args = append(keys, "limits:"+t.Key), append(args, t.Rate.Count, t.Rate.Per.Milliseconds())
	}
	wait, err := take.Run(ctx, r.client, keys, args...).Int64()
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("count an event: %w", ctx.Err())
	case err != nil:
		r.away.Store(now.Add(pause).UnixNano())
		slog.WarnContext(ctx, "redis away", "error", err)
		return r.elsewhere.Take(ctx, key, rate, further...)
	case wait > 0:
		return limits.Throttled(max(time.Duration(wait)*time.Millisecond, time.Second))
	}
	return nil
}
