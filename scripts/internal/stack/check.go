package stack

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"aksio.app/shared/api"
	"aksio.app/shared/resource"
)

// setting finds the name of the setting that a fault is about.
var setting = regexp.MustCompile(`\b[A-Z][A-Z0-9_]{2,}\b`)

// check sets every function up and reports, in one line, every setting that is
// missing or wrong: each once, however many functions want it.
func check(p *resource.Process) error {
	var faults []string
	named := map[string]bool{}
	for _, d := range api.Declared() {
		if d.Trigger == api.Any { // not served here: the gateway is
			continue
		}
		err := setup(d, p)
		if err == nil {
			continue
		}
		text := strings.NewReplacer("settings: ", "", "\n", "; ").Replace(err.Error())
		for fault := range strings.SplitSeq(text, "; ") {
			name := cmp.Or(setting.FindString(fault), fault)
			if !named[name] {
				named[name] = true
				faults = append(faults, fault)
			}
		}
	}
	if len(faults) > 0 {
		return errors.New("the functions can't start: " + strings.Join(faults, "; "))
	}
	return nil
}

func setup(d *api.Declaration, p *resource.Process) error {
	_, err := d.Handler(p)
	if err != nil && !strings.Contains(err.Error(), "settings: ") {
		return fmt.Errorf("%s: %w", d.ID, err)
	}
	return err
}
