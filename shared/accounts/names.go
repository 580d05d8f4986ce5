package accounts

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"aksio.app/shared/fault"
	"aksio.app/shared/names"
)

// faults collects what is wrong with the fields of a request.
type faults map[string][]string

func (f faults) add(field string, messages ...string) {
	if len(messages) > 0 {
		f[field] = append(f[field], messages...)
	}
}

// fault returns everything that was collected as one Invalid fault; nil if there is nothing.
func (f faults) fault() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		for field, messages := range f {
			return &fault.Fault{Kind: fault.Invalid, Message: field + ": " + messages[0], Fields: f}
		}
	}
	return &fault.Fault{Kind: fault.Invalid, Message: "Several fields of the request are wrong; see errors.", Fields: f}
}

const (
	blank         = "This field may not be blank."
	usernameTaken = "A user with that username already exists."
	emailTaken    = "A user with that email already exists."
)

var usernamePattern = regexp.MustCompile(`^[\p{L}\p{N}_.@+-]+$`)

// tidyUsername returns the one form in which a user name is stored and looked
// for: two names that look alike because Unicode writes them twice are one.
func tidyUsername(name string) string { return norm.NFKC.String(strings.TrimSpace(name)) }

// usernameFaults returns what is wrong with a tidied user name.
func usernameFaults(name string) []string {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return []string{blank}
	case n < 3 || n > 30:
		return []string{"Choose a username of 3 to 30 characters."}
	case !usernamePattern.MatchString(name) || strings.ContainsFunc(name, names.Misleads):
		return []string{"Enter a valid username: letters, digits and _ . @ + - only."}
	}
	return nil
}

// A dotted sequence of RFC 5322 atoms, then a domain of at least two labels in any script.
var emailPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
	`@([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])$`)

// tidyEmail returns the form in which an address is stored: its domain in lower
// case. The part before it keeps its case for whoever delivers mail; addresses
// are compared without regard to case everywhere.
func tidyEmail(address string) string {
	address = norm.NFKC.String(strings.TrimSpace(address))
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = address[:at] + strings.ToLower(address[at:])
	}
	return address
}

// emailFaults returns what is wrong with a tidied address.
func emailFaults(address string) []string {
	switch {
	case address == "":
		return []string{blank}
	case utf8.RuneCountInString(address) > 254:
		return []string{"Ensure this address has no more than 254 characters."}
	case strings.IndexByte(address, '@') > 64 || !emailPattern.MatchString(address) || strings.ContainsFunc(address, names.Misleads):
		return []string{"Enter a valid email address."}
	}
	return nil
}

var phonePattern = regexp.MustCompile(`^\+?1?[0-9]{9,15}$`)

// phoneFaults returns what is wrong with a phone number.
func phoneFaults(number string) []string {
	if len(number) > 17 || !phonePattern.MatchString(number) {
		return []string{"Enter a phone number of 9 to 15 digits, such as +4712345678."}
	}
	return nil
}
