package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
	"aksio.app/shared/telemetry"
)

// Config is what every function's edge needs to know.
type Config struct {
	URL            url.URL  `env:"API_URL" example:"https://api.example.com"` // where clients find the API; unknown when empty
	AllowedOrigins []string `env:"ALLOWED_ORIGINS"`                           // browsers' pages that may call: none when empty, all for *
	TrustedProxies int      `env:"TRUSTED_PROXIES" envDefault:"0"`            // that write to X-Forwarded-For before the function
	Service        string   `env:"K_SERVICE"`                                 // set by the platform
}

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	for _, origin := range c.AllowedOrigins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host) {
			return fmt.Errorf("ALLOWED_ORIGINS has %q: write origins such as https://app.example.com with commas between them, or *", origin)
		}
	}
	switch {
	case c.URL != url.URL{} && !IsServer(c.URL.String()):
		return fmt.Errorf("API_URL is %q: write http or https and a host, nothing after it", &c.URL)
	case c.TrustedProxies < 0 || c.TrustedProxies > 5:
		return fmt.Errorf("TRUSTED_PROXIES is %d: write how many entries of X-Forwarded-For are our own proxies', 0 to 5", c.TrustedProxies)
	case c.TrustedProxies == 0 && c.Service != "":
		// The connection is from Google's front end: all callers would share one address, and its limits.
		return errors.New("TRUSTED_PROXIES is missing: write 1 if functions are called at their own addresses, 2 if behind the load balancer")
	}
	return nil
}

// IsServer reports whether the text is a server's address: of the web, without a path.
func IsServer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && text == u.Scheme+"://"+u.Host
}

// server serves one function: a huma adapter for the function's path alone.
type server struct {
	*Declaration
	discard                // huma demands a handler, and never calls it
	env      *resource.Env // nil when only the API's document is wanted
	config   Config
	verifier *auth.Verifier
	huma     huma.API
	router   Router[struct{}]
	names    []string // of the path's parameters
	methods  map[string]route
}

type route struct {
	operation *huma.Operation
	handle    func(huma.Context)
}

// Handler returns what serves the function in the process: its calls, or what
// Pub/Sub pushes of its events. It fails if a setting is
// missing or wrong, and doesn't call out.
func (d *Declaration) Handler(p *resource.Process) (http.Handler, error) {
	env := p.Env(d.ID, d.Needs)
	switch d.Trigger {
	case Finalized:
		return d.receiver(env)
	case Any:
		handler, err := d.any(env)
		return d.observed(func(w *statusWriter, r *http.Request) { handler.ServeHTTP(w, r) }), err
	}
	s := &server{Declaration: d, env: env, methods: map[string]route{}, names: parameterNames(d.Path)}
	s.router.Add(d.Path, struct{}{})
	// The schemas are known when all is registered.
	known := sync.OnceValue(func() *fields { return newFields(s) })
	s.huma = huma.NewAPI(humaConfig(jsonFormat(known), true), s)

	var errs []error
	var err error
	if s.config, err = resource.Settings[Config](env); err != nil {
		errs = append(errs, err)
	}
	if d.Access == User {
		if s.verifier, err = auth.OpenVerifier(env); err != nil {
			errs = append(errs, err)
		}
	}
	if err := d.register(s); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return d.observed(s.serve), nil
}

// Unused returns the resources that the function declares and doesn't open.
func (d *Declaration) Unused(p *resource.Process) ([]Resource, error) {
	env := p.Env(d.ID, d.Needs)
	err := d.register(&server{Declaration: d, env: env, huma: huma.NewAPI(humaConfig(huma.Format{}, true), discard{}), names: parameterNames(d.Path)})
	return env.Unused(), err
}

// deployed is the process of a deployed function, with the logs that the platform reads.
var deployed = sync.OnceValue(func() *resource.Process {
	if os.Getenv("K_SERVICE") != "" {
		slog.SetDefault(slog.New(telemetry.NewHandler(os.Stderr, os.Getenv("GOOGLE_CLOUD_PROJECT"))))
	}
	return resource.OSProcess()
})

// lazy serves a function that is set up once: at its first call, or before.
type lazy struct {
	id    string
	setUp func() (http.Handler, error)
}

