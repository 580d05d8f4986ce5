// Package bundle makes functions deployable: for each a zip of Go source that
// Google's Go buildpack builds without the network, with the packages that this
// one function links and no others.
//
// A bundle is a module of its own, called aksio.app, so that the repository's
// import paths hold in it without a workspace:
//
//	bundle.go   links the function, and what the buildpack wants to be linked
//	go.mod      the modules that the function links, no others
//	functions/  shared/  vendor/
//	version     of all the others, which the function tells in its answers
//
// The buildpack never looks at go.work, refuses a root without a Go file, and
// takes a vendor folder only with funcframework in it.
package bundle

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aksio.app/scripts/internal/catalogue"
)

// ManifestName is the file beside the bundles that says which is whose.
const ManifestName = "bundles.json"

// Bundle is the deployable form of a function.
type Bundle struct {
	Function string `json:"-"`
	File     string `json:"file"` // <function>-<beginning of the SHA-256 of its paths and contents>.zip
	Fresh    bool   `json:"-"`    // written by this call; false if it was there
}

// Build writes bundles of the functions, all if none is named, from the
// repository at root to the folder, with a manifest. What is there already, undamaged,
// isn't written again; older bundles of the same functions are removed, and if none is named,
// those of functions that there aren't any more.
func Build(ctx context.Context, root, folder string, functions ...string) ([]Bundle, error) {
	known, err := catalogue.Folders(root)
	if err != nil {
		return nil, err
	}
	all := len(functions) == 0
	if all {
		functions = slices.Sorted(maps.Keys(known))
	}
	var roots []string
	for _, function := range functions {
		if known[function] == "" {
			return nil, fmt.Errorf("there is no function %q: functions/README.md lists them", function)
		}
		roots = append(roots, path.Join(modulePath, known[function]))
	}
	module := filepath.Join(root, "functions")
	if err := checkRelease(ctx, module); err != nil {
		return nil, err
	}
	linked, err := list(ctx, module, append(roots, framework))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	files := &store{known: map[string]*file{}}
	bundles := make([]Bundle, len(functions))
	for i, function := range functions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := linked.entries(path.Join(modulePath, known[function]), files)
		if err == nil {
			bundles[i], err = write(folder, function, entries)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", function, err)
		}
	}
	return bundles, note(folder, bundles, all)
}

// Version is what the function tells of itself in the header Aksio-Version.
func (b Bundle) Version() string {
	return strings.TrimSuffix(strings.TrimPrefix(b.File, b.Function+"-"), ".zip")
}

// write stores the entries, and their version, unless they are stored already.
func write(folder, function string, entries []entry) (Bundle, error) {
	hash := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(hash, "%s\x00%x\n", e.name, e.hash)
	}
	b := Bundle{Function: function, File: fmt.Sprintf("%s-%x.zip", function, hash.Sum(nil)[:8])}
	entries = append(entries, entry{"version", newFile([]byte(b.Version()))})
	target := filepath.Join(folder, b.File)
	if whole(target, entries) {
		return b, nil
	}
	b.Fresh = true
	return b, replace(target, func(w io.Writer) error { return archive(w, entries) })
}

// whole reports whether the zip is there, with the entries and nothing else.
func whole(path string, entries []entry) bool {
	there, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer there.Close()
	return slices.EqualFunc(there.File, entries, func(stored *zip.File, e entry) bool {
		return stored.Name == e.name && e.sameAs(stored)
	})
}

// replace writes the file under another name until it is complete: what a broken run
// leaves must not look like it.
func replace(path string, write func(io.Writer) error) error {
	partial, err := os.CreateTemp(filepath.Dir(path), ".partial-*")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name())
	err = write(partial)
	if closeErr := partial.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return cmp.Or(os.Chmod(partial.Name(), 0o644), os.Rename(partial.Name(), path))
}

// note writes the manifest, with what an earlier call knew of other functions unless
// these are all, and removes bundles that it doesn't name any more.
func note(folder string, bundles []Bundle, all bool) error {
	before, err := Manifest(folder)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	manifest := map[string]Bundle{}
	if !all {
		maps.Copy(manifest, before)
	}
	for _, b := range bundles {
		manifest[b.Function] = b
	}
	for function, old := range before {
		if manifest[function].File != old.File {
			if err := os.Remove(filepath.Join(folder, old.File)); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(folder, ManifestName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// Manifest reads which bundle in the folder is whose, by the functions' ids.
func Manifest(folder string) (map[string]Bundle, error) {
	text, err := os.ReadFile(filepath.Join(folder, ManifestName))
	if err != nil {
		return nil, err
	}
	manifest, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read; delete it and make the bundles anew: %w", filepath.Join(folder, ManifestName), err)
	}
	return manifest, nil
}

// Parse reads a manifest's text.
func Parse(text []byte) (map[string]Bundle, error) {
	var manifest map[string]Bundle
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	for function, b := range manifest {
		b.Function = function
		manifest[function] = b
	}
	return manifest, nil
}
