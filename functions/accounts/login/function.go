// Package login serves POST /api/v1/accounts/login/.
package login

import (
	"context"
	"net/http"

	view "aksio.app/functions/accounts"
	"aksio.app/shared/accounts/signing"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/secrets"
)

func init() {
	api.HandlePublic(api.Operation{
		ID:      "accounts-login",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/accounts/login/",
		Summary: "Sign in.",
		Needs:   []api.Resource{database.Resource, secrets.Resource},
		Refuses: []fault.Kind{fault.Unauthenticated, fault.Throttled},
	}, setup)
}

// Request holds the credentials.
type Request struct {
	api.Client
	Body Credentials
}

// Credentials are what a user knows.
type Credentials struct {
	Username string `json:"username" required:"true" minLength:"1" doc:"User name or email address."`
	Password string `json:"password" required:"true" minLength:"1"`
}

// Response is the first pair of tokens.
type Response struct {
	Body view.Tokens
}

func setup(env *api.Env) (api.PublicHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	sessions, err := signing.OpenSessions(env, db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, req *Request) (*Response, error) {
		pair, err := sessions.Login(ctx, req.Address, req.Body.Username, req.Body.Password)
		if err != nil {
			return nil, err
		}
		return &Response{view.Tokens(pair)}, nil
	}, nil
}
