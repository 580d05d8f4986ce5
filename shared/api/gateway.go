package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"aksio.app/shared/resource"
)

// Gateway serves all functions linked into the program at their canonical
// paths, as the load balancer does in the cloud. Private ones aren't reachable
// through it; Internal is their door.
type Gateway struct {
	Internal http.Handler // private functions at /internal/<id>/, events included

	public Router[methods]
}

// methods are the functions that share one path.
type methods map[string]http.Handler

// NewGateway returns a gateway in the process. Functions are set up when they
// are first called.
func NewGateway(p *resource.Process) *Gateway {
	g := &Gateway{}
	var internal Router[http.Handler]
	for _, d := range Declared() {
		handler := newLazy(d, func() *resource.Process { return p })
		if d.Access == Private {
			internal.Add(d.Path, handler)
			continue
		}
		at := g.public.Add(d.Path, methods{})
		for _, method := range d.Methods {
			if (*at)[method] != nil {
				panic(fmt.Sprintf("api: two functions serve %s %s; %s is one", method, d.Path, d.ID))
			}
			(*at)[method] = handler
		}
	}
	g.Internal = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, _ := internal.Find(r); handler != nil {
			(*handler).ServeHTTP(w, r)
			return
		}
		writeProblem(w, newProblem(http.StatusNotFound, "", "There is no private function at this address."))
	})
	return g
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, _ := g.public.Find(r)
	if found == nil {
		writeProblem(w, newProblem(http.StatusNotFound, "", "There is nothing at this address; see the API's documentation for those that there are."))
		return
	}
	method := r.Method
	switch method {
	case http.MethodHead:
		method = http.MethodGet
	case http.MethodOptions:
		method = r.Header.Get("Access-Control-Request-Method")
	}
	if handler := (*found)[method]; handler != nil {
		handler.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodOptions && method == "" {
		slices.Collect(maps.Values(*found))[0].ServeHTTP(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(*found)), ", "))
	writeProblem(w, newProblem(http.StatusMethodNotAllowed, "", fmt.Sprintf("Method %q not allowed.", r.Method)))
}
