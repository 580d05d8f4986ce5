package accounts_test

import (
	"net/http"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	b := app.Anonymous().Post("/api/v1/accounts/register/", map[string]any{"username": "ada", "email": "Ada@EXAMPLE.com", "password": "correct horse battery", "password_confirm": "correct horse battery"}).Want(201).Body
	t.Logf("%s", b)
	r := app.Anonymous().Post("/api/v1/accounts/login/", map[string]any{"username": "ada@example.COM", "password": "correct horse battery"}).Want(200).Map()
	h := []string{"Authorization", "Bearer " + r["access"].(string)}
	t.Logf("%s", app.Anonymous().Do(http.MethodGet, "/api/v1/accounts/profile/", nil, h...).Want(200).Body)
	n := app.Anonymous().Post("/api/v1/accounts/token-refresh/", map[string]any{"refresh": r["refresh"]}).Want(200).Map()
	app.Anonymous().Do(http.MethodPost, "/api/v1/accounts/logout/", map[string]any{"refresh": n["refresh"]}, h...).Want(205)
	t.Logf("%s", app.Anonymous().Do(http.MethodPost, "/api/v1/accounts/logout/", map[string]any{"refresh": n["refresh"]}, h...).Want(400).Body)
	t.Logf("%s", app.Anonymous().Post("/api/v1/accounts/token-refresh/", map[string]any{"refresh": n["refresh"]}).Want(401).Body)
	t.Logf("%s", app.Anonymous().Post("/api/v1/accounts/token-refresh/", map[string]any{"refresh": nil}).Want(400).Body)
	t.Logf("%s", app.Anonymous().Get("/.well-known/jwks.json").Want(200).Body)
	t.Logf("%s", app.Anonymous().Do(http.MethodPatch, "/api/v1/accounts/profile/", map[string]any{"timezone": "Europe/Oslo", "study_level": "", "email": "x@y.no", "university": nil}, h...).Want(200).Body)
	t.Logf("%s", app.Anonymous().Do(http.MethodPatch, "/api/v1/accounts/profile/", `{"study_level": "x", "username": null}`, h...).Want(400).Body)
	t.Logf("%s", app.Anonymous().Do(http.MethodPatch, "/api/v1/accounts/profile/", `{"username": null, "first_name":5}`, h...).Want(400).Body)
	t.Logf("%s", app.Anonymous().Do(http.MethodPost, "/api/v1/accounts/register/", `{"username": null, "email":"x", "password":" ", "password_confirm":" ", "phone_number":null}`, h...).Want(400).Body)
}
