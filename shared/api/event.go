package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // what the buildpack's main starts; it must be among a bundle's packages

	"aksio.app/shared/resource"
)

// Object is a complete object of a bucket, as Cloud Storage's notifications describe it:
// numbers travel as strings. An object that is written again has another generation.
type Object struct {
	Bucket      string `json:"bucket"`
	Name        string `json:"name"`
	Generation  int64  `json:"generation,string"`
	Size        int64  `json:"size,string"` // bytes
	ContentType string `json:"contentType"`
}

// push is how Pub/Sub delivers a message.
type push struct {
	Message struct {
		ID         string            `json:"messageId"`
		Attributes map[string]string `json:"attributes"`
		Data       []byte            `json:"data"`
	} `json:"message"`
}

// What says that an object is complete: an attribute of a bucket's notification, or the
// type of a CloudEvent.
const (
	eventType      = "eventType"
	finalized      = "OBJECT_FINALIZE"
	cloudFinalized = "google.cloud.storage.object.v1.finalized"
)

// Push returns the request that tells the function at the address of the object,
// for those who deliver it where Pub/Sub doesn't: the local stack and tests.
func (o Object) Push(ctx context.Context, address, id string) (*http.Request, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var p push
	p.Message.ID, p.Message.Data = id, data
	p.Message.Attributes = map[string]string{eventType: finalized, "payloadFormat": "JSON_API_V1"}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

// CloudEvent returns the same news as Eventarc brings it, in binary mode.
func (o Object) CloudEvent(ctx context.Context, address, id string) (*http.Request, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Type": cloudFinalized,
		"Ce-Source": "//storage.googleapis.com/projects/_/buckets/" + o.Bucket, "Ce-Subject": "objects/" + url.PathEscape(o.Name),
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

// ObjectHandler carries out what an object's completion demands. Events come at
// least once, late and out of order. An error makes the event come again.
type ObjectHandler func(ctx context.Context, object Object) error

type eventSetup func(*Env) (ObjectHandler, error)

// HandleFinalized declares a function that runs when an object of the uploads bucket is complete.
func HandleFinalized(op Operation, setup func(*Env) (ObjectHandler, error)) {
	op.Path = internalPath(op)
	declare(&Declaration{Operation: op, Access: Private, Trigger: Finalized, event: setup, register: func(s *server) error {
		_, err := setup(s.env)
		return err
	}})
}

// HandleScheduled declares a function that the scheduler runs. It may run twice
// for one time. What it returns is its answer, for the log of whoever called; beside an
// error it is logged here.
func HandleScheduled[Resp any](op Operation, setup func(*Env) (func(context.Context) (*Resp, error), error)) {
	op.Path = internalPath(op)
	declare(&Declaration{Operation: op, Access: Private, Trigger: Scheduled, register: func(s *server) error {
		return register(s, func(env *Env) (PublicHandler[struct{}, Resp], error) {
			run, err := setup(env)
			return func(ctx context.Context, _ *struct{}) (*Resp, error) { return run(ctx) }, err
		})
	}})
}

// internalPath is where the platform calls a function that has no address of its own.
func internalPath(op Operation) string { return "/internal/" + op.ID + "/" }

// receiver returns what serves a Finalized function: its bucket notifies a topic, whose
// subscription pushes here; or Eventarc sends CloudEvents. What isn't answered with a
// 2xx comes again.
func (d *Declaration) receiver(env *resource.Env) (http.Handler, error) {
	handle, err := d.event(env)
	if err != nil {
		return nil, err
	}
	return d.observed(func(w *statusWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.Timeout)
		defer cancel()
		r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, d.MaxBody)
		object, err := finalizedObject(r)
		if err != nil {
			// It will never be better: taking it is the only way to be rid of it.
			logFailure(ctx, d.ID, http.StatusInternalServerError, fmt.Errorf("event dropped: %w", err))
			return
		}
		if err := handle(ctx, object); err != nil {
			problem := problemOf(err)
			switch { // the platform that calls is never to blame
			case problem.Status == http.StatusTooManyRequests:
				problem.Status = http.StatusServiceUnavailable
			case problem.Status < http.StatusInternalServerError:
				problem.Status = http.StatusInternalServerError
			}
			logFailure(ctx, d.ID, problem.Status, fmt.Errorf("%s: %w", object.Name, err))
			w.WriteHeader(problem.Status)
		}
	}), nil
}

// finalizedObject reads the object that the request says is complete.
func finalizedObject(r *http.Request) (Object, error) {
	var object Object
	switch what := r.Header.Get("Ce-Type"); what {
	case cloudFinalized:
		if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
			return Object{}, err
		}
	case "":
		var p push
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			return Object{}, err
		}
		if what := p.Message.Attributes[eventType]; what != finalized {
			return Object{}, fmt.Errorf("notification of %q", what)
		}
		if err := json.Unmarshal(p.Message.Data, &object); err != nil {
			return Object{}, err
		}
	default:
		return Object{}, fmt.Errorf("event of type %q", what)
	}
	if object.Bucket == "" || object.Name == "" || strings.ContainsRune(object.Name, 0) || object.Generation == 0 {
		return Object{}, fmt.Errorf("event %q names no object", object.Name)
	}
	return object, nil
}
