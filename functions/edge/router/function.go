// Package router gives clients that know only one address of the API that one: it
// passes each call on to the function that its method and path belong to.
package router

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/router"
)

// routes is written by make generate from the declarations.
//
//go:embed routes.json
var routes []byte

func init() {
	api.HandleAny(api.Operation{
		ID:           "edge-router",
		Summary:      "Pass a call on to the function that it is for.",
		Needs:        []api.Resource{router.Resource},
		MemoryMiB:    512,
		Concurrency:  250,
		Timeout:      time.Hour, // the functions' own end before
		MinInstances: 1,
		MaxInstances: 20,
	}, setup)
}

func setup(env *api.Env) (http.Handler, error) {
	var all []router.Route
	if err := json.Unmarshal(routes, &all); err != nil {
		return nil, err
	}
	return router.Open(env, all)
}
