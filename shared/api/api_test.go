package api

import (
	"net/http/httptest"
	"slices"
	"testing"
)

func TestRouterPrefersLiteralsFromTheLeft(t *testing.T) {
	t.Parallel()
	var router Router[string]
	for _, pattern := range []string{"/a/", "/a/{id}/", "/a/{id}/stats/", "/a/cards/", "/a/cards/{id}/", "/a/cards/due/", "/{any}/x/"} {
		router.Add(pattern, pattern)
	}
	for path, want := range map[string]struct {
		pattern    string
		parameters []string
	}{
		"/a":                 {"/a/", nil},
		"/a/1/":              {"/a/{id}/", []string{"1"}},
		"/a/1/stats":         {"/a/{id}/stats/", []string{"1"}},
		"/a/cards/":          {"/a/cards/", nil},
		"/a/cards/7/":        {"/a/cards/{id}/", []string{"7"}},
		"/a/cards/due/":      {"/a/cards/due/", nil},
		"/a/cards/stats/":    {"/a/cards/{id}/", []string{"stats"}},
		"/a/x":               {"/a/{id}/", []string{"x"}},
		"/b/x/":              {"/{any}/x/", []string{"b"}},
		"/a/%2Fetc%2Fpasswd": {"/a/{id}/", []string{"/etc/passwd"}},
		"/a/1/2/3/":          {"", nil},
		"/a//stats/":         {"", nil},
		"/":                  {"", nil},
	} {
		found, parameters := router.Find(httptest.NewRequest("GET", path, nil))
		got := ""
		if found != nil {
			got = *found
		}
		if got != want.pattern || found != nil && !slices.Equal(parameters, want.parameters) {
			t.Errorf("%s leads to %q with %q, want %q with %q", path, got, parameters, want.pattern, want.parameters)
		}
	}
}

func TestBadEscapesAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a":"\u0000"}`: true, `{"a":"x\u0000"}`: true, `{"a":"\\u0000"}`: false, `{"a":"\\\u0000"}`: true, `{"a":"\\u0000\u0000"}`: true, `{"a":"u0000"}`: false,
		`{"a":"\ud800"}`: true, `{"a":"\ud83d\ude00"}`: false, `{"a":"\ude00\ud83d"}`: true, `{"a":"\ud83d\u0041"}`: true, `{"a":"\\ud83d"}`: false, `{"a":"\ud83d"`: true, `"\u00e5\ud8`: false,
	} {
		if got := badEscape([]byte(text)) != nil; got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}
