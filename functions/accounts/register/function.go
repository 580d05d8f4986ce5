// Package register serves POST /api/v1/accounts/register/.
package register

import (
	"context"
	"net/http"

	"aksio.app/shared/accounts"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
)

func init() {
	api.HandlePublic(api.Operation{
		ID:      "accounts-register",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/accounts/register/",
		Summary: "Register as a new user.",
		Needs:   []api.Resource{database.Resource, counter.Resource},
		Refuses: []fault.Kind{fault.Conflict},
		Status:  http.StatusCreated,
	}, setup)
}

// Request is a visitor's wish to become a user.
type Request struct {
	api.Client
	Body Registration
}

// Registration describes the new user.
type Registration struct {
	Username string  `json:"username" required:"true" example:"ada" doc:"3 to 30 letters, digits and _ . @ + -"`
	Email    string  `json:"email" required:"true" example:"ada@example.com"`
	Password string  `json:"password" required:"true" doc:"At least 9 characters; not common, not all digits, not like one's names."`
	Confirm  string  `json:"password_confirm" required:"true" doc:"The password again."`
	Phone    *string `json:"phone_number" nullable:"false" example:"+4712345678"`
}

// Response repeats what can be shown of the request.
type Response struct {
	Body Registered
}

// Registered is the new user.
type Registered struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Phone    string `json:"phone_number"`
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
	store := accounts.NewStore(db)
	return func(ctx context.Context, req *Request) (*Response, error) {
		user, err := store.Register(ctx, limiter, req.Address, accounts.Registration{
			Username: req.Body.Username,
			Email:    req.Body.Email,
			Password: req.Body.Password,
			Confirm:  req.Body.Confirm,
			Phone:    req.Body.Phone,
		})
		if err != nil {
			return nil, err
		}
		return &Response{Registered{Username: user.Username, Email: user.Email, Phone: user.Phone}}, nil
	}, nil
}
