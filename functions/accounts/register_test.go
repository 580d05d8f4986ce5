package accounts_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"aksio.app/shared/api/apitest"
)

func TestRegisterAnswersWhatMayBeShown(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	got := post(app, registerPath, with(registration("ada"), fields{
		"username": " ａda ", "email": " Ada@EXAMPLE.com ", "phone_number": "+4712345678", "first_name": "Ada", "is_staff": true,
	}), "Authorization", "Bearer stale").Want(http.StatusCreated).Map() // a stale token must not keep anybody out
	want := fields{"username": "ada", "email": "Ada@example.com", "phone_number": "+4712345678"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var stored string
	scan(t, app, &stored, `SELECT password FROM users WHERE username = 'ada' AND is_active AND NOT is_staff AND NOT is_verified AND first_name = ''`)
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is stored as %q", stored)
	}
	if plain := post(app, registerPath, registration("bob")).Want(http.StatusCreated).Map(); plain["phone_number"] != "" {
		t.Errorf("without a phone number got %v", plain)
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	for name, tc := range map[string]struct {
		change fields
		field  string
	}{
		"short name":           {fields{"username": "ab"}, "username"},
		"long name":            {fields{"username": strings.Repeat("a", 31)}, "username"},
		"blank name":           {fields{"username": "  "}, "username"},
		"null name":            {fields{"username": nil}, "username"},
		"space in name":        {fields{"username": "ada l"}, "username"},
		"markup in name":       {fields{"username": "<ada>"}, "username"},
		"right-to-left mark":   {fields{"username": "ada\u202e"}, "username"},
		"name grows by NFKC":   {fields{"username": strings.Repeat("ﷺ", 3)}, "username"},
		"no address":           {fields{"email": "ada"}, "email"},
		"address with a name":  {fields{"email": "Ada <ada@example.com>"}, "email"},
		"two addresses":        {fields{"email": "a@example.com,b@example.com"}, "email"},
		"header in address":    {fields{"email": "a@example.com\r\nBcc: b@example.com"}, "email"},
		"no top level":         {fields{"email": "ada@localhost"}, "email"},
		"dots in a row":        {fields{"email": "a..b@example.com"}, "email"},
		"long local part":      {fields{"email": strings.Repeat("a", 65) + "@example.com"}, "email"},
		"long address":         {fields{"email": "a@" + strings.Repeat("b.", 130) + "com"}, "email"},
		"blank address":        {fields{"email": ""}, "email"},
		"short password":       {fields{"password": "x7-Qp!zZ"}, "password"},
		"blank password":       {fields{"password": ""}, "password"},
		"spaces":               {fields{"password": "    "}, "password"},
		"common password":      {fields{"password": "PassWord123"}, "password"},
		"digits":               {fields{"password": "7402847193055"}, "password"},
		"like the name":        {fields{"username": "ada.lovelace", "password": "Ada_Lovelace1"}, "password"},
		"like the address":     {fields{"email": "countess@example.com", "password": "countess1"}, "password"},
		"passwords differ":     {fields{"password_confirm": password + " "}, "password"},
		"password is a list":   {fields{"password": []string{password}}, "password"},
		"no confirmation":      {fields{"password_confirm": nil}, "password_confirm"},
		"phone without digits": {fields{"phone_number": "call me"}, "phone_number"},
		"short phone":          {fields{"phone_number": "12345678"}, "phone_number"},
		"long phone":           {fields{"phone_number": "+11234567890123456"}, "phone_number"},
		"blank phone":          {fields{"phone_number": ""}, "phone_number"},
	} {
		wantField(t, name, post(app, registerPath, with(registration("ada"), tc.change)), tc.field)
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "1", "{", "{}"} {
		post(app, registerPath, body).Want(http.StatusBadRequest)
	}
	all := post(app, registerPath, fields{"username": "a", "email": "b", "password": "123456", "password_confirm": "x"}).Map()
	if messages, _ := all["password"].([]any); len(messages) != 3 || all["username"] == nil || all["email"] == nil {
		t.Errorf("not everything that is wrong is told at once: %v", all)
	}
	var users int
	if scan(t, app, &users, `SELECT count(*) FROM users`); users != 0 {
		t.Errorf("refused registrations left %d users", users)
	}
}

func TestRegisterAcceptsNamesAndAddressesOfAnyScript(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	for i, tc := range [][2]string{{"Ада_Л", "a@пример.рф"}, {"李小龙", "x+y@example.co.uk"}, {"ada@home", "o'neil@a-b.example"}} {
		body := with(registration("ada"), fields{"username": tc[0], "email": tc[1]})
		if got := post(app, registerPath, body).Want(http.StatusCreated).Map(); got["username"] != tc[0] || got["email"] != tc[1] {
			t.Errorf("%d: got %v, want %v", i, got, tc)
		}
	}
}

func TestNamesAndAddressesAreTakenOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	post(app, registerPath, with(registration("ada"), fields{"email": "Ada@Example.com"})).Want(http.StatusCreated)
	for name, tc := range map[string]struct {
		change fields
		fields []string
	}{
		"name":                    {fields{"username": "ada"}, []string{"username"}},
		"look-alike of the name":  {fields{"username": "ａｄａ"}, []string{"username"}},
		"address":                 {fields{"email": "Ada@Example.com"}, []string{"email"}},
		"address in another case": {fields{"email": "ADA@example.COM"}, []string{"email"}},
		"name that is an address": {fields{"username": "ADA@example.com"}, []string{"username"}},
		"both":                    {fields{"username": "ada", "email": "ada@example.com"}, []string{"email", "username"}},
		"both the address":        {fields{"username": "ada@example.com", "email": "ada@example.com"}, []string{"email"}},
	} {
		problem := post(app, registerPath, with(registration("new"), tc.change), from("198.51.100."+fmt.Sprint(len(name)))...)
		for _, field := range tc.fields {
			wantField(t, name, problem, field)
		}
		for field := range problem.Map() {
			if (field == "username" || field == "email") && !slices.Contains(tc.fields, field) {
				t.Errorf("%s: messages under %s: %s", name, field, problem.Body)
			}
		}
	}
	// Names keep their case, as they always did.
	post(app, registerPath, with(registration("new"), fields{"username": "Ada"})).Want(http.StatusCreated)
	// One's own address may be one's name.
	post(app, registerPath, with(registration("own"), fields{"username": "own@example.com"})).Want(http.StatusCreated)
}

