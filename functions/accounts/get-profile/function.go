// Package getprofile serves GET /api/v1/accounts/profile/.
package getprofile

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
		ID:      "accounts-get-profile",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/accounts/profile/",
		Summary: "Get one's own account.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Response is the account.
type Response struct {
	Body view.User
}

func setup(env *api.Env) (api.UserHandler[struct{}, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := accounts.NewStore(db)
	return func(ctx context.Context, user auth.User, _ *struct{}) (*Response, error) {
		account, err := store.Get(ctx, user.ID)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(account)}, nil
	}, nil
}
