// Package sendmessage serves POST /api/v1/chat/chats/{id}/send_message/.
package sendmessage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	view "aksio.app/functions/chats"
	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/tutor"
)

func init() {
	api.HandleUserStream(api.StreamsAsked, api.Operation{
		ID:      "chats-send-message",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/chat/chats/{id}/send_message/",
		Summary: "Ask the tutor, who answers from the course's documents and cites them.",
		Needs:   []api.Resource{database.Resource, ai.Resource, counter.Resource},

		Description: "Who accepts text/event-stream gets the answer as it comes, with status 200: message_created, then delta and citation as often as there are, and message_complete or an error. " +
			"Others wait for all of it, as a 201. Either way both messages are kept in the chat, and one that broke off has the status interrupted. " +
			"[1] in the answer's text is its citation with the number 1.",

		Status:       http.StatusCreated,
		Refuses:      []fault.Kind{fault.Exhausted, fault.BadGateway},
		Events:       []any{view.MessageCreated{}, view.CitationFound{}, view.Delta{}, view.MessageComplete{}},
		MaxBody:      256 << 10,
		Timeout:      2 * time.Minute,
		MaxInstances: 10,
	}, setup)
}

// Request is the message.
type Request struct {
	Chat tutor.ChatID `path:"id"`
	Body NewChatMessage
}

// NewChatMessage is the body of the request. Only students speak through it.
type NewChatMessage struct {
	Role        string           `json:"role" enum:"user" default:"user"`
	Content     string           `json:"content" required:"true"`
	Type        string           `json:"message_type" enum:"text,image,file,code,math,summary,feedback" default:"text"`
	Parent      *tutor.MessageID `json:"parent_message"`
	Documents   []documents.ID   `json:"referenced_documents" maxItems:"100" doc:"Answer from these documents of the chat's course only."`
	Attachments []map[string]any `json:"attachments" maxItems:"20"`
}

// Response is the message and its answer.
type Response struct {
	Body Exchange
}

// Exchange is the body of the response.
type Exchange struct {
	Asked    view.Message `json:"user_message"`
	Answered view.Message `json:"ai_response" doc:"The tutor's message; interrupted if the model broke off. If it said nothing, the answer is a problem, and user_message is kept in the chat."`
}

func setup(env *api.Env) (api.StreamHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	store := tutor.NewTutor(db, model, limiter)
	return func(ctx context.Context, user auth.User, req *Request, emit func(api.Event) error) (*Response, error) {
		message := tutor.New{Content: req.Body.Content, Type: req.Body.Type, Documents: req.Body.Documents, Attachments: json.RawMessage("[]")}
		if req.Body.Parent != nil {
			message.Parent = *req.Body.Parent
		}
		if len(req.Body.Attachments) > 0 {
			attachments, err := json.Marshal(req.Body.Attachments)
			if err != nil {
				return nil, err
			}
			message.Attachments = attachments
		}
		exchange, err := store.Send(ctx, user.ID, req.Chat, message, func(e tutor.Event) error { return emit(api.Event{Data: view.ViewEvent(e)}) })
		if err != nil {
			return nil, err
		}
		switch {
		case exchange.Answer == nil && ctx.Err() != nil:
			return nil, exchange.Failure
		case exchange.Answer == nil:
			return nil, fmt.Errorf("%w: %w", unavailable(exchange.Failure), exchange.Failure)
		case exchange.Failure != nil && ctx.Err() == nil:
			// Clients that don't stream see it by the interrupted answer.
			problem := unavailable(exchange.Failure)
			_ = emit(api.Event{Data: api.NewStreamError(problem.Code, problem.Message)})
		}
		return &Response{Exchange{view.ViewMessage(exchange.Asked), view.ViewMessage(*exchange.Answer)}}, nil
	}, nil
}

// unavailable says that the tutor doesn't answer, and what to do about the failure.
func unavailable(failure error) *fault.Fault {
	switch fault.KindOf(failure) { // what waiting wouldn't help
	case fault.TooLarge:
		return fault.New(fault.TooLarge, "The message is longer than the tutor can read. It is kept; ask about a part of it.").Coded("tutor_too_long")
	case fault.BadGateway:
		return fault.New(fault.BadGateway, "The tutor has no answer to this. Your message is kept; put it in other words.").Coded("tutor_no_answer")
	}
	return fault.New(fault.Unavailable, "The tutor can't answer just now. Your message is kept; ask again in a minute.").
		Coded("tutor_unavailable").RetryAfter(time.Minute)
}
