package all_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
)

// TestWhatIsDemandedIsDocumented leaves out what each operation demands of its body, one
// field after the other, and then all the rest. Once, the document said of no field
// that it is demanded.
func TestWhatIsDemandedIsDocumented(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	w := newWorld(t, app, ada)
	document := readAPI(t)
	demanding := 0
	for _, d := range api.Declared() {
		for _, method := range d.Methods {
			body, ok := document.body(d.Path, method)
			good, contentType := w.body(d, w["/api/v1/courses/{}"])
			if !ok || contentType != "application/json" {
				continue
			}
			if method == http.MethodPatch && len(body.Required) > 0 {
				t.Errorf("%s: a PATCH demands %v", d.ID, body.Required)
			}
			fields := good.(map[string]any)
			fields["refresh"] = "none" // no other test may come as far with it
			for _, name := range body.Required {
				demanding++
				less := maps.Clone(fields)
				delete(less, name)
				refused := ada.Do(method, w.path(t, d), less)
				if refused.Status != http.StatusBadRequest || !bytes.Contains(refused.Body, []byte(`"body.`+name+`: This field is required."`)) {
					t.Errorf("%s without %s: %d %s", d.ID, name, refused.Status, refused.Body)
				}
				if problem := refused.Map(); problem["status"] != 400.0 || problem["title"] != "Bad Request" {
					t.Errorf("%s without %s: a problem's own members are %v and %v", d.ID, name, problem["status"], problem["title"])
				}
			}
			maps.DeleteFunc(fields, func(name string, _ any) bool { return !slices.Contains(body.Required, name) })
			if resp := ada.Do(method, w.path(t, d), fields); strings.Contains(string(resp.Body), "is required") {
				t.Errorf("%s with %v: %s", d.ID, fields, resp.Body)
			}
		}
	}
	if demanding < 30 {
		t.Errorf("%d fields are demanded in all", demanding)
	}
}

// TestDocumentNamesNobodysServer: a client that is made from the document and not told
// where to call must not send its user's token to a stranger.
func TestDocumentNamesNobodysServer(t *testing.T) {
	t.Parallel()
	for _, server := range readAPI(t).Servers {
		address := server.URL
		for name, variable := range server.Variables {
			address = strings.ReplaceAll(address, "{"+name+"}", variable.Default)
		}
		if u, err := url.Parse(address); err != nil || u.Hostname() != "127.0.0.1" && !strings.HasSuffix(u.Hostname(), ".invalid") {
			t.Errorf("%s leads to %s", server.URL, address)
		}
	}
}

// TestCodesAreDocumented compares the codes in the API's document with those in the source.
func TestCodesAreDocumented(t *testing.T) {
	t.Parallel()
	var code struct{ Description string }
	if err := json.Unmarshal(readAPI(t).Components.Schemas["Problem"].Properties["code"], &code); err != nil {
		t.Fatal(err)
	}
	documented, given := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^- `(.+)`: ").FindAllStringSubmatch(code.Description, -1) {
		documented[m[1]] = true
	}
	codes := regexp.MustCompile(`(?:Coded\(|\b[cC]ode[A-Z]\w+ += |http\.Status\w+: +)"([a-z_]+)"`)
	read := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/backups/") { // whose callers aren't people
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range codes.FindAllSubmatch(source, -1) {
			given[string(m[1])] = true
		}
		return err
	}
	for _, folder := range []string{"../../shared", "../../functions"} {
		if err := filepath.WalkDir(folder, read); err != nil {
			t.Fatal(err)
		}
	}
	for code := range given {
		if !documented[code] {
			t.Errorf("the code %s is missing in shared/api/codes.go", code)
		}
	}
	for code := range documented {
		if !given[code] {
			t.Errorf("nothing gives the code %s of shared/api/codes.go", code)
		}
	}
}

// TestAnswersHaveTheWordsOfRequests: what is one of a few words when it is sent is so when it is shown.
func TestAnswersHaveTheWordsOfRequests(t *testing.T) {
	t.Parallel()
	schemas := readAPI(t).Components.Schemas
	words := func(of, field string) (found struct{ Enum []string }) {
		if property := schemas[of].Properties[field]; property != nil {
			if err := json.Unmarshal(property, &found); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	compared := 0
	for name, changed := range schemas {
		shown := strings.TrimPrefix(strings.TrimSuffix(name, "Change"), "New")
		if shown == name {
			continue
		}
		for field := range changed.Properties {
			if taken := words(name, field).Enum; taken != nil && schemas[shown].Properties[field] != nil {
				compared++
				answered := words(shown, field).Enum
				for _, word := range taken {
					if !slices.Contains(answered, word) {
						t.Errorf("%s of %s may be %s, but of %s only one of %q", field, name, word, shown, answered)
					}
				}
			}
		}
	}
	if compared < 8 {
		t.Errorf("%d fields were compared", compared)
	}
}
