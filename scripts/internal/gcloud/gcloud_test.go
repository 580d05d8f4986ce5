package gcloud_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aksio.app/scripts/internal/gcloud"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	g := &gcloud.Command{Flags: map[string]json.RawMessage{"--project": []byte(`"value"`)}, Commands: map[string]*gcloud.Command{"sql": {Commands: map[string]*gcloud.Command{
		"patch": {Flags: map[string]json.RawMessage{"--policy": []byte(`["always", "never"]`), "--protect": []byte(`"bool"`), "--tier": []byte(`"value"`)}},
	}}}}
	for line, good := range map[string]bool{
		"sql patch main --policy=NEVER --no-protect --tier=big --project=*": true,
		"sql patch --policy=* --protect":                                    true,
		"sql path main":                                                     false,
		"sql":                                                               false,
		"sql patch --policy=sometimes":                                      false,
		"sql patch --pollicy=never":                                         false,
		"sql patch --tier":                                                  false,
		"sql patch --protect=yes":                                           false,
		"sql patch --no-tier":                                               false,
	} {
		if err := g.Check(strings.Fields(line)); (err == nil) != good {
			t.Errorf("%s: got %v", line, err)
		}
	}
}
