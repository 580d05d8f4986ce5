package api

import (
	"net/http"
	"net/url"
	"strings"
)

// Router finds the function for a path. Unlike http.ServeMux it takes
// overlapping patterns, as the API has them (/assessments/{id}/stats/ and
// /assessments/flashcards/{id}/): from left to right, a literal segment wins
// over a parameter. The final slash may be missing from the path.
type Router[T any] struct {
	root node[T]
}

type node[T any] struct {
	literals  map[string]*node[T]
	parameter *node[T]
	value     *T
}

// Add lets the pattern's paths lead to the value; the first value of a pattern stays.
func (r *Router[T]) Add(pattern string, value T) *T {
	at := &r.root
	for _, segment := range segments(pattern) {
		if strings.HasPrefix(segment, "{") {
			if at.parameter == nil {
				at.parameter = &node[T]{}
			}
			at = at.parameter
			continue
		}
		next := at.literals[segment]
		if next == nil {
			next = &node[T]{}
			if at.literals == nil {
				at.literals = map[string]*node[T]{}
			}
			at.literals[segment] = next
		}
		at = next
	}
	if at.value == nil {
		at.value = &value
	}
	return at.value
}

// Find returns the value for the request's path, nil if there is none, and the
// path's parameters in order.
func (r *Router[T]) Find(req *http.Request) (*T, []string) {
	var parameters []string
	found := r.root.find(segments(req.URL.EscapedPath()), &parameters)
	return found, parameters
}

func (n *node[T]) find(path []string, parameters *[]string) *T {
	if len(path) == 0 {
		return n.value
	}
	if next := n.literals[path[0]]; next != nil {
		if found := next.find(path[1:], parameters); found != nil {
			return found
		}
	}
	if n.parameter != nil {
		value, err := url.PathUnescape(path[0])
		if err != nil || value == "" {
			return nil
		}
		*parameters = append(*parameters, value)
		if found := n.parameter.find(path[1:], parameters); found != nil {
			return found
		}
		*parameters = (*parameters)[:len(*parameters)-1]
	}
	return nil
}

// segments splits a path at its slashes, leaving the outer ones away.
func segments(path string) []string {
	path = strings.TrimPrefix(path, "/")
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// parameterNames returns the names of a pattern's parameters in order.
func parameterNames(pattern string) []string {
	var names []string
	for _, segment := range segments(pattern) {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}
