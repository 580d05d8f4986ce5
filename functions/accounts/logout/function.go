// Package logout serves POST /api/v1/accounts/logout/.
package logout

import (
	"context"
	"net/http"

	view "aksio.app/functions/accounts"
	"aksio.app/shared/accounts"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "accounts-logout",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/accounts/logout/",
		Summary: "Sign out: end the login that a refresh token belongs to; its access token ends by itself, within 15 minutes.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusResetContent,
	}, setup)
}

// Request holds one's own refresh token.
type Request struct {
	Body view.RefreshToken
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	verifier, err := auth.OpenVerifier(env)
	if err != nil {
		return nil, err
	}
	sessions := accounts.NewSessions(db, verifier, nil)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, sessions.Logout(ctx, user.ID, req.Body.Refresh)
	}, nil
}
