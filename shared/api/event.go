package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // what the buildpack's main starts; it must be among a bundle's packages
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"aksio.app/shared/fault"
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
	d := &Declaration{Operation: op, Access: Private, Trigger: Finalized, event: setup, register: func(s *server) error {
		_, err := setup(s.env)
		return err
	}}
	declare(d)
	receiver := sync.OnceValues(func() (func(context.Context, cloudevents.Event) error, error) {
		return d.receiver(deployed())
	})
	functions.CloudEvent(d.ID, func(ctx context.Context, event cloudevents.Event) error {
		receive, err := receiver()
		if err != nil {
			return err
		}
		return receive(ctx, event)
	})
}

// HandleScheduled declares a function that the scheduler runs. It may run twice
// for one time. What it returns is the body of its answer, for the log of whoever called.
func HandleScheduled[Resp any](op Operation, setup func(*Env) (func(context.Context) (*Resp, error), error)) {
	op.Path = internalPath(op)
	serve(&Declaration{Operation: op, Access: Private, Trigger: Scheduled, register: func(s *server) error {
		return register(s, func(env *Env) (PublicHandler[struct{}, Resp], error) {
			run, err := setup(env)
			return func(ctx context.Context, _ *struct{}) (*Resp, error) { return run(ctx) }, err
		})
	}})
}

// internalPath is where the platform calls a function that has no address of its own.
func internalPath(op Operation) string { return "/internal/" + op.ID + "/" }

// EventHandler returns what receives a Finalized function's events over HTTP, in
// CloudEvents' binary or structured form, in the process.
func (d *Declaration) EventHandler(p *resource.Process) (http.Handler, error) {
	receive, err := d.receiver(p)
	if err != nil {
		return nil, err
	}
	protocol, err := cloudevents.NewHTTP()
	if err != nil {
		return nil, err
	}
	return cloudevents.NewHTTPReceiveHandler(context.Background(), protocol, receive)
}

func (d *Declaration) receiver(p *resource.Process) (func(context.Context, cloudevents.Event) error, error) {
	handler, err := d.event(p.Env(d.ID, d.Needs))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, event cloudevents.Event) error {
		object, err := finalizedObject(event)
		if err != nil {
			// It will never be better: taking it is the only way to be rid of it.
			logFailure(ctx, d.ID, http.StatusInternalServerError, fmt.Errorf("event dropped: %w", err))
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, d.Timeout)
		defer cancel()
		if err := handler(ctx, object); err != nil {
			logFailure(ctx, d.ID, statuses[fault.KindOf(err)], err)
			return fmt.Errorf("%s %s: %w", d.ID, object.Name, err)
		}
		return nil
	}, nil
}

// finalizedObject reads the object of an event.
func finalizedObject(event cloudevents.Event) (Object, error) {
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