func TestOneOfManyRegistrationsAtOnceWins(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	for name, body := range map[string]func(i int) fields{
		"same name": func(i int) fields {
			return with(registration("ada"), fields{"email": fmt.Sprintf("ada%d@example.com", i)})
		},
		"same address": func(i int) fields {
			return with(registration(fmt.Sprintf("bob%d", i)), fields{"email": "bob@example.com"})
		},
	} {
		statuses := make([]int, 8)
		var callers sync.WaitGroup
		for i := range statuses {
			callers.Go(func() {
				statuses[i] = post(app, registerPath, body(i), from(fmt.Sprintf("198.51.100.%d", i))...).Status
			})
		}
		callers.Wait()
		slices.Sort(statuses)
		if want := []int{201, 400, 400, 400, 400, 400, 400, 400}; !slices.Equal(statuses, want) {
			t.Errorf("%s: got %v, want one 201", name, statuses)
		}
	}
}

// Somebody could take another's address for a user name, and its owner was told that
// somebody had registered with it.
func TestNobodysUsernameIsAnothersAddress(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	squatter := with(registration("eve"), fields{"username": "Ada@example.com"})
	wantField(t, "a name that is nobody's address yet", post(app, registerPath, squatter), "username")
	eve := newUser(t, app, "eve")
	change := func(body fields) *apitest.Response {
		return app.Anonymous().Do(http.MethodPatch, profilePath, body, as(eve)...)
	}
	wantField(t, "the same, later", change(fields{"username": "ada@example.com"}), "username")
	post(app, registerPath, with(registration("ada"), fields{"username": "ADA@example.com"})).Want(http.StatusCreated) // hers

	change(fields{"username": "EVE@example.com"}).Want(http.StatusOK)
	wantField(t, "an address that one leaves but for the name", change(fields{"email": "new@example.com"}), "email")
	change(fields{"username": "new@example.com", "email": "new@example.com"}).Want(http.StatusOK)
	post(app, registerPath, with(registration("eve"), fields{"username": "eve2"})).Want(http.StatusCreated)
}

func TestRegisterIsLimitedByAddress(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	post(app, registerPath, registration("ada"), from("203.0.113.1")...).Want(http.StatusCreated)
	for range 59 {
		post(app, registerPath, registration("ada"), from("203.0.113.1")...).Want(http.StatusBadRequest)
	}
	throttled := post(app, registerPath, registration("bob"), from("203.0.113.1")...).Want(http.StatusTooManyRequests)
	if throttled.Header.Get("Retry-After") == "" || !strings.Contains(throttled.Map()["detail"].(string), "throttled") {
		t.Errorf("got %v %s", throttled.Header, throttled.Body)
	}
	post(app, registerPath, registration("bob"), from("203.0.113.2")...).Want(http.StatusCreated)
}

// TestHugeNamesAreNotCompared with each other, as passwords are with names: longer ones took minutes.
func TestHugeNamesAreNotCompared(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ab", 2_000)
	got := apitest.New(t).Anonymous().Post("/api/v1/accounts/register/", map[string]any{
		"username": long, "email": long + "@example.com", "password": long, "password_confirm": long,
	}).Want(http.StatusBadRequest).Map()
	for _, field := range []string{"username", "email", "password"} {
		if got[field] == nil {
			t.Errorf("nothing is said of the %s: %v", field, got)
		}
	}
}
