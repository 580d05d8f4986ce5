// Package getkeys serves GET /.well-known/jwks.json.
package getkeys

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
)

func init() {
	api.HandlePublic(api.Operation{
		ID:      "accounts-get-keys",
		Methods: []string{http.MethodGet},
		Path:    "/.well-known/jwks.json",
		Summary: "Get the public keys that tokens are verified with.",
	}, setup)
}

// Response is the set of keys. A new one is published longer before it signs than
// others may keep this: see tokenKeys in scripts/cloud.
type Response struct {
	CacheControl string `header:"Cache-Control"`
	Body         auth.KeySet
}

func setup(env *api.Env) (api.PublicHandler[struct{}, Response], error) {
	verifier, err := auth.OpenVerifier(env)
	if err != nil {
		return nil, err
	}
	resp := &Response{CacheControl: "public, max-age=3600", Body: verifier.KeySet()}
	return func(context.Context, *struct{}) (*Response, error) { return resp, nil }, nil
}
