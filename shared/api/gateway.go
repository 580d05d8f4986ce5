package api

import (
	"fmt"
	"net/http"

	"aksio.app/shared/resource"
)

// Routes leads calls to what serves their path and method.
type Routes struct {
	Origins []string // pages that may call

	router Router[methods]
}

// methods are the handlers that share one path.
type methods map[string]http.Handler

// Add lets the handler serve the path's methods. It panics if another does.
func (r *Routes) Add(names []string, path string, handler http.Handler) {
	at := r.router.Add(path, methods{})
	for _, method := range names {
		if (*at)[method] != nil {
			panic(fmt.Sprintf("api: two functions serve %s %s", method, path))
		}
		(*at)[method] = handler
	}
}

func (r *Routes) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	found, _ := r.router.Find(req)
	if found == nil {
		refuse(w, req, notFound())
		return
	}
	method := req.Method
	switch method {
	case http.MethodHead:
		method = http.MethodGet
	case http.MethodOptions: // a function knows nothing of the others of its path
		setHeaders(w, req, r.Origins)
		answerPreflight(w, allow(*found))
		return
	}
	handler := (*found)[method]
	if handler == nil {
		refuse(w, req, notAllowed(req, *found))
		return
	}
	handler.ServeHTTP(w, req)
}

// Gateway serves all functions linked into the program at their canonical
// paths, as the load balancer does in the cloud. Private ones aren't reachable
// through it; Internal is their door.
type Gateway struct {
	Internal http.Handler // private functions at /internal/<id>/, events included

	public Routes
}

// NewGateway returns a gateway in the process. Functions are set up when they
// are first called.
func NewGateway(p *resource.Process) *Gateway {
	config, _ := resource.Settings[Config](p.Env("gateway", nil)) // every function says what is wrong with it
	g := &Gateway{public: Routes{Origins: config.AllowedOrigins}}
	var internal Router[http.Handler]
	for _, d := range Declared() {
		handler := newLazy(d, func() *resource.Process { return p })
		switch {
		case d.Trigger == Any: // a gateway itself
		case d.Access == Private:
			internal.Add(d.Path, handler)
		default:
			g.public.Add(d.Methods, d.Path, handler)
		}
	}
	g.Internal = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, _ := internal.Find(r); handler != nil {
			(*handler).ServeHTTP(w, r)
			return
		}
		refuse(w, r, newProblem(http.StatusNotFound, "", "There is no private function at this address."))
	})
	return g
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.public.ServeHTTP(w, r) }