func newLazy(d *Declaration, process func() *resource.Process) lazy {
	return lazy{d.ID, sync.OnceValues(func() (http.Handler, error) { return d.Handler(process()) })}
}

func (l lazy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := l.setUp()
	if err != nil {
		logFailure(r.Context(), l.id, http.StatusInternalServerError, err)
		Fail(w, r, err)
		return
	}
	handler.ServeHTTP(w, r)
}

// Handle keeps what huma made of one method of the operation.
func (s *server) Handle(op *huma.Operation, handle func(huma.Context)) {
	s.methods[op.Method] = route{op, handle}
}

// observed serves calls with next, in a context that knows the trace and counts the
// round trips to the database. It logs each call: metrics are made of these lines, so
// their keys stay as they are. A panic is a problem of ours.
func (d *Declaration) observed(next func(*statusWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, calls := telemetry.WithDatabaseCalls(telemetry.WithTrace(r.Context(), r.Header))
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			answer.send()
			n, took := calls.Total()
			slog.InfoContext(ctx, "call served", "operation", d.ID, "status", answer.status, "ms", milliseconds(time.Since(began)),
				"database_calls", n, "database_ms", milliseconds(took), "database_wait_ms", milliseconds(calls.Waited()))
		}()
		defer func() {
			if panicked := recover(); panicked != nil {
				if panicked == http.ErrAbortHandler {
					panic(panicked)
				}
				slog.ErrorContext(ctx, "call panicked", "operation", d.ID, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
				if answer.sent {
					answer.status = http.StatusInternalServerError // for the line below: it didn't go well
					panic(http.ErrAbortHandler)                    // so that nobody takes what was sent for whole
				}
				refuse(answer, r, newProblem(http.StatusInternalServerError, "", "Something went wrong on our side. It has been noted; try again later."))
			}
		}()
		next(answer, r.WithContext(ctx))
	})
}

// milliseconds is the duration to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// serve is the way of every call to the function and back.
func (s *server) serve(w *statusWriter, r *http.Request) {
	ctx := r.Context()
	setHeaders(w, r, s.config.AllowedOrigins)
	found, parameters := s.router.Find(r)
	if found == nil {
		writeProblem(w, notFound())
		return
	}
	for i, name := range s.names {
		r.SetPathValue(name, parameters[i])
	}
	method := r.Method
	switch method {
	case http.MethodHead:
		method = http.MethodGet
	case http.MethodOptions:
		answerPreflight(w, allow(s.methods))
		return
	}
	route, ok := s.methods[method]
	if !ok {
		writeProblem(w, notAllowed(r, s.methods))
		return
	}
	if s.Access == User {
		claims, problem := s.authenticate(r)
		if problem != nil {
			writeProblem(w, problem)
			return
		}
		ctx = context.WithValue(ctx, userKey{}, auth.User{ID: claims.User})
	}
	if r.ContentLength > s.MaxBody {
		writeProblem(w, newProblem(http.StatusRequestEntityTooLarge, "", cmp.Or(s.TooLarge,
			fmt.Sprintf("The request has %d bytes; %d are the most that this operation takes.", r.ContentLength, s.MaxBody))))
		return
	}
	ctx = context.WithValue(ctx, clientKey{}, Client{Address: ClientAddress(r, s.config.TrustedProxies)})
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	r = r.WithContext(ctx)
	if problem := unsupported(route.operation, r); problem != nil {
		writeProblem(w, problem)
		return
	}
	if problem := unstorableQuery(route.operation.Parameters, r.URL.RawQuery); problem != nil {
		writeProblem(w, problem)
		return
	}
	own := s.config.URL // whatever the caller says of a host
	own.Path, own.RawPath, own.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	r.URL = &own
	r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, s.MaxBody)
	if r.ContentLength != 0 {
		// A test's recorder knows no deadlines; every server's connection does.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Timeout))
	}
	if problem := s.toJSON(route.operation, r); problem != nil {
		writeProblem(w, problem)
		return
	}
	if r.ContentLength != 0 && takes(route.operation, multipartType) {
		form, err := readForm(r)
		if err != nil {
			writeProblem(w, unread(err))
			return
		}
		defer form.RemoveAll() // also if huma refuses the call
		r.MultipartForm = form // where huma's adapter looks first
	}
	call := func(w http.ResponseWriter, r *http.Request) {
		route.handle(humago.NewContext(route.operation, r, w))
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" && s.idempotent(method) {
		s.callOnce(w, r, key, call)
		return
	}
	call(w, r)
}

