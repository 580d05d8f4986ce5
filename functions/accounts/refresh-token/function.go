// Package refreshtoken serves POST /api/v1/accounts/token-refresh/.
package refreshtoken

import (
	"context"
	"net/http"

	view "aksio.app/functions/accounts"
	"aksio.app/shared/accounts/signing"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/secrets"
)

func init() {
	api.HandlePublic(api.Operation{
		ID:      "accounts-refresh-token",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/accounts/token-refresh/",
		Summary: "Exchange a refresh token for new tokens.",
		Needs:   []api.Resource{database.Resource, secrets.Resource, counter.Resource},
		Refuses: []fault.Kind{fault.Unauthenticated},
	}, setup)
}

// Request holds the token, which is used up.
type Request struct {
	api.Client
	Body view.RefreshToken
}

// Response is the next pair of tokens.
type Response struct {
	Body view.Tokens
}

func setup(env *api.Env) (api.PublicHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	sessions, err := signing.OpenSessions(env, db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, req *Request) (*Response, error) {
		pair, err := sessions.Refresh(ctx, limiter, req.Address, req.Body.Refresh)
		if err != nil {
			return nil, err
		}
		return &Response{view.Tokens(pair)}, nil
	}, nil
}
