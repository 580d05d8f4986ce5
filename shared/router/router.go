// Package router passes calls on to functions that have addresses of their own, for
// clients that know only one.
package router

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/idtoken"

	"aksio.app/shared/api"
	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that call other functions.
const Resource resource.Name = "functions"

// Route says which function serves a path.
type Route struct {
	Function string   `json:"function"`
	Methods  []string `json:"methods"`
	Path     string   `json:"path"`
}

// Config says where the functions are and how they are called.
type Config struct {
	api.Config
	Target   string `env:"ROUTER_TARGET"`   // address of a function, with {function} for its id
	Identify bool   `env:"ROUTER_IDENTITY"` // tell the functions who calls: they let in nobody else
}

const placeholder = "{function}"

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	errs := []error{c.Config.Validate()}
	switch {
	case !strings.Contains(c.Target, placeholder):
		errs = append(errs, fmt.Errorf("ROUTER_TARGET is %q: write the functions' address with %s for the id, such as https://%[2]s-123.europe-west1.run.app", c.Target, placeholder))
	case !api.IsServer(c.address("x")):
		errs = append(errs, fmt.Errorf("ROUTER_TARGET is %q: write http or https and a host, nothing after it", c.Target))
	}
	return errors.Join(errs...)
}

// address returns where the function is.
func (c Config) address(function string) string {
	return strings.ReplaceAll(c.Target, placeholder, function)
}

// Open returns what passes calls on to the routes' functions.
func Open(env *resource.Env, routes []Route) (http.Handler, error) {
	return resource.Open(env, Resource, func() (http.Handler, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return New(config, routes, newTransport()), nil
	})
}

// New returns what passes calls on by the transport, without calling out.
func New(config Config, routes []Route, transport http.RoundTripper) http.Handler {
	r := &router{config: config, routes: api.Routes{Origins: config.AllowedOrigins}}
	for _, route := range routes {
		target, err := url.Parse(config.address(route.Function))
		if err != nil {
			panic(err) // Validate has parsed it
		}
		r.routes.Add(route.Methods, route.Path, r.proxy(target, transport))
	}
	return r
}

// newTransport is made for many calls to many functions at once.
func newTransport() *http.Transport {
	return &http.Transport{
		// The first connection of an instance may take a minute: its network is
		// being set up.
		DialContext:         (&net.Dialer{Timeout: time.Minute}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        1000,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true, // what comes is passed on as it is
	}
}

type router struct {
	config Config
	routes api.Routes
}

func (r *router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		if panicked != http.ErrAbortHandler {
			panic(panicked)
		}
		// The function broke off in the middle of its answer. The client mustn't take
		// what it has for all of it; the function framework, which catches panics, would
		// end it in good order.
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	}()
	r.routes.ServeHTTP(w, req)
}

// proxy passes calls on to the target.
func (r *router) proxy(target *url.URL, transport http.RoundTripper) http.Handler {
	if r.config.Identify {
		transport = &identified{audience: target.String(), transport: transport}
	}
	return &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // streams arrive as they are written
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.URL.RawQuery = p.In.URL.RawQuery // the proxy takes out what it can't read, and sorts the rest
			header := p.Out.Header
			header.Del(serverlessAuthorization)
			if client := api.ClientAddress(p.In, r.config.TrustedProxies); client.IsValid() {
				// Nothing else of what stood there can be believed. The platform adds our
				// own address, so that the client's is the second from the right for the
				// function, as it is behind the load balancer alone. It is written twice in
				// case that nothing is added.
				header.Set("X-Forwarded-For", client.String()+", "+client.String())
			}
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			if req.Context().Err() != nil { // nobody waits any more
				w.WriteHeader(api.ClientClosedRequest)
				return
			}
			slog.ErrorContext(req.Context(), "call not passed on", "target", target.Host, "error", err)
			api.Fail(w, req, fault.New(fault.Unavailable, "This part of the platform can't be reached now. Try again in a few seconds.").RetryAfter(5*time.Second))
		},
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// serverlessAuthorization is where the platform looks for the caller's identity
// first; Authorization is then the function's own business, which is the user's token.
const serverlessAuthorization = "X-Serverless-Authorization"

// identified tells the target who calls: the router's own service account.
type identified struct {
	audience  string
	transport http.RoundTripper

	mu          sync.Mutex
	credentials *auth.Credentials
}

func (i *identified) RoundTrip(r *http.Request) (*http.Response, error) {
	credentials, err := i.identity()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	token, err := credentials.Token(r.Context()) // an old one is used again until it expires
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	r = r.Clone(r.Context())
	r.Header.Set(serverlessAuthorization, "Bearer "+token.Value)
	return i.transport.RoundTrip(r)
}

// identity returns the credentials for the target. A failure isn't remembered.
func (i *identified) identity() (*auth.Credentials, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.credentials == nil {
		credentials, err := idtoken.NewCredentials(&idtoken.Options{Audience: i.audience})
		if err != nil {
			return nil, err
		}
		i.credentials = credentials
	}
	return i.credentials, nil
}
