// Package gcloud knows which command lines Google's gcloud takes, as the completion of
// command lines that comes with it does.
package gcloud

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Command is one of gcloud's, or a group of them.
type Command struct {
	Commands map[string]*Command        `json:"commands"`
	Flags    map[string]json.RawMessage `json:"flags"` // "value", "bool", or a list of the values
}

// Commands returns all of the gcloud that is installed here.
var Commands = sync.OnceValues(func() (*Command, error) {
	program, err := exec.LookPath("gcloud")
	if err != nil {
		return nil, err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(program), "..", "data", "cli", "gcloud_completions.py"))
	if err != nil {
		return nil, err
	}
	_, text, ok := strings.Cut(string(content), "STATIC_COMPLETION_CLI_TREE = ")
	if !ok {
		return nil, fmt.Errorf("the completions of %s aren't as they were", program)
	}
	root := new(Command)
	return root, json.Unmarshal([]byte(text), root)
})

// Check reports what is wrong with a command line, of which gcloud itself is left out.
func (g *Command) Check(words []string) error {
	at, general := g, g.Flags
	var path []string
	for len(words) > 0 && at.Commands[words[0]] != nil {
		at = at.Commands[words[0]]
		path, words = append(path, words[0]), words[1:]
	}
	if len(at.Commands) > 0 {
		return fmt.Errorf("%q is no command of %q", strings.Join(words, " "), strings.Join(path, " "))
	}
	for _, word := range words {
		if !strings.HasPrefix(word, "--") {
			continue // a name
		}
		flag, value, hasValue := strings.Cut(word, "=")
		kind, ok := at.Flags[flag]
		if !ok {
			kind, ok = general[flag]
		}
		if !ok {
			if kind, ok = at.Flags["--"+strings.TrimPrefix(flag, "--no-")]; ok && string(kind) != `"bool"` {
				ok = false
			}
		}
		if !ok {
			return fmt.Errorf("it has no flag %s", flag)
		}
		var values []string
		switch {
		case string(kind) == `"bool"`:
			if hasValue {
				return fmt.Errorf("%s takes no value", flag)
			}
		case !hasValue:
			return fmt.Errorf("%s wants a value, after =", flag)
		case json.Unmarshal(kind, &values) == nil:
			if !strings.Contains(value, "*") && !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) }) {
				return fmt.Errorf("%s takes %q, not %q", flag, values, value)
			}
		}
	}
	return nil
}
