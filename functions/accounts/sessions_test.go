package accounts_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aksio.app/shared/api/apitest"
	"aksio.app/shared/auth"
)

const (
	blacklisted = "Token is blacklisted"
	invalid     = "Token is invalid or expired"
	wrongType   = "Token has wrong type"
)

// wantNotValid fails the test unless the token was refused in the words that clients know.
func wantNotValid(t *testing.T, what string, resp *apitest.Response, detail string) {
	t.Helper()
	if got := resp.Map(); resp.Status != http.StatusUnauthorized || got["detail"] != detail || got["code"] != "token_not_valid" {
		t.Errorf("%s: got %d %s, want 401 %s", what, resp.Status, resp.Body, detail)
	}
}

func claims(t *testing.T, token string) (c struct {
	Type string `json:"token_type"`
	User string `json:"user_id"`
	ID   string `json:"jti"`
	Iat  int64
	Exp  int64
}) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokensSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	var user string
	scan(t, app, &user, `SELECT id::text FROM users`)
	for _, tc := range []struct {
		token, kind string
		lifetime    time.Duration
	}{{p.Access, "access", 15 * time.Minute}, {p.Refresh, "refresh", 7 * 24 * time.Hour}} {
		c := claims(t, tc.token)
		if c.Type != tc.kind || c.User != user || len(c.ID) != 32 || c.Exp-c.Iat != int64(tc.lifetime.Seconds()) ||
			time.Since(time.Unix(c.Iat, 0)).Abs() > time.Minute {
			t.Errorf("%s token holds %+v", tc.kind, c)
		}
	}
	var rows int
	if scan(t, app, &rows, `SELECT count(*) FROM refresh_tokens WHERE id = $1::uuid AND family = id AND user_id = $2`,
		claims(t, p.Refresh).ID, user); rows != 1 {
		t.Error("the refresh token isn't recorded with its user and family")
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	first, other := newUser(t, app, "ada"), login(t, app, "ada")

	var second, again pair
	refresh(app, first.Refresh, "Authorization", "Bearer stale").Want(http.StatusOK).Into(&second)
	if second.Refresh == first.Refresh || second.Access == first.Access {
		t.Error("the tokens didn't change")
	}
	app.Anonymous().Do(http.MethodGet, profilePath, nil, as(second)...).Want(http.StatusOK)
	refresh(app, first.Refresh).Want(http.StatusOK).Into(&again) // its answer may have got lost
	if again.Refresh != second.Refresh {
		t.Errorf("a repetition got another refresh token: %+v, not %+v", claims(t, again.Refresh), claims(t, second.Refresh))
	}

	exec(t, app, `UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds'`)
	wantNotValid(t, "used token", refresh(app, first.Refresh), blacklisted)
	wantNotValid(t, "its successor", refresh(app, second.Refresh), blacklisted)
	refresh(app, other.Refresh).Want(http.StatusOK) // another login isn't concerned
}

// A refresh token could be exchanged for ten seconds although what it was exchanged for
// was used, too: both lines then lived on, the thief's and the owner's.
func TestATokenWhoseSuccessorIsUsedIsReused(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	first := newUser(t, app, "ada")
	var second, third pair
	refresh(app, first.Refresh).Want(http.StatusOK).Into(&second)
	refresh(app, second.Refresh).Want(http.StatusOK).Into(&third)
	exec(t, app, `UPDATE refresh_tokens SET used_at = now() WHERE used_at IS NOT NULL`) // however slow this is
	wantNotValid(t, "used token", refresh(app, first.Refresh), blacklisted)
	wantNotValid(t, "the newest", refresh(app, third.Refresh), blacklisted)
}

