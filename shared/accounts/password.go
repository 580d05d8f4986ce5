package accounts

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	minPassword = 9 // characters
	maxPassword = 1_000
)

//go:embed common-passwords.txt.gz
var commonPasswords []byte

// common is the list of common passwords, each between two line feeds. A search
// through it takes microseconds, next to the milliseconds of the hash.
var common = sync.OnceValue(func() string {
	zipped, err := gzip.NewReader(bytes.NewReader(commonPasswords))
	if err != nil {
		panic(err) // the list is part of the program
	}
	list, err := io.ReadAll(zipped)
	if err != nil {
		panic(err)
	}
	return "\n" + string(list)
})

// passwordFaults returns everything that is wrong with a password. Like are the
// texts that it must not resemble: the user's name, names and address.
func passwordFaults(password string, like ...string) []string {
	if utf8.RuneCountInString(password) > maxPassword { // not worth the work of the rest
		return []string{"This password is too long. Use at most 1,000 characters."}
	}
	password = strings.ToLower(norm.NFKC.String(password))
	var faults []string
	if utf8.RuneCountInString(password) < minPassword {
		faults = append(faults, "This password is too short. Use at least 9 characters.")
	}
	if resembles(password, like) {
		faults = append(faults, "This password is too similar to your name or address. Choose another.")
	}
	if !strings.Contains(password, "\n") && strings.Contains(common(), "\n"+password+"\n") {
		faults = append(faults, "This password is too common. Choose one that is not on every list.")
	}
	if password != "" && strings.Trim(password, "0123456789") == "" {
		faults = append(faults, "This password is entirely numeric. Add letters or symbols.")
	}
	return faults
}

// resembles reports whether a password is nearly one of the texts or one of their words.
func resembles(password string, texts []string) bool {
	for _, text := range texts {
		text = strings.ToLower(norm.NFKC.String(text))
		words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range append(words, text) {
			if alike([]rune(password), []rune(word)) {
				return true
			}
		}
	}
	return false
}

// alike reports whether at least 70 % of the characters of both, taken
// together, belong to what they have in common in the same order.
func alike(a, b []rune) bool {
	enough := func(shared int) bool { return 20*shared >= 7*(len(a)+len(b)) }
	if len(a) == 0 || len(b) == 0 || !enough(min(len(a), len(b))) {
		return false
	}
	// The longest common subsequence, a row of its table at a time.
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return enough(row[len(b)])
}
