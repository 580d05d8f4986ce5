package accounts

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
)

// registerRate is how often one network may try to register: a class behind one
// address registers in one lesson.
var registerRate = limits.Rate{Count: 60, Per: time.Hour}

// Registration is what a visitor says to become a user.
type Registration struct {
	Username string
	Email    string
	Password string
	Confirm  string  // the password again
	Phone    *string // nil when not given
}

// check tidies the registration and reports everything that is wrong with it.
func (r *Registration) check() error {
	r.Username, r.Email = tidyUsername(r.Username), tidyEmail(r.Email)
	wrong := faults{}
	wrong.add("username", usernameFaults(r.Username)...)
	wrong.add("email", emailFaults(r.Email)...)
	var like []string
	if len(wrong) == 0 { // names of any length would take any time to compare
		like = []string{r.Username, r.Email}
	}
	wrong.add("password", passwordFaults(r.Password, like...)...)
	if r.Phone != nil {
		*r.Phone = strings.TrimSpace(*r.Phone)
		wrong.add("phone_number", phoneFaults(*r.Phone)...)
	}
	if len(wrong) == 0 && r.Password != r.Confirm {
		wrong.add("password", "The two passwords differ.")
	}
	return wrong.fault()
}

// Register adds a user. A user name or address that somebody has is Invalid
// under its field, also when both come at once. Two round trips; a third to
// tell which of the names is taken, and two to prepare the statement again, which
// pgx does after an error.
func (s *Store) Register(ctx context.Context, limiter limits.Limiter, from netip.Addr, r Registration) (User, error) {
	if err := r.check(); err != nil {
		return User{}, err
	}
	if err := limiter.Take(ctx, "register:"+network(from), registerRate, ofSite("register:", from, registerRate)...); err != nil {
		return User{}, err
	}
	hash, err := newHash(ctx, r.Password)
	if err != nil {
		return User{}, err
	}
	user := User{ID: id.New[auth.User](), Username: r.Username, Email: r.Email}
	if r.Phone != nil {
		user.Phone = *r.Phone
	}
	_, err = s.db.Exec(ctx, `
		INSERT INTO users (id, username, email, password, phone_number)
		VALUES ($1, $2, $3, $4, $5)`, user.ID, user.Username, user.Email, hash.String(), user.Phone)
	if isTaken(err) {
		err = s.taken(ctx, user.ID, user.Username, user.Email, err)
	}
	return user, err
}

// isTaken reports whether err says that a user name or address is somebody's, or to be kept for them.
func isTaken(err error) bool {
	return usernameIsTaken(err) || emailIsTaken(err) || usernameIsAddress(err)
}

func usernameIsTaken(err error) bool { return database.Violates(err, "users_username_key") }

func emailIsTaken(err error) bool { return database.Violates(err, "users_email") }

func usernameIsAddress(err error) bool { return database.Violates(err, "users_username_is_an_address") }

// taken words a violation. The database stops at the first; this looks whether
// the other name is somebody's as well. An empty name is nobody's.
func (s *Store) taken(ctx context.Context, self auth.UserID, username, email string, violation error) error {
	var badName, badEmail bool
	if err := s.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM users WHERE username = $2 AND id <> $1),
			EXISTS (SELECT FROM users WHERE lower(email) = lower($3) AND id <> $1)`,
		self, username, email).Scan(&badName, &badEmail); err != nil {
		return err
	}
	wrong := faults{}
	if badName || usernameIsTaken(violation) {
		wrong.add("username", usernameTaken)
	}
	if badEmail || emailIsTaken(violation) {
		wrong.add("email", emailTaken)
	}
	switch {
	case usernameIsAddress(violation) && username != "":
		wrong.add("username", "A username in the form of an email address must be your own address.")
	case usernameIsAddress(violation):
		wrong.add("email", "Your username is your old address. Change it, too.")
	}
	return wrong.fault()
}

// network is what of an address stands for one caller: a household or office
// gets a whole /64 of IPv6.
func network(from netip.Addr) string {
	if from.Is6() {
		if prefix, err := from.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return from.String()
}

// site is the /48 of IPv6 that an address belongs to, "" for one of IPv4. It may be one
// customer's, with 65,536 networks to call from, or that of a street.
func site(from netip.Addr) string {
	if from.Is6() {
		if prefix, err := from.Prefix(48); err == nil {
			return prefix.String()
		}
	}
	return ""
}

// siteShare is how many networks of one site may use up their rates at the same time.
const siteShare = 5

// ofSite is the turn of the address's site at what its network has the rate for.
func ofSite(what string, from netip.Addr, rate limits.Rate) []limits.Turn {
	if site := site(from); site != "" {
		return []limits.Turn{{Key: what + site, Rate: limits.Rate{Count: siteShare * rate.Count, Per: rate.Per}}}
	}
	return nil
}
