package all_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
)

// varying is what an answer has of its own each time.
var varying = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z|eyJ[\w.-]+|"(processing_time_ms|average_response_time_ms|time_taken_seconds)":\d+`)

// TestEveryWriteTakesForms makes every good call of a write as JSON and as both kinds of
// form, each for a student of their own, and compares the answers.
func TestEveryWriteTakesForms(t *testing.T) {
	t.Parallel()
	encodings := []func(map[string]any) (any, string){
		func(body map[string]any) (any, string) { return body, "application/json" },
		func(body map[string]any) (any, string) {
			return texts(body).Encode(), "application/x-www-form-urlencoded"
		},
		func(body map[string]any) (any, string) {
			var b bytes.Buffer
			writer := multipart.NewWriter(&b)
			for name, values := range texts(body) {
				for _, value := range values {
					writer.WriteField(name, value)
				}
			}
			writer.Close()
			return b.Bytes(), writer.FormDataContentType()
		},
	}
	answers := map[string]string{}
	for i, encoded := range encodings {
		app := apitest.New(t)
		ada := app.User("ada")
		w := newWorld(t, app, ada)
		for _, d := range api.Declared() {
			if d.Access == api.Private || d.Trigger != api.HTTP {
				continue
			}
			for _, method := range d.Methods {
				good, contentType := w.body(d, w["/api/v1/courses/{}"])
				if method == http.MethodGet || method == http.MethodDelete || contentType != "application/json" {
					continue
				}
				body, contentType := encoded(good.(map[string]any))
				resp := ada.Do(method, w.path(t, d), body, "Content-Type", contentType)
				call := method + " " + d.Path
				answer := fmt.Sprint(resp.Status, " ", varying.ReplaceAllString(string(resp.Body), "…"))
				if i == 0 {
					answers[call] = answer
				} else if answer != answers[call] {
					t.Errorf("%s as %s: got %s, want %s", call, contentType, answer, answers[call])
				}
			}
		}
	}
}

// A page that tries again sends another boundary between the parts.
func TestAFormThatIsSentAgainByItsKeyIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	part := func(boundary string) (body, contentType string) {
		return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nSets\r\n--" + boundary + "--\r\n", "multipart/form-data; boundary=" + boundary
	}
	post := func(key, body, contentType string) *apitest.Response {
		return ada.Do(http.MethodPost, coursesPath, body, "Content-Type", contentType, "Idempotency-Key", key)
	}
	const form = "application/x-www-form-urlencoded"
	first := post("a", "name=Topology", form).Want(http.StatusCreated).Map()["id"]
	if again := post("a", "name=Topology", form).Want(http.StatusCreated); again.Map()["id"] != first || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the first is %v, again %v %s", first, again.Header, again.Body)
	}
	post("a", "name=Algebra", form).Want(http.StatusConflict)
	body, contentType := part("x")
	second := post("b", body, contentType).Want(http.StatusCreated).Map()["id"]
	body, contentType = part("y")
	if again := post("b", body, contentType).Want(http.StatusCreated).Map()["id"]; again != second {
		t.Errorf("the second is %v, again %v", second, again)
	}
}

// texts are the fields of a form that stands for the flat body.
func texts(body map[string]any) url.Values {
	form := url.Values{}
	for name, value := range body {
		if list, ok := value.([]string); ok {
			form[name] = list
			continue
		}
		form.Set(name, fmt.Sprint(value))
	}
	return form
}
