// Package catalogue tells which functions there are: their folders, and what
// infrastructure/functions.json says of them.
package catalogue

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"aksio.app/shared/api"
)

// Function is a declaration as functions.json has it.
type Function struct {
	Access       api.Access     `json:"access"`
	Trigger      api.Trigger    `json:"trigger"`
	Methods      []string       `json:"methods,omitempty"` // and path: of those that people call
	Path         string         `json:"path,omitempty"`
	Schedule     string         `json:"schedule,omitempty"`
	Streams      bool           `json:"streams"`
	Needs        []api.Resource `json:"needs"`
	MemoryMiB    int            `json:"memory_mib"`
	CPU          float64        `json:"cpu"`
	Concurrency  int            `json:"concurrency"`
	Timeout      int            `json:"timeout_seconds"`
	MinInstances int            `json:"min_instances"`
	MaxInstances int            `json:"max_instances"`
}

// Read reads functions.json, by the functions' ids.
func Read(file string) (map[string]Function, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the functions: %w; run it from the top of the repository", err)
	}
	var functions map[string]Function
	if err := json.Unmarshal(text, &functions); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return functions, nil
}

// Folders returns the functions' folders in the repository at root, such as
// functions/courses/get, by the functions' ids.
func Folders(root string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "functions", "*", "*", "function.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no functions at %s: run it from the top of the repository", root)
	}
	folders := map[string]string{}
	for _, file := range files {
		folder := filepath.Dir(file)
		area, operation := filepath.Base(filepath.Dir(folder)), filepath.Base(folder)
		folders[area+"-"+operation] = path.Join("functions", area, operation)
	}
	return folders, nil
}
