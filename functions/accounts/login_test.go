package accounts_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestLoginByNameOrAddress(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	post(app, registerPath, registration("Ada")).Want(http.StatusCreated)
	for i, tc := range []struct {
		name, password string
		want           int
	}{
		{"Ada", password, 200},
		{" Ａda ", password, 200}, // another way to write it
		{"Ada@example.com", password, 200},
		{"ADA@EXAMPLE.COM", password, 200},
		{"ada", password, 401},
		{"Ada", password + " ", 401},
		{"Ada", strings.ToUpper(password), 401},
		{"Ada", "x", 401},
		{"nobody", password, 401},
		{"' OR 1=1 --", password, 401},
		{strings.Repeat("a", 10_000), password, 401},
		{"", password, 400},
		{"  ", password, 400},
		{"Ada", "", 400},
	} {
		exec(t, app, `DELETE FROM rate_limits`)
		resp := post(app, loginPath, fields{"username": tc.name, "password": tc.password}, "Authorization", "Bearer stale")
		if resp.Status != tc.want {
			t.Errorf("%d: %.40q: got %d, want %d: %s", i, tc.name, resp.Status, tc.want, resp.Body)
			continue
		}
		switch body := resp.Map(); {
		case tc.want == 200 && (len(body) != 2 || body["access"] == "" || body["refresh"] == ""):
			t.Errorf("%d: got %v", i, body)
		case tc.want == 401 && resp.Header.Get("WWW-Authenticate") != `Bearer realm="api"`:
			t.Errorf("%d: no challenge in %v", i, resp.Header)
		}
	}
	var recent bool
	scan(t, app, &recent, `SELECT last_login > now() - interval '1 minute' AND last_active_at = last_login FROM users`)
	if !recent {
		t.Error("the login isn't noted")
	}
}

func TestPasswordsAreNotTrimmed(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	spaced := "  " + password + "  "
	post(app, registerPath, with(registration("ada"), fields{"password": spaced, "password_confirm": spaced})).Want(http.StatusCreated)
	post(app, loginPath, fields{"username": "ada", "password": spaced}).Want(http.StatusOK)
	post(app, loginPath, fields{"username": "ada", "password": password}).Want(http.StatusUnauthorized)
}

// TestLoginDoesNotTellWhoExists neither by words nor by time: the memory that a hash takes
// tells that one is made. In no other test's company.
func TestLoginDoesNotTellWhoExists(t *testing.T) {
	app := newApp(t)
	newUser(t, app, "ada")
	app.User("broken") // has no hash that could be verified
	try := func(name, password string) (string, uint64) {
		exec(t, app, `DELETE FROM rate_limits`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body := string(post(app, loginPath, fields{"username": name, "password": password}).Want(http.StatusUnauthorized).Body)
		runtime.ReadMemStats(&after)
		return body, (after.TotalAlloc - before.TotalAlloc) >> 20
	}
	wrong, _ := try("ada", "wrong password")
	for name, password := range map[string]string{"ada": "wrong password", "nobody": password, "broken": password} {
		body, taken := try(name, password)
		if body != wrong {
			t.Errorf("%s: got %s, for a wrong password %s", name, body, wrong)
		}
		if taken < 19 || taken > 30 { // one hash takes 19
			t.Errorf("%s: refused with %d MiB, want those of one hash", name, taken)
		}
	}
	exec(t, app, `UPDATE users SET is_active = false`)
	if body, _ := try("ada", "wrong password"); body != wrong {
		t.Errorf("wrong password of a deactivated account: got %s, want %s", body, wrong)
	}
	exec(t, app, `DELETE FROM rate_limits`)
	if got := post(app, loginPath, fields{"username": "ada", "password": password}).Want(http.StatusUnauthorized).Map(); got["code"] != "user_inactive" {
		t.Errorf("deactivated account: got %v", got)
	}
}

// weakHash is the password's, made with 64 KiB and one pass.
const weakHash = "$argon2id$v=19$m=64,t=1,p=1$f1U6IOgAosy699slFi4mlw$Lb8xm7MYie7XCL+v2Ico3B3Qfv0qJD+0Cgrx0fxiFqM"

func TestLoginStrengthensOldHashes(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	app.User("ada")
	exec(t, app, `UPDATE users SET password = $1`, weakHash)
	post(app, loginPath, fields{"username": "ada", "password": "wrong password"}).Want(http.StatusUnauthorized)
	var stored string
	if scan(t, app, &stored, `SELECT password FROM users`); stored != weakHash {
		t.Errorf("a wrong password made the hash %q", stored)
	}
	login(t, app, "ada")
	if scan(t, app, &stored, `SELECT password FROM users`); !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is still %q", stored)
	}
	login(t, app, "ada")
}

