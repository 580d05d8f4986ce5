package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// modulePath is the module that a bundle is: the common prefix of the repository's modules.
const modulePath = "aksio.app"

// framework is what a bundle's root has to link beside the function: the buildpack
// reads the root's imports to know which main to write.
const framework = "github.com/GoogleCloudPlatform/functions-framework-go/functions"

// pkg is what the go command says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct{ Path, Version, GoVersion string }
	Deps       []string

	GoFiles, CgoFiles, CFiles, CXXFiles, HFiles, SFiles, SysoFiles, EmbedFiles []string
}

// files returns the names of what is compiled, relative to Dir.
func (p *pkg) files() []string {
	return slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.HFiles, p.SFiles, p.SysoFiles, p.EmbedFiles)
}

// own reports whether the package is one of the repository's.
func (p *pkg) own() bool { return strings.HasPrefix(p.ImportPath, modulePath+"/") }

// graph holds packages by their import paths.
type graph map[string]*pkg

// checkRelease refuses a go command of another release than the module's, which is that of the functions'
// runtime: it would pick files for its own release, and leave out those that Google's builder needs.
func checkRelease(ctx context.Context, module string) error {
	wanted, err := run(ctx, module, nil, "list", "-m", "-f", "{{.GoVersion}}")
	if err != nil {
		return err
	}
	running, err := run(ctx, module, nil, "env", "GOVERSION")
	if err != nil {
		return err
	}
	have, _, _ := strings.Cut(strings.TrimSpace(string(running)), " ") // experiments may follow
	want := "go" + strings.TrimSpace(string(wanted))
	if version.Lang(have) != version.Lang(want) {
		return fmt.Errorf("bundles are made by Go %s, the release of the functions' runtime, and the go command is of %s: install that release, or set GOTOOLCHAIN=%s",
			strings.TrimPrefix(version.Lang(want), "go"), have, want)
	}
	return nil
}

// run returns what a go command in the module prints. Versions are the module's own, as in
// the bundle, and not the workspace's.
func run(ctx context.Context, module string, settings []string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = module
	command.Env = slices.Concat(os.Environ(), []string{"GOWORK=off", "GOFLAGS="}, settings)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return output, nil
}

// list returns the packages and all that they import, as they are compiled where
// functions run. Whether the builder has a C compiler isn't ours to know, so that
// files for either case are in.
func list(ctx context.Context, module string, roots []string) (graph, error) {
	linked := graph{}
	for _, cgo := range []string{"0", "1"} {
		args := []string{"list", "-deps", "-json=ImportPath,Dir,Standard,Module,Deps,GoFiles,CgoFiles,CFiles,CXXFiles,HFiles,SFiles,SysoFiles,EmbedFiles"}
		output, err := run(ctx, module, []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=" + cgo}, append(args, roots...)...)
		if err != nil {
			return nil, err
		}
		for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
			var p pkg
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list: %w", err)
			}
			if before := linked[p.ImportPath]; before != nil {
				p.Deps = append(p.Deps, before.Deps...)
				p.GoFiles = slices.Compact(slices.Sorted(slices.Values(append(p.GoFiles, before.GoFiles...))))
			}
			linked[p.ImportPath] = &p
		}
	}
	return linked, nil
}

// entries returns the bundle of the function at the import path.
func (g graph) entries(function string, files *store) ([]entry, error) {
	packages := map[string]*pkg{}
	for _, root := range []string{function, framework} {
		for _, name := range append([]string{root}, g[root].Deps...) {
			if p := g[name]; p != nil && !p.Standard { // "C" and "unsafe" aren't listed
				packages[name] = p
			}
		}
	}
	var third []*pkg
	var entries []entry
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		p := packages[name]
		folder := strings.TrimPrefix(name, modulePath+"/")
		if !p.own() {
			third = append(third, p)
			folder = path.Join("vendor", name)
		}
		for _, file := range p.files() {
			stored, err := files.read(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry{path.Join(folder, filepath.ToSlash(file)), stored})
		}
	}
	for name, text := range map[string]string{
		"bundle.go":          root(function),
		"go.mod":             goMod(g[function].Module.GoVersion, third),
		"vendor/modules.txt": modulesTxt(third),
	} {
		entries = append(entries, entry{name, newFile([]byte(text))})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name }), nil
}

// root is the bundle's one package: the main that the buildpack writes links it.
func root(function string) string {
	return fmt.Sprintf(`// Package bundle is one function with all that it links.
package bundle

import (
	_ "embed"

	_ %q
	"aksio.app/shared/api"
	_ %q
)

//go:embed version
var version string

func init() { api.Version = version }
`, function, framework)
}

// goMod names the modules of the packages and no others, so that a new version of
// what a function doesn't link leaves its bundle as it is.
func goMod(goVersion string, packages []*pkg) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo %s\n\nrequire (\n", modulePath, goVersion)
	for _, p := range firsts(packages) {
		fmt.Fprintf(&b, "\t%s %s\n", p.Module.Path, p.Module.Version)
	}
	b.WriteString(")\n")
	return b.String()
}

// modulesTxt is what the go command holds against go.mod before it uses a vendor
// folder: per module its version, that go.mod names it, and its packages.
func modulesTxt(packages []*pkg) string {
	var b strings.Builder
	for _, first := range firsts(packages) {
		fmt.Fprintf(&b, "# %s %s\n## explicit", first.Module.Path, first.Module.Version)
		if first.Module.GoVersion != "" {
			fmt.Fprintf(&b, "; go %s", first.Module.GoVersion)
		}
		b.WriteByte('\n')
		for _, p := range packages {
			if p.Module.Path == first.Module.Path {
				fmt.Fprintln(&b, p.ImportPath)
			}
		}
	}
	return b.String()
}

// firsts returns one package of each module, by the modules' paths.
func firsts(packages []*pkg) []*pkg {
	sorted := slices.SortedStableFunc(slices.Values(packages), func(a, b *pkg) int { return strings.Compare(a.Module.Path, b.Module.Path) })
	return slices.CompactFunc(sorted, func(a, b *pkg) bool { return a.Module.Path == b.Module.Path })
}
