package resource_test

import (
	"strings"
	"testing"

	"aksio.app/shared/resource"
)

type config struct {
	Model string `env:"MODEL" envDefault:"small"`
	Place string `env:"PLACE"`
}

func TestSharedSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, shared, place string
		want                config
		err                 string
	}{
		{name: "together", shared: `{"MODEL": "large", "PLACE": "here"}`, want: config{"large", "here"}},
		{name: "its own wins", shared: `{"MODEL": "large", "PLACE": "here"}`, place: "there", want: config{"large", "there"}},
		{name: "none of ours", shared: `{}`, want: config{"small", ""}},
		{name: "not JSON", shared: `MODEL=large`, err: "SETTINGS is no JSON object of texts"},
		{name: "not texts", shared: `{"MODEL": 1}`, err: "SETTINGS is no JSON object of texts"},
		{name: "empty", shared: ``, err: "SETTINGS is no JSON object of texts"},
		{name: "null", shared: `null`, want: config{"small", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"SETTINGS": tc.shared}
			if tc.place != "" {
				settings["PLACE"] = tc.place
			}
			got, err := resource.Settings[config](resource.NewProcess(settings).Env("test", nil))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}