func TestLoginIsLimitedByNameAndByAddress(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	newUser(t, app, "ada")
	exec(t, app, `DELETE FROM rate_limits`)
	try := func(name, address string) int {
		resp := post(app, loginPath, fields{"username": name, "password": "wrong password"}, from(address)...)
		if wait := resp.Header.Get("Retry-After"); (resp.Status == http.StatusTooManyRequests) != (wait != "") {
			t.Errorf("%d with Retry-After %q", resp.Status, wait)
		}
		return resp.Status
	}
	for i := range 5 {
		if got := try("ada", fmt.Sprintf("2001:db8:0:7::%d", i)); got != http.StatusUnauthorized {
			t.Errorf("try %d: got %d", i, got)
		}
	}
	if got := try("ADA ", "2001:db8:0:7::99"); got != http.StatusTooManyRequests {
		t.Errorf("sixth try on one name from one network in a minute: got %d, want 429", got)
	}
	credentials := fields{"username": "ada", "password": password}
	// The right password doesn't help, either: the limit is the lockout. But anybody could
	// keep it up with tries of their own, so it is only theirs.
	post(app, loginPath, credentials, from("2001:db8:0:7::1")...).Want(http.StatusTooManyRequests)
	post(app, loginPath, credentials, from("2001:db8:0:8::1")...).Want(http.StatusOK)
	// However many networks guess, the account has a limit, which others' names don't share.
	exec(t, app, `UPDATE rate_limits SET ready = now() + interval '1 hour' WHERE key LIKE 'login-to:%' AND key NOT LIKE '% from %'`)
	if got := try("ada", "203.0.113.4"); got != http.StatusTooManyRequests {
		t.Errorf("after tries from many networks: got %d, want 429", got)
	}
	if got := try("bob", "203.0.113.4"); got != http.StatusUnauthorized {
		t.Errorf("another name: got %d, want 401", got)
	}

	allowed := 0
	for ; allowed < 100; allowed++ { // many names from one network; one try comes back every three seconds
		if try(fmt.Sprintf("name%d", allowed), fmt.Sprintf("2001:db8:0:1::%x", allowed)) == http.StatusTooManyRequests {
			break
		}
	}
	if allowed < 20 || allowed > 40 {
		t.Errorf("%d tries from one network were allowed, want 20 in a minute", allowed)
	}
	if got := try("another", "2001:db8:0:2::1"); got != http.StatusUnauthorized {
		t.Errorf("from another network: got %d, want 401", got)
	}
}

// One customer may have a /48 of IPv6: that many networks have one lot of tries at an account.
func TestOneSiteShutsNobodyOut(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	newUser(t, app, "ada")
	exec(t, app, `DELETE FROM rate_limits`)
	granted, began := 0, time.Now()
	for n := range 65 {
		if post(app, loginPath, fields{"username": "ada", "password": "wrong password"}, from(fmt.Sprintf("2001:db8:0:%x::1", n/5))...).Status == http.StatusUnauthorized {
			granted++
		}
	}
	if most := 11 + int(time.Since(began)/(6*time.Second)); granted < 10 || granted > most { // one comes back every six seconds
		t.Errorf("%d tries from the networks of one site were granted, want 10 to %d", granted, most)
	}
	post(app, loginPath, fields{"username": "ada", "password": password}, from("2001:db8:1::1")...).Want(http.StatusOK)
}

// A site has a rate beside those of its networks, of whatever counts by address.
func TestNetworksOfOneSiteShareARate(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	for key, try := range map[string]func(address string) int{
		"register:": func(address string) int {
			return post(app, registerPath, registration("ada"), from(address)...).Status
		},
		"refresh:": func(address string) int {
			resp := refresh(app, p.Refresh, from(address)...)
			if resp.Status == http.StatusOK {
				resp.Into(&p)
			}
			return resp.Status
		},
		"login-from:": func(address string) int {
			return post(app, loginPath, fields{"username": "ada", "password": "wrong password"}, from(address)...).Status
		},
	} {
		if got := try("2001:db8:0:1::1"); got == http.StatusTooManyRequests {
			t.Errorf("%s the first try: got %d", key, got)
		}
		exec(t, app, `UPDATE rate_limits SET ready = now() + interval '2 hours' WHERE key = $1`, key+"2001:db8::/48")
		if got := try("2001:db8:0:2::1"); got != http.StatusTooManyRequests {
			t.Errorf("%s another network of a site that used up its rate: got %d, want 429", key, got)
		}
		if got := try("2001:db8:1:2::1"); got == http.StatusTooManyRequests {
			t.Errorf("%s another site: got %d", key, got)
		}
	}
}

// A user name and the address of one account had tries of their own, so whoever
// guessed got twice as many.
func TestBothNamesOfAnAccountShareItsTries(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	newUser(t, app, "ada")
	for first, second := range map[string]string{
		"ada": "Ada@example.com", "ADA@EXAMPLE.COM": "ADA", // which isn't hers, and tells nobody so
		"nobody": "NOBODY", "nobody@example.com": "Nobody@example.com",
	} {
		exec(t, app, `DELETE FROM rate_limits`)
		for i, name := range []string{first, second, first, second, first, second, first} {
			want := http.StatusUnauthorized
			if i >= 5 {
				want = http.StatusTooManyRequests
			}
			resp := post(app, loginPath, fields{"username": name, "password": "wrong password"}, from("203.0.113.1")...)
			if resp.Status != want {
				t.Errorf("try %d, at %s: got %d, want %d", i+1, name, resp.Status, want)
			}
		}
	}
}

func TestAThrottledAddressUsesUpNobodysTries(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	newUser(t, app, "ada")
	exec(t, app, `DELETE FROM rate_limits`)
	const attacker, victim = "203.0.113.1", "203.0.113.2"
	try := func(name string) int {
		return post(app, loginPath, fields{"username": name, "password": "wrong password"}, from(attacker)...).Status
	}
	for i := 0; try(fmt.Sprint("name", i)) != http.StatusTooManyRequests; i++ {
		if i == 100 {
			t.Fatal("the address is never throttled")
		}
	}
	for range 10 {
		exec(t, app, `UPDATE rate_limits SET ready = now() + interval '1 hour' WHERE key LIKE 'login-from:203.0.113.1%'`) // and stays so
		if got := try("ada"); got != http.StatusTooManyRequests {
			t.Errorf("got %d, want 429", got)
		}
	}
	post(app, loginPath, fields{"username": "ada", "password": password}, from(victim)...).Want(http.StatusOK)
}
