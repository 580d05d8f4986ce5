// Package resource hands a function what it declared that it needs, and
// nothing else: its settings and the clients of its databases and services.
package resource

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/caarlos0/env/v11"
)

// Name names a resource in declarations, in functions.json and in Terraform's grants.
type Name string

// Process holds what all functions of one process share: the settings and the
// clients that are open. A deployed process serves one function; the local
// gateway and the tests serve many.
type Process struct {
	settings map[string]string
	broken   error // why the settings couldn't be read

	mu     sync.Mutex
	opened map[Name]any
}

// NewProcess returns a process with the given settings. Those that functions share
// may come together, as a JSON object of texts in SETTINGS; one of its own wins over
// them.
func NewProcess(settings map[string]string) *Process {
	p := &Process{settings: settings, opened: map[Name]any{}}
	text, together := settings["SETTINGS"]
	if !together {
		return p
	}
	p.settings = map[string]string{}
	if err := json.Unmarshal([]byte(text), &p.settings); err != nil {
		p.broken = fmt.Errorf("settings: SETTINGS is no JSON object of texts: %w", err)
		return p
	}
	if p.settings == nil { // null
		p.settings = map[string]string{}
	}
	maps.Copy(p.settings, settings)
	return p
}

// OSProcess returns a process with the settings of the operating system's environment.
func OSProcess() *Process { return NewProcess(OSSettings()) }

// OSSettings returns the variables of the operating system's environment.
func OSSettings() map[string]string { return env.ToMap(os.Environ()) }

// Env is what one function may use.
type Env struct {
	process  *Process
	function string
	declared []Name
	used     map[Name]bool
}

// Env returns the view that a function with the declared needs has of the process.
func (p *Process) Env(function string, declared []Name) *Env {
	return &Env{process: p, function: function, declared: declared, used: map[Name]bool{}}
}

// Function returns the id of the function that the environment is for.
func (e *Env) Function() string { return e.function }

// Unused returns the declared resources that were not opened.
func (e *Env) Unused() []Name {
	return slices.DeleteFunc(slices.Clone(e.declared), func(n Name) bool { return e.used[n] })
}

// Settings reads a struct with `env:"NAME"` tags from the settings, and calls
// its Validate method if it has one. The error names every setting that is
// missing or wrong.
func Settings[T any](e *Env) (T, error) {
	if e.process.broken != nil {
		var none T
		return none, e.process.broken
	}
	return Read[T](e.process.settings)
}

// Setting returns one setting by name, for names that are known only when the
// program runs. Settings is for all others.
func (e *Env) Setting(name string) (string, bool) {
	value, ok := e.process.settings[name]
	return value, ok
}

// Read is Settings for programs that aren't functions.
func Read[T any](settings map[string]string) (T, error) {
	config, err := env.ParseAsWithOptions[T](env.Options{Environment: maps.Clone(settings)})
	if err != nil {
		var all env.AggregateError
		if errors.As(err, &all) {
			var texts []string
			for _, one := range all.Errors {
				texts = append(texts, describe[T](settings, one))
			}
			err = errors.New(strings.Join(texts, "; "))
		}
		return config, fmt.Errorf("settings: %w", err)
	}
	if v, ok := any(config).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return config, fmt.Errorf("settings: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return config, nil
}

// describe words what is wrong with one setting by its own name, where the
// library knows it by the field that it fills. A tag example:"" says what a good
// value looks like where the default doesn't.
func describe[T any](settings map[string]string, err error) string {
	var parse env.ParseError
	if !errors.As(err, &parse) {
		return err.Error()
	}
	field, ok := reflect.TypeFor[T]().FieldByName(parse.Name)
	if !ok {
		return err.Error()
	}
	name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
	like := cmp.Or(field.Tag.Get("example"), field.Tag.Get("envDefault"), "1")
	if field.Type.Kind() == reflect.Bool {
		like = "true or false"
	}
	return fmt.Sprintf("%s is %q: write something like %s", name, settings[name], like)
}

// Open returns the process's client of the resource, made by open on first
// use. It is an error if the function didn't declare the resource. Open must not
// call out: clients connect when they are used. A failure isn't remembered.
func Open[T any](e *Env, name Name, open func() (T, error)) (T, error) {
	var zero T
	if !slices.Contains(e.declared, name) {
		return zero, fmt.Errorf("function %s opens %q, which it doesn't declare: add it to Needs", e.function, name)
	}
	e.used[name] = true
	client, err := Common(e, name, open)
	if err != nil {
		return zero, fmt.Errorf("open %s: %w", name, err)
	}
	return client, nil
}

// Common is Open for what every function has, and so doesn't declare.
func Common[T any](e *Env, name Name, open func() (T, error)) (T, error) {
	if client, ok := e.process.client(name); ok {
		return client.(T), nil
	}
	client, err := open() // unlocked: it may open what it rests on
	if err != nil {
		var zero T
		return zero, err
	}
	return e.process.keep(name, client).(T), nil
}

func (p *Process) client(name Name) (any, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client, ok := p.opened[name]
	return client, ok
}

// keep stores the client, unless another call was faster: its client wins.
func (p *Process) keep(name Name, client any) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first, ok := p.opened[name]; ok {
		return first
	}
	p.opened[name] = client
	return client
}

// Find returns the first client that the function opened and that is a T.
func Find[T any](e *Env) (T, bool) {
	for _, name := range e.declared {
		if client, ok := e.process.client(name); ok && e.used[name] {
			if found, ok := client.(T); ok {
				return found, true
			}
		}
	}
	var zero T
	return zero, false
}
