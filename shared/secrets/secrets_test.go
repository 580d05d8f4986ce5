package secrets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
	"aksio.app/shared/secrets"
)

// service is Secret Manager with one secret, projects/p/secrets/key.
type service struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer

	mu       sync.Mutex
	values   []string      // of versions 1, 2, …; "" is a disabled one
	code     codes.Code    // to answer instead, if not OK
	late     chan struct{} // closed when it answers; nil: at once
	damaged  bool
	accesses int
}

func (s *service) AccessSecretVersion(_ context.Context, r *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	s.set(func(s *service) { s.accesses++ })
	if s.late != nil {
		<-s.late
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != codes.OK {
		return nil, status.Error(s.code, "no")
	}
	version, ok := strings.CutPrefix(r.Name, "projects/p/secrets/key/versions/")
	n, err := strconv.Atoi(version)
	if version == "latest" {
		n, err = len(s.values), nil
	}
	if !ok || err != nil || n < 1 || n > len(s.values) {
		return nil, status.Errorf(codes.NotFound, "Secret [%s] not found", r.Name)
	}
	if s.values[n-1] == "" {
		return nil, status.Error(codes.FailedPrecondition, "disabled")
	}
	data := []byte(s.values[n-1])
	sum := int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	if s.damaged {
		data = data[1:]
	}
	return &secretmanagerpb.AccessSecretVersionResponse{
		Name:    fmt.Sprintf("projects/42/secrets/key/versions/%d", n),
		Payload: &secretmanagerpb.SecretPayload{Data: data, DataCrc32C: &sum},
	}, nil
}

func (s *service) ListSecretVersions(_ context.Context, r *secretmanagerpb.ListSecretVersionsRequest) (*secretmanagerpb.ListSecretVersionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != codes.OK {
		return nil, status.Error(s.code, "no")
	}
	if r.Parent != "projects/p/secrets/key" || r.Filter != "state:ENABLED" {
		return nil, status.Errorf(codes.InvalidArgument, "%s, %s", r.Parent, r.Filter)
	}
	page := new(secretmanagerpb.ListSecretVersionsResponse)
	for n := len(s.values); n > 0 && len(page.Versions) < int(r.PageSize); n-- {
		if s.values[n-1] != "" {
			page.Versions = append(page.Versions, &secretmanagerpb.SecretVersion{Name: fmt.Sprintf("%s/versions/%d", r.Parent, n)})
		}
	}
	return page, nil
}

func (s *service) set(change func(*service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// clock is the time as the store knows it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass lets the cache grow old.
func (c *clock) pass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(5 * time.Minute)
}

// start serves the secret and returns a store that reads it through the real client.
func start(t *testing.T, s *service) (*secrets.Store, *clock) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	secretmanagerpb.RegisterSecretManagerServiceServer(server, s)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	store := secrets.New(secrets.Config{Project: "p"},
		option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	c := new(clock)
	store.SetNow(c.read)
	return store, c
}

func want(t *testing.T, store *secrets.Store, id, value string) {
	t.Helper()
	v, err := store.Get(t.Context(), "key")
	if err != nil || v.ID != id || string(v.Value) != value {
		t.Errorf("Get: %q, %q, %v; want %q, %q", v.ID, v.Value, err, id, value)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     string // in the error of Open
	}{
		{"local", nil, ""},
		{"cloud", map[string]string{"SECRETS_PROJECT": "aksio-1", "K_SERVICE": "s"}, ""},
		{"deployed without a project", map[string]string{"K_SERVICE": "s"}, "SECRETS_PROJECT is missing: write "},
		{"bad project", map[string]string{"SECRETS_PROJECT": "projects/p"}, `SECRETS_PROJECT is "projects/p": write `},
	} {
		_, err := secrets.Open(resource.NewProcess(tc.settings).Env("test", []resource.Name{secrets.Resource}))
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestLocalSecretsAreSettings(t *testing.T) {
	t.Parallel()
	process := resource.NewProcess(map[string]string{"TOKEN_SIGNING_KEY": "s3cret", "EMPTY": ""})
	store, err := secrets.Open(process.Env("test", []resource.Name{secrets.Resource}))
	if err != nil {
		t.Fatal(err)
	}
	versions, err := store.Versions(t.Context(), "token-signing-key", 3)
	if err != nil || len(versions) != 1 || versions[0].ID != "1" || string(versions[0].Value) != "s3cret" {
		t.Errorf("%v, %v", versions, err)
	}
	for name, hint := range map[string]string{
		"model-key":            "MODEL_KEY is missing: write ",
		"empty":                "EMPTY is missing: write ",
		"../token-signing-key": "a name is ",
	} {
		if _, err := store.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v, want %q", name, err, hint)
		}
	}
}

func TestRotationIsSeenAfterTheCache(t *testing.T) {
	t.Parallel()
	s := &service{values: []string{"one"}}
	store, clock := start(t, s)
	want(t, store, "1", "one")
	s.set(func(s *service) { s.values = append(s.values, "two") })
	want(t, store, "1", "one") // from the cache
	if s.set(func(s *service) {}); s.accesses != 1 {
		t.Errorf("%d reads of the service, want 1", s.accesses)
	}
	clock.pass()
	want(t, store, "2", "two")

	v, _ := store.Get(t.Context(), "key")
	clear(v.Value) // the caller's own
	want(t, store, "2", "two")
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := &service{values: []string{"one", "", "three", "four"}}
	store, clock := start(t, s)
	for n, wanted := range map[int]string{1: "4=four ", 2: "4=four 3=three ", 9: "4=four 3=three 1=one "} {
		versions, err := store.Versions(t.Context(), "key", n)
		got := ""
		for _, v := range versions {
			got += fmt.Sprintf("%s=%s ", v.ID, v.Value)
		}
		if err != nil || got != wanted {
			t.Errorf("%d versions: %q, %v; want %q", n, got, err, wanted)
		}
	}
	s.set(func(s *service) { s.values = []string{""} })
	clock.pass()
	if v, err := store.Versions(t.Context(), "key", 2); err == nil {
		t.Errorf("of a disabled secret: %v", v)
	}
	for _, n := range []int{0, -1, 11} {
		if v, err := store.Versions(t.Context(), "key", n); err == nil {
			t.Errorf("%d versions: %v", n, v)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code   codes.Code
		kind   fault.Kind
		served bool // the last good value
	}{
		{codes.Unavailable, fault.Unavailable, true},
		{codes.ResourceExhausted, fault.Unavailable, true},
		{codes.NotFound, fault.Internal, false},
		{codes.PermissionDenied, fault.Internal, false},
		{codes.FailedPrecondition, fault.Internal, false},
	} {
		t.Run(tc.code.String(), func(t *testing.T) {
			t.Parallel()
			s := &service{values: []string{"one"}, code: tc.code}
			store, clock := start(t, s)
			ctx := t.Context()
			if tc.served { // the client tries again by itself for as long as it may
				brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				ctx = brief
			}
			if v, err := store.Get(ctx, "key"); err == nil || fault.KindOf(err) != tc.kind {
				t.Errorf("before any value: %v, %v (kind %d), want kind %d", v, err, fault.KindOf(err), tc.kind)
			}
			s.set(func(s *service) { s.code = codes.OK })
			want(t, store, "1", "one") // a failure isn't remembered
			s.set(func(s *service) { s.code = tc.code })
			clock.pass()
			if v, err := store.Get(t.Context(), "key"); (err == nil) != tc.served {
				t.Errorf("after a value: %v, %v; want it served: %v", v, err, tc.served)
			}
			s.set(func(s *service) { s.code, s.values = codes.OK, []string{"one", "two"} })
			clock.pass()
			want(t, store, "2", "two")
		})
	}
}

func TestDamagedValueIsRefused(t *testing.T) {
	t.Parallel()
	store, _ := start(t, &service{values: []string{"one"}, damaged: true})
	if v, err := store.Get(t.Context(), "key"); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("%v, %v", v, err)
	}
}

func TestOneReadForAllWhoWait(t *testing.T) {
	t.Parallel()
	s := &service{values: []string{"one"}, late: make(chan struct{})}
	store, _ := start(t, s)
	var waiting sync.WaitGroup
	for range 50 {
		waiting.Go(func() { want(t, store, "1", "one") })
	}
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.Get(impatient, "key"); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("who couldn't wait: %v", err)
	}
	close(s.late)
	waiting.Wait()
	if s.accesses != 1 {
		t.Errorf("%d reads of the service, want 1", s.accesses)
	}
}

func TestValuesAreNotPrinted(t *testing.T) {
	t.Parallel()
	const value = "s3cret"
	v := secrets.Version{ID: "7", Value: []byte(value)}
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, format, v)
		fmt.Fprintf(&out, format, &v)
		fmt.Fprintf(&out, format, []secrets.Version{v})
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("read", "secret", v, "all", []secrets.Version{v}, "in", struct{ V secrets.Version }{v})
	}
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		t.Fatal(err)
	}
	for _, shape := range []string{"%s", "%x", "%d", "%q"} {
		if form := strings.Trim(fmt.Sprintf(shape, []byte(value)), "[]"); strings.Contains(out.String(), form) {
			t.Errorf("the value is in the output as %s:\n%s", form, &out)
		}
	}
	if encoded, _ := json.Marshal([]byte(value)); strings.Contains(out.String(), string(encoded)) {
		t.Errorf("the value is in the output in base64:\n%s", &out)
	}
}
