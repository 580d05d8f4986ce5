package fsrs

import (
	"fmt"
	"slices"
	"strings"
)

// words are the names of an enumeration's values, by value; "" is no value.
type words []string

func (w words) known(i int) bool { return i >= 0 && i < len(w) && w[i] != "" }

func (w words) text(kind string, i int) string {
	if !w.known(i) {
		return fmt.Sprintf("%s(%d)", kind, i)
	}
	return w[i]
}

func (w words) marshal(kind string, i int) ([]byte, error) {
	if !w.known(i) {
		return nil, fmt.Errorf("%d is no %s", i, kind)
	}
	return []byte(w[i]), nil
}

func (w words) unmarshal(kind string, text []byte) (int, error) {
	i := slices.Index(w, string(text))
	if !w.known(i) {
		known := slices.DeleteFunc(slices.Clone(w), func(word string) bool { return word == "" })
		return 0, fmt.Errorf("%.40q is no %s; use one of %s", text, kind, strings.Join(known, ", "))
	}
	return i, nil
}