func TestRefreshRefusesWhatIsNoRefreshToken(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := newUser(t, app, "ada"), newUser(t, app, "bob")
	signer, err := auth.NewSigner([]byte(app.Settings["TOKEN_SIGNING_KEY"]))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := auth.NewSigner([]byte(apitest.Key()))
	if err != nil {
		t.Fatal(err)
	}
	row := claims(t, ada.Refresh)
	var user, bobID auth.UserID
	scan(t, app, &user, `SELECT id FROM users WHERE username = 'ada'`)
	scan(t, app, &bobID, `SELECT id FROM users WHERE username = 'bob'`)
	sign := func(s *auth.Signer, user auth.UserID, jti string, issued time.Time) string {
		token, err := s.Sign(user, auth.Refresh, jti, issued, auth.RefreshLifetime)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	now := time.Now()
	parts := strings.Split(ada.Refresh, ".")
	unused := make([]byte, 16)
	rand.Read(unused)

	for name, tc := range map[string]struct{ token, detail string }{
		"access token":         {ada.Access, wrongType},
		"expired":              {sign(signer, user, row.ID, now.Add(-auth.RefreshLifetime-time.Second)), invalid},
		"foreign key":          {sign(stranger, user, row.ID, now), invalid},
		"another user's jti":   {sign(signer, bobID, row.ID, now), invalid},
		"unknown jti":          {sign(signer, user, hex.EncodeToString(unused), now), invalid},
		"jti is no id":         {sign(signer, user, "x", now), invalid},
		"no jti":               {sign(signer, user, "", now), invalid},
		"no user":              {sign(signer, auth.UserID{}, row.ID, now), invalid},
		"alg none":             {forge(t, app, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ada.Refresh), invalid},
		"HS256 by public key":  {forge(t, app, jwt.SigningMethodHS256, publicKey(t, app), ada.Refresh), invalid},
		"HS256 by the key set": {forge(t, app, jwt.SigningMethodHS256, []byte(app.Settings["TOKEN_KEYS"]), ada.Refresh), invalid},
		"another's payload":    {parts[0] + "." + strings.Split(bob.Refresh, ".")[1] + "." + parts[2], invalid},
		"no signature":         {parts[0] + "." + parts[1] + ".", invalid},
		"malformed":            {"x.y.z", invalid},
		"very long":            {strings.Repeat("a.", 8_000), invalid},
		"spaces":               {"   ", invalid},
	} {
		wantNotValid(t, name, refresh(app, tc.token), tc.detail)
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "{}", `{"refresh": null}`, `{"refresh": ""}`, `{"refresh": 1}`, `{"refresh": {}}`} {
		post(app, refreshPath, body).Want(http.StatusBadRequest)
	}
	refresh(app, ada.Refresh).Want(http.StatusOK) // none of it touched the token
}

func publicKey(t *testing.T, app *apitest.App) []byte {
	t.Helper()
	var set auth.KeySet
	if err := json.Unmarshal([]byte(app.Settings["TOKEN_KEYS"]), &set); err != nil {
		t.Fatal(err)
	}
	key, err := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	if err != nil || len(key) != ed25519.PublicKeySize {
		t.Fatal("no public key")
	}
	return key
}

// forge signs the claims of a good token by another method, under the kid of our key.
func forge(t *testing.T, app *apitest.App, method jwt.SigningMethod, key any, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	forged := jwt.NewWithClaims(method, parsed.Claims)
	forged.Header["kid"] = parsed.Header["kid"]
	text, err := forged.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRefreshChecksTheUser(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	exec(t, app, `UPDATE users SET is_active = false`)
	wantNotValid(t, "deactivated", refresh(app, p.Refresh), invalid)
	exec(t, app, `UPDATE users SET is_active = true`)
	wantNotValid(t, "activated again", refresh(app, p.Refresh), blacklisted)
	q := login(t, app, "ada")
	exec(t, app, `DELETE FROM users`)
	wantNotValid(t, "deleted", refresh(app, q.Refresh), invalid)
}

func TestRefreshNotesActivityOnceAMinute(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	var recent bool
	exec(t, app, `UPDATE users SET last_active_at = now() - interval '30 seconds'`)
	refresh(app, p.Refresh).Want(http.StatusOK).Into(&p)
	if scan(t, app, &recent, `SELECT last_active_at > now() - interval '20 seconds' FROM users`); recent {
		t.Error("activity was noted twice in a minute")
	}
	exec(t, app, `UPDATE users SET last_active_at = now() - interval '61 seconds'`)
	refresh(app, p.Refresh).Want(http.StatusOK)
	if scan(t, app, &recent, `SELECT last_active_at > now() - interval '20 seconds' FROM users`); !recent {
		t.Error("activity wasn't noted")
	}
}

func TestManyRefreshesAtOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	pairs := make([]pair, 10)
	var windows sync.WaitGroup
	for i := range pairs {
		windows.Go(func() {
			if resp := refresh(app, p.Refresh); resp.Status != http.StatusOK {
				t.Errorf("window %d: got %d %s", i, resp.Status, resp.Body)
			} else {
				resp.Into(&pairs[i])
			}
		})
	}
	windows.Wait()
	for _, other := range pairs {
		if other.Refresh != pairs[0].Refresh {
			t.Error("two windows got different refresh tokens: the login forked")
		}
	}
}

// TestAFamilyDoesNotGrowWhileItIsRevoked lets a thief show an old token while
// the exchange of the newest is under way, held up by a lock.
func TestAFamilyDoesNotGrowWhileItIsRevoked(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	first := newUser(t, app, "ada")
	var second pair
	refresh(app, first.Refresh).Want(http.StatusOK).Into(&second)
	exec(t, app, `UPDATE refresh_tokens SET used_at = used_at - interval '1 minute'`)

	tx, err := app.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), `SELECT FROM refresh_tokens WHERE id = $1::uuid FOR UPDATE`, claims(t, second.Refresh).ID); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for i, token := range []string{second.Refresh, first.Refresh} {
		calls.Go(func() { refresh(app, token) })
		for waiting := 0; waiting <= i; time.Sleep(time.Millisecond) {
			scan(t, app, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	var alive int
	if scan(t, app, &alive, `SELECT count(*) FROM refresh_tokens WHERE revoked_at IS NULL`); alive != 0 {
		t.Errorf("%d tokens outlived the revocation of their family", alive)
	}
}

func TestRefreshIsLimitedByAddress(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	for range 60 {
		refresh(app, "x.y.z", from("203.0.113.1")...).Want(http.StatusUnauthorized) // costs nothing, so it isn't counted
	}
	allowed := 0
	for allowed < 200 { // one comes back every second
		resp := refresh(app, p.Refresh, from("203.0.113.1")...)
		if resp.Status == http.StatusTooManyRequests {
			break
		}
		resp.Want(http.StatusOK).Into(&p)
		allowed++
	}
	if allowed < 60 || allowed > 120 {
		t.Errorf("%d refreshes in a row were allowed, want 60 in a minute", allowed)
	}
	var used bool
	if scan(t, app, &used, `SELECT used_at IS NOT NULL FROM refresh_tokens WHERE id = $1::uuid`, claims(t, p.Refresh).ID); used {
		t.Error("a throttled call used up the token")
	}
	refresh(app, p.Refresh, from("203.0.113.2")...).Want(http.StatusOK)
}

func TestLogoutEndsOneLogin(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p, other := newUser(t, app, "ada"), login(t, app, "ada")
	logout := func(body any) *apitest.Response { return post(app, logoutPath, body, as(p)...) }

	if resp := logout(fields{"refresh": p.Refresh}).Want(http.StatusResetContent); len(resp.Body) != 0 {
		t.Errorf("got a body: %s", resp.Body)
	}
	logout(fields{"refresh": p.Refresh}).Want(http.StatusBadRequest)
	wantNotValid(t, "after logout", refresh(app, p.Refresh), blacklisted)
	app.Anonymous().Do(http.MethodGet, profilePath, nil, as(p)...).Want(http.StatusOK)
	refresh(app, other.Refresh).Want(http.StatusOK)
}

// TestLogoutWithAnExchangedTokenEndsItsLogin: the client may not have got the newest.
func TestLogoutWithAnExchangedTokenEndsItsLogin(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	first, other := newUser(t, app, "ada"), login(t, app, "ada")
	var second pair
	refresh(app, first.Refresh).Want(http.StatusOK).Into(&second)
	problem := post(app, logoutPath, fields{"refresh": first.Refresh}, as(second)...).Want(http.StatusBadRequest).Map()
	if problem["detail"] != blacklisted {
		t.Errorf("got %v, want %q", problem, blacklisted)
	}
	wantNotValid(t, "after logout", refresh(app, second.Refresh), blacklisted)
	refresh(app, other.Refresh).Want(http.StatusOK)
}

func TestLogoutRefuses(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := newUser(t, app, "ada"), newUser(t, app, "bob")
	rotated := login(t, app, "ada")
	refresh(app, rotated.Refresh).Want(http.StatusOK)

	bodies := []any{"", "null", "[]", `"x"`, "{}", `{"refresh": null}`, `{"refresh": ""}`, `{"refresh": [1]}`}
	for _, token := range []string{ada.Access, bob.Refresh, rotated.Refresh, "x.y.z",
		forge(t, app, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ada.Refresh)} {
		bodies = append(bodies, fields{"refresh": token})
	}
	for _, body := range bodies {
		resp := post(app, logoutPath, body, as(ada)...)
		if resp.Status != http.StatusBadRequest || resp.Map()["detail"] == "" {
			t.Errorf("%.60v: got %d %s, want 400", body, resp.Status, resp.Body)
		}
	}
	if others := post(app, logoutPath, fields{"refresh": bob.Refresh}, as(ada)...).Map(); others["detail"] == blacklisted {
		t.Errorf("another user's token: got %v", others)
	}
	post(app, logoutPath, fields{"refresh": ada.Refresh}).Want(http.StatusUnauthorized)
	for _, p := range []pair{ada, bob} {
		refresh(app, p.Refresh).Want(http.StatusOK) // nobody was signed out
	}
}

func TestKeysVerifyTokens(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	resp := app.Anonymous().Get("/.well-known/jwks.json").Want(http.StatusOK)
	if got := resp.Header.Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("Cache-Control is %q", got)
	}
	verifier, err := auth.NewVerifier(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(p.Access, auth.Access, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestKeysNeverShowAPrivateOne(t *testing.T) {
	t.Parallel()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	encode := base64.RawURLEncoding.EncodeToString
	set := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q,"d":%q}]}`, encode(public), encode(private.Seed()))
	resp := apitest.New(t, "TOKEN_KEYS", set).Anonymous().Get("/.well-known/jwks.json").Want(http.StatusOK)
	if strings.Contains(string(resp.Body), encode(private.Seed())) || strings.Contains(string(resp.Body), `"d"`) {
		t.Errorf("got %s", resp.Body)
	}
}

func TestTokensThatNobodyWouldTakeAreNotHandedOut(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "TOKEN_SIGNING_KEY", apitest.Key()) // not the one of TOKEN_KEYS
	post(app, registerPath, registration("ada")).Want(http.StatusCreated)
	post(app, loginPath, fields{"username": "ada", "password": password}).Want(http.StatusInternalServerError)
}
