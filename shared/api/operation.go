// Package api turns what a function declares into what is served: routes,
// sign-in, validation, errors, limits, events, and the documents from which
// everything else is derived.
//
// A function's package calls one of the Handle functions from its init, and
// nothing else. The name of the Handle function says who may call.
package api

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Env and Resource are named here so that a function needs one import for them.
type (
	Env      = resource.Env
	Resource = resource.Name
)

// Access says who may call a function.
type Access string

// The kinds of access.
const (
	Public  Access = "public"  // anybody
	User    Access = "user"    // whoever is signed in
	Private Access = "private" // the platform: events, schedules, deployments
)

// Operation declares a function. Zero values are good for most.
type Operation struct {
	ID      string   // the function's name; its folder is the part up to the area, a slash, and the rest
	Methods []string // what Path is called with; PUT demands what PATCH may leave out
	Path    string   // canonical path, with a final slash; {name} for a parameter
	Summary string   // one sentence for the API's documentation
	Needs   []Resource

	Description string // for the API's documentation, where the steps before and after the call want telling

	Status   int          // of a good answer; 200 when zero
	Statuses []int        // that the response may have instead, with the same body
	Refuses  []fault.Kind // what else goes wrong than what follows from the rest, for the API's documentation
	Events   []any        // a value of each type that a stream's events hold
	MaxBody  int64        // bytes; when zero 1 MiB, or 16 KiB where anybody may call
	TooLarge string       // what callers with more bytes can do, where they can do something

	// AnswerLifetime is how long a repetition under an Idempotency-Key gets the stored
	// answer, as long as keys are kept when zero. After it the call is carried out again, with
	// the same first id: it must find what it made.
	AnswerLifetime time.Duration

	// What the function runs on. Less than one CPU forces a concurrency of 1.
	MemoryMiB    int           // 256 when zero
	CPU          float64       // 1 when zero
	Concurrency  int           // calls that one instance serves at once; 20 when zero, 1 for events and schedules
	Timeout      time.Duration // 30 s when zero
	MinInstances int           // kept warm
	MaxInstances int           // 2 when zero, 1 for schedules

	Schedule string // for HandleScheduled: cron expression, UTC
}

// EventStream is the media type of server-sent events.
const EventStream = "text/event-stream"

// Declaration is an operation together with what serves it.
type Declaration struct {
	Operation
	Access  Access
	Trigger Trigger
	Streams Streams

	register func(*server) error // registers the operation with huma
	event    eventSetup          // for Finalized
	any      anySetup            // for Any
}

// Trigger says what makes a function run.
type Trigger string

// The triggers.
const (
	HTTP      Trigger = "http"
	Finalized Trigger = "finalized" // an object of the uploads bucket is complete
	Scheduled Trigger = "scheduled"
	Any       Trigger = "any" // calls for all paths: what stands before the other functions
)

// Streams says whether a function answers with server-sent events.
type Streams string

// When a function streams.
const (
	StreamsNever  Streams = ""
	StreamsAsked  Streams = "asked" // if the client accepts text/event-stream; else one JSON answer
	StreamsAlways Streams = "always"
)

var (
	declaredMu sync.Mutex
	declared   = map[string]*Declaration{}
)

// Declared returns the declarations of all functions linked into the program, by id.
func Declared() []*Declaration {
	declaredMu.Lock()
	defer declaredMu.Unlock()
	all := make([]*Declaration, 0, len(declared))
	for _, d := range declared {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *Declaration) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Lookup returns the declaration of the function with the id.
func Lookup(id string) (*Declaration, bool) {
	declaredMu.Lock()
	defer declaredMu.Unlock()
	d, ok := declared[id]
	return d, ok
}

// declare fills in what the operation leaves to the defaults and registers it,
// with the function framework, too. It panics on a declaration that can't be right: that is a bug seen at start.
func declare(d *Declaration) {
	if d.ID == "" || strings.Trim(d.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(d.ID) > 49 {
		panic(fmt.Sprintf("api: %q can't be a function's id: use up to 49 lower-case letters, digits and hyphens", d.ID))
	}
	if !strings.HasPrefix(d.Path, "/") {
		panic(fmt.Sprintf("api: %s: path %q must begin with a slash", d.ID, d.Path))
	}
	if d.Summary == "" {
		panic(fmt.Sprintf("api: %s has no summary", d.ID))
	}
	if len(d.Methods) == 0 {
		d.Methods = []string{http.MethodPost}
	}
	d.Status = cmp.Or(d.Status, http.StatusOK)
	if d.MaxBody == 0 {
		d.MaxBody = 1 << 20
		if d.Access == Public {
			d.MaxBody = 16 << 10 // anybody can send it
		}
	}
	d.MemoryMiB = cmp.Or(d.MemoryMiB, 256)
	d.CPU = cmp.Or(d.CPU, 1)
	d.Timeout = cmp.Or(d.Timeout, 30*time.Second)
	if d.MaxInstances == 0 {
		d.MaxInstances = 2
		if d.Trigger == Scheduled {
			d.MaxInstances = 1
		}
	}
	if d.Concurrency == 0 {
		d.Concurrency = 20
		if d.Trigger != HTTP || d.CPU < 1 {
			d.Concurrency = 1
		}
	}
	declaredMu.Lock()
	defer declaredMu.Unlock()
	for _, other := range declared {
		if other.ID == d.ID {
			panic(fmt.Sprintf("api: two functions are called %s", d.ID))
		}
		for _, method := range d.Methods {
			if slices.Contains(other.Methods, method) && address(other.Path) == address(d.Path) {
				panic(fmt.Sprintf("api: %s has the address of %s, %s %s", d.ID, other.ID, method, other.Path))
			}
		}
	}
	declared[d.ID] = d
	handler := newLazy(d, deployed)
	functions.HTTP(d.ID, handler.ServeHTTP)
	if os.Getenv("FUNCTION_TARGET") == d.ID {
		// The deployed function: a bad setting must fail the deployment, not the first call.
		if _, err := handler.setUp(); err != nil {
			fmt.Fprintf(os.Stderr, "%s can't start: %v\n", d.ID, err)
			os.Exit(1)
		}
	}
}

// address is the path without its parameters' names, which lead nowhere else.
func address(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}
