package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/auth"
)

// PublicHandler carries out a call from anybody.
type PublicHandler[Req, Resp any] func(ctx context.Context, req *Req) (*Resp, error)

// UserHandler carries out a call from somebody who is signed in.
type UserHandler[Req, Resp any] func(ctx context.Context, user auth.User, req *Req) (*Resp, error)

// HandlePublic declares a function that anybody may call. Setup makes its
// handler from what it needs, once, without calling out.
func HandlePublic[Req, Resp any](op Operation, setup func(*Env) (PublicHandler[Req, Resp], error)) {
	declare(&Declaration{Operation: op, Access: Public, Trigger: HTTP, register: func(s *server) error {
		return register(s, setup)
	}})
}

// HandlePrivate declares a function that only the platform's own identities may
// call: the deployment, an operator. What it returns beside an error is logged: what
// it did before it failed.
func HandlePrivate[Req, Resp any](op Operation, setup func(*Env) (PublicHandler[Req, Resp], error)) {
	op.Path = internalPath(op)
	declare(&Declaration{Operation: op, Access: Private, Trigger: HTTP, register: func(s *server) error {
		return register(s, setup)
	}})
}

// HandleUser declares a function for who is signed in.
func HandleUser[Req, Resp any](op Operation, setup func(*Env) (UserHandler[Req, Resp], error)) {
	declare(&Declaration{Operation: op, Access: User, Trigger: HTTP, register: func(s *server) error {
		return register(s, func(env *Env) (PublicHandler[Req, Resp], error) {
			handler, err := setup(env)
			return func(ctx context.Context, req *Req) (*Resp, error) {
				return handler(ctx, ctx.Value(userKey{}).(auth.User), req)
			}, err
		})
	}})
}

type anySetup func(*Env) (http.Handler, error)

// HandleAny declares a function that anybody may call with any method and path. It
// stands before the others and does by itself what they leave to this package:
// sign-in, limits, errors.
func HandleAny(op Operation, setup func(*Env) (http.Handler, error)) {
	op.Path = "/"
	declare(&Declaration{Operation: op, Access: Public, Trigger: Any, any: setup, register: func(s *server) error {
		_, err := setup(s.env)
		return err
	}})
}

// register makes the handler and gives it to huma, once for each method.
func register[Req, Resp any](s *server, setup func(*Env) (PublicHandler[Req, Resp], error)) error {
	var handle PublicHandler[Req, Resp]
	if s.env != nil {
		var err error
		if handle, err = setup(s.env); err != nil {
			return err
		}
	}
	for _, method := range s.Methods {
		op := s.humaOperation(method)
		if method == http.MethodPatch {
			demandNothing[Req](s.huma.OpenAPI().Components.Schemas, &op)
		}
		huma.Register(s.huma, op, func(ctx context.Context, req *Req) (*Resp, error) {
			resp, err := handle(ctx, req)
			if err != nil {
				problem := s.failed(ctx, err)
				if s.Access == Private && resp != nil { // a user's may hold what a log must not
					slog.WarnContext(ctx, "call failed in part", "operation", s.ID, "done", resp)
				}
				return nil, problem
			}
			return resp, nil
		})
	}
	return nil
}

// demandNothing lets a PATCH leave out what the PUT or POST that shares its type demands.
func demandNothing[Req any](registry huma.Registry, op *huma.Operation) {
	body, ok := reflect.TypeFor[Req]().FieldByName("Body")
	if !ok {
		return
	}
	demanding := registry.Schema(body.Type, true, "").Ref
	schema := *registry.SchemaFromRef(demanding)
	schema.Required = nil
	schema.PrecomputeMessages()
	patch := strings.TrimSuffix(demanding, "Change") + "Patch"
	registry.Map()[path.Base(patch)] = &schema
	op.RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: patch}}},
	}
}
