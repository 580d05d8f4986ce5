// Package updateprofile serves PUT and PATCH /api/v1/accounts/profile/.
package updateprofile

import (
	"context"
	"net/http"
	_ "time/tzdata" // to check time zones, on whatever machine

	view "aksio.app/functions/accounts"
	"aksio.app/shared/accounts"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "accounts-update-profile",
		Methods: []string{http.MethodPut, http.MethodPatch},
		Path:    "/api/v1/accounts/profile/",
		Summary: "Change one's own account; fields that are left out stay as they are.",
		Needs:   []api.Resource{database.Resource},
		Refuses: []fault.Kind{fault.Throttled},
	}, setup)
}

// Request holds what is to change.
type Request struct {
	Body accounts.Change
}

// Response is the account as it is now.
type Response struct {
	Body view.User
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := accounts.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		account, err := store.Update(ctx, user.ID, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(account)}, nil
	}, nil
}
