// Package streamevents serves GET /api/v1/documents/documents/{document}/events/.
package streamevents

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/progress"
	"aksio.app/shared/live"
)

func init() {
	api.HandleUserStream(api.StreamsAlways, api.Operation{
		ID:      "documents-stream-events",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/documents/documents/{document}/events/",
		Summary: "Watch a document being read, up to the end.",
		Needs:   []api.Resource{database.Resource, live.Resource},

		Description: "The stream begins with the state of the document, so that nothing is missed between a call and this one, and ends with processing_complete or a failure. " +
			"It wants the Authorization header, which a browser's EventSource can't send: read the body of a fetch. " +
			"After a break, send the id of the last event as Last-Event-ID.",

		Events:       []any{progress.Event{}},
		Concurrency:  80, // they only wait
		Timeout:      15 * time.Minute,
		MaxInstances: 10,
	}, setup)
}

// Request names the document, and the last event that the client has seen.
type Request struct {
	Document documents.ID `path:"document"`
	After    string       `header:"Last-Event-ID" doc:"Go on after the event with this id."`
}

// Response is empty: everything comes in events.
type Response struct {
	Body struct{}
}

func setup(env *api.Env) (api.StreamHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	events, err := live.Open(env)
	if err != nil {
		return nil, err
	}
	feed := progress.NewFeed(documents.NewStore(db), events)
	return func(ctx context.Context, user auth.User, req *Request, emit func(api.Event) error) (*Response, error) {
		after, _ := strconv.ParseInt(req.After, 10, 64) // from the start, if it isn't one of ours
		return nil, feed.Follow(ctx, user.ID, req.Document, max(after, 0), func(u progress.Update) error {
			e := api.Event{Data: u.Event}
			if u.Seq > 0 {
				e.ID = strconv.FormatInt(u.Seq, 10)
			}
			return emit(e)
		})
	}, nil
}
