package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// plan is what Terraform would do.
type plan struct {
	Changes []change                                   `json:"resource_changes"`
	Outputs map[string]struct{ After json.RawMessage } `json:"output_changes"`
}

// change is what Terraform would do to one resource.
type change struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Mode    string `json:"mode"`
	Change  struct {
		Actions []string       `json:"actions"`
		After   map[string]any `json:"after"`
	} `json:"change"`
}

// acts reports whether anything would be done.
func (c change) acts() bool {
	return !slices.Equal(c.Change.Actions, []string{"no-op"}) && !slices.Equal(c.Change.Actions, []string{"read"})
}

// text returns the value at the path of attributes and indices, as text.
func (c change) text(path ...any) string {
	var value any = c.Change.After
	for _, step := range path {
		switch at := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[at]
		case int:
			list, _ := value.([]any)
			if at >= len(list) {
				return ""
			}
			value = list[at]
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// texts returns the attribute, a map, of all blocks of the list together.
func (c change) texts(list, attribute string) map[string]string {
	found := map[string]string{}
	blocks, _ := c.Change.After[list].([]any)
	for _, block := range blocks {
		fields, _ := block.(map[string]any)
		values, _ := fields[attribute].(map[string]any)
		for name, value := range values {
			found[name] = fmt.Sprint(value)
		}
	}
	return found
}

// managed returns the planned resources of the type; all if it is empty.
func (p *plan) managed(kind string) []change {
	var found []change
	for _, c := range p.Changes {
		if c.Mode != "data" && (kind == "" || c.Type == kind) && c.Change.After != nil {
			found = append(found, c)
		}
	}
	return found
}

// key returns the key of an instance, or of its module: courses-list in
// module.function["courses-list"].x.y.
func (c change) key() string {
	_, rest, _ := strings.Cut(c.Address, `["`)
	key, _, _ := strings.Cut(rest, `"]`)
	return key
}