// statusWriter remembers the status of an answer, and sends it with the answer's first
// byte: what fails before can still be a problem.
type statusWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

func (w *statusWriter) WriteHeader(status int) {
	if !w.sent {
		w.status = status
	}
}

func (w *statusWriter) Write(b []byte) (int, error) {
	w.send()
	return w.ResponseWriter.Write(b)
}

// FlushError is how http.ResponseController flushes.
func (w *statusWriter) FlushError() error {
	w.send()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *statusWriter) send() {
	if !w.sent {
		w.sent = true
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// Unwrap lets http.ResponseController set deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Version names the bundle that the process was built from, in each answer's header, so
// that a deployment can tell whether what it brought is what serves. The bundle's root
// sets it; elsewhere it is empty and isn't told.
var Version string

// VersionHeader is the header of each answer that tells the Version.
const VersionHeader = "Aksio-Version"

// setHeaders sets what all answers say to browsers: to take them for what they are, and
// which pages may read them. No cookie is ever used, so a page that may call gains
// nothing but its own token's rights.
func setHeaders(w http.ResponseWriter, r *http.Request, origins []string) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	header.Set("Vary", "Origin")
	if Version != "" {
		header.Set(VersionHeader, Version)
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	switch {
	case slices.Contains(origins, "*"):
		header.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(origins, origin):
		header.Set("Access-Control-Allow-Origin", origin)
	}
	header.Set("Access-Control-Expose-Headers", "Retry-After, Location, Idempotent-Replayed")
}

// answerPreflight tells browsers with which methods and headers pages may call.
func answerPreflight(w http.ResponseWriter, methods string) {
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Cache-Control")
	w.Header().Set("Access-Control-Max-Age", "7200")
	w.Header().Set("Allow", methods)
	w.WriteHeader(http.StatusNoContent)
}

// allow returns the methods with which a path can be called that has those handlers.
func allow[T any](handlers map[string]T) string {
	methods := slices.Sorted(maps.Keys(handlers))
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	return strings.Join(append(methods, http.MethodOptions), ", ")
}

type userKey struct{}

// authenticate returns the claims of the access token in the request.
func (s *server) authenticate(r *http.Request) (auth.Claims, *Problem) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return auth.Claims{}, problemOf(fault.New(fault.Unauthenticated, "Authentication credentials were not provided."))
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.Contains(token, " ") {
		return auth.Claims{}, problemOf(fault.New(fault.Unauthenticated, "The Authorization header must be `Bearer` and one token.").
			Coded("bad_authorization_header"))
	}
	claims, err := s.verifier.Verify(token, auth.Access, time.Now())
	if err != nil {
		return claims, problemOf(fault.New(fault.Unauthenticated, "The access token is not good: %v. Refresh it, or sign in again.", err).
			Coded("token_not_valid"))
	}
	return claims, nil
}

type clientKey struct{}

// Client is where a call comes from. Embed it in a request to be told.
type Client struct {
	Address netip.Addr // as the platform saw it
}

// Resolve is how huma fills the fields.
func (c *Client) Resolve(ctx huma.Context) []error {
	if client, ok := ctx.Context().Value(clientKey{}).(Client); ok {
		*c = client
	}
	return nil
}

// ClientAddress returns the address that the outermost of our own proxies saw, of
// which there are so many. What stands further left in X-Forwarded-For is the caller's
// own invention.
func ClientAddress(r *http.Request, proxies int) netip.Addr {
	text := r.RemoteAddr
	if proxies > 0 {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if len(hops) >= proxies {
			text = strings.TrimSpace(hops[len(hops)-proxies])
		}
	}
	if addr, err := netip.ParseAddrPort(text); err == nil {
		return addr.Addr().Unmap()
	}
	addr, _ := netip.ParseAddr(text)
	return addr.Unmap()
}

// Fail answers in a function's place with the problem that the error is.
func Fail(w http.ResponseWriter, r *http.Request, err error) { refuse(w, r, problemOf(err)) }

// refuse answers in a function's place. The problem holds nothing of anybody's, so that
// any page may read it.
func refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	setHeaders(w, r, []string{"*"})
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	w.Write(body)
}
