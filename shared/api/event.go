package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // what the buildpack's main starts; it must be among a bundle's packages
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"aksio.app/shared/resource"
)

// FinalizedType is the type of the event that an object of a bucket is complete.
const FinalizedType = "google.cloud.storage.object.v1.finalized"

// Object is a complete object of a bucket, as Cloud Storage's events describe it:
// numbers travel as strings. An object that is written again has another generation.
type Object struct {
	Bucket      string `json:"bucket"`
	Name        string `json:"name"`
	Generation  int64  `json:"generation,string"`
	Size        int64  `json:"size,string"` // bytes
	ContentType string `json:"contentType"`
}

// Event returns the event that the object is complete, for those who deliver it
// where Cloud Storage doesn't: the local stack and tests.
func (o Object) Event(id string) (cloudevents.Event, error) {
	event := cloudevents.NewEvent()
	event.SetID(id)
	event.SetType(FinalizedType)
	event.SetSource("//storage.googleapis.com/projects/_/buckets/" + o.Bucket)
	event.SetSubject("objects/" + o.Name)
	event.SetTime(time.Now())
	return event, event.SetData(cloudevents.ApplicationJSON, o)
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
// for one time. What it returns is the body of its answer, for the log of whoever called.
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

// receiver returns what serves a Finalized function. The SDK's own would hand an
// event to another request's context, the framework's writes errors as plain text.
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

// finalizedObject reads the object of the event that the request delivers.
func finalizedObject(r *http.Request) (Object, error) {
	event, err := cloudevents.NewEventFromHTTPRequest(r)
	if err != nil {
		return Object{}, err
	}
	if event.Type() != FinalizedType {
		return Object{}, fmt.Errorf("event of type %q", event.Type())
	}
	var object Object
	if err := json.Unmarshal(event.Data(), &object); err != nil {
		return Object{}, err
	}
	if object.Bucket == "" || object.Name == "" || object.Generation == 0 {
		return Object{}, fmt.Errorf("event %q names no object", event.ID())
	}
	return object, nil
}
